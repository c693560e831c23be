"""What is due where a stop or target was set off and did not sell all. Pure; `decide` asks it.

"Stop accepted" is not "position safe": it is watched until the position is flat (R9, F26, F27).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from trading.legs import LIMIT_KINDS
from trading.order_states import LIVE, UNSETTLED, State
from trading.step import Step

if TYPE_CHECKING:
    from trading.decide import OrderSeen

MAY_REST = timedelta(seconds=3)  # a leg that was set off, and names a price: R9
# Why an order that was set off expires: B:user-data-stream.md
IN_VAIN = frozenset({"INSUFFICIENT_LIQUIDITY", "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"})
LEGS = ("stop", "target")
# After a refused exit: the second waits a second, each further one twice as long (F29, F50).
AFTER_REFUSAL, LONGEST_PAUSE = timedelta(seconds=1), timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUpLegs(Step):
    """Wait no longer for a leg that was set off: take the legs down and sell at the market."""

    why: str


def set_off_at(exits: "Sequence[OrderSeen]") -> datetime | None:
    """When a leg that names a price was set off; None where none is trying to sell."""
    times = [
        order.working_at
        for order in exits
        if order.type in LIMIT_KINDS and order.state in LIVE and order.working_at is not None
    ]
    return min(times, default=None)


def sells_at_once(exits: "Sequence[OrderSeen]") -> bool:
    """Whether an exit need not wait: it is the first, or the last never came to the exchange. What
    a thin market left, or the exchange refused to take, is tried again a second later."""
    sold = [order for order in exits if order.leg == "exit"]
    last = max(sold, key=lambda order: order.id, default=None)
    return last is None or (last.state == State.EXPIRED and last.working_at is None)


def is_lost(orders: "Sequence[OrderSeen]", now: datetime) -> bool:
    """Whether a market exit of unknown outcome was looked for in vain, and a stop is to be put in
    its place. Until it is proven absent, 17 s later (R4), it may not go again where other coin of
    the kind would be sold by it; the position is not left naked for that long. A stop that is
    refused is tried again, after a growing pause."""
    under_way = [each for each in orders if each.state in UNSETTLED or each.state == State.PLANNED]
    lost = [each for each in under_way if each.leg == "exit" and each.looks]
    if not lost or lost != under_way:
        return False
    tried = _stops_since(lost[-1], orders)
    return all(each.state == State.REJECTED for each in tried) and _may_go_again(tried, now)


def came_after_all(orders: "Sequence[OrderSeen]") -> bool:
    """Whether an exit that was taken for lost has sold, and the stop in its place still rests."""
    sold = [each for each in orders if each.leg == "exit" and each.state == State.FILLED]
    return any(stop.state in LIVE for each in sold for stop in _stops_since(each, orders))


def _stops_since(exit_: "OrderSeen", orders: "Sequence[OrderSeen]") -> "list[OrderSeen]":
    return [each for each in orders if each.leg == "stop" and each.id > exit_.id]


def fell_short(exits: "Sequence[OrderSeen]") -> str:
    """Which of the newest legs was set off and ended before all was sold, in a thin market or
    beyond the exchange's price range; "" for none. Its price has been, so none can rest there."""
    for leg in LEGS:
        found = [order for order in exits if order.leg == leg]
        last = max(found, key=lambda order: order.id, default=None)
        if last is None or last.state not in (State.EXPIRED, State.CANCELED):
            continue
        if last.filled > 0 or last.ended_because in IN_VAIN:
            return leg
    return ""


def exit_may_go(exits: "Sequence[OrderSeen]", now: datetime) -> bool:
    """Whether a market exit may be sent: the more of them were refused, the longer it waits."""
    refused = [each for each in exits if each.leg == "exit" and each.state == State.REJECTED]
    return _may_go_again(refused, now)


def _may_go_again(refused: "Sequence[OrderSeen]", now: datetime) -> bool:
    times = [each.claimed_at for each in refused if each.claimed_at is not None]
    if not times:
        return True
    pause = min(AFTER_REFUSAL * 2 ** min(len(times) - 1, 10), LONGEST_PAUSE)
    return not max(times) <= now < max(times) + pause  # a clock put back keeps nothing waiting
