"""What is due for an entry that waits, here or at the exchange. Pure; `decide` asks it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from trading.due import has_passed
from trading.order_states import LIVE
from trading.step import Step

if TYPE_CHECKING:
    from trading.decide import OrderSeen, Situation

PART_MAY_WAIT = timedelta(seconds=2)  # a part of an entry without its stop: R8


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireEntry(Step):
    """Give up an entry that was never sent."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(Step):
    """Ask every rule again about a breakout whose line was reached: then it is sent, or expires."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeBackEntry(Step):
    """Cancel what rests of an entry at the exchange."""

    why: str


def armed(it: "Situation") -> bool:
    """Whether it is a breakout that waits here for its line."""
    return it.trade.kind == "breakout" and not it.trade.released


def resting(it: "Situation") -> "OrderSeen | None":
    """A pullback's entry as it rests at the exchange, bought in part or not at all."""
    if it.trade.kind != "pullback":
        return None
    return next((o for o in it.trade.orders if o.leg == "entry" and o.state in LIVE), None)


def why_not_sent(it: "Situation") -> str:
    """Why an entry that was not sent yet must not be sent any more; "" where it may."""
    if it.trade.closing or it.trade.withdrawn:
        return "It was withdrawn before it was sent."
    if not it.new_risk and not armed(it):  # an armed one is judged when its line is reached
        return "The account takes no new risk now."
    if it.now < it.trade.expires_at:
        return ""
    if armed(it):
        return "The price did not reach its line in time."
    return "It could not be sent in time, and the price has moved on."


def why_taken_back(it: "Situation") -> str:
    """Why nothing more of a resting entry may be bought; "" where it may go on waiting.

    The exchange arms no stop for a part: where the rest does not come soon, it is cut off and the
    part protected (F24). A part too small to sell can't be protected, and waits for more.
    """
    if it.trade.closing or it.trade.withdrawn:
        return "It was withdrawn."
    if it.now >= it.trade.expires_at:
        return "Its time was over."
    opened, enough = it.position.opened_at, it.position.held >= it.trade.dust
    if enough and opened is not None and has_passed(PART_MAY_WAIT, opened, it.now):
        return "Only a part of it was filled."
    return ""
