"""What is due for a move of a stop or target (R10). Pure; `decide` asks it for each position.

A move is carried out as: the old pair down, then the new pair up; where the exchange refuses that,
the old prices again; then a stop alone; then the market. Which of these comes next follows from the
orders that were sent for the move, so a turn that finds it half done just goes on.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from trading.order_states import LIVE, TERMINAL, State
from trading.step import Step

if TYPE_CHECKING:
    from trading.decide import OrderSeen, Situation


class Rung(IntEnum):
    """How far down the ladder: each refusal is one step."""

    WISHED = 0  # stop and target at the new prices
    FORMER = 1  # at the old ones
    STOP_ALONE = 2  # the old stop, without a target
    EXIT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveLegs(Step):
    """Carry a move on: take down what stands elsewhere, put up what is due next."""

    move_id: UUID


def next_rung(refused: Iterable[int]) -> Rung:
    """What is tried next, by the rungs of the stops that the exchange refused."""
    return Rung(min(max(refused, default=-1) + 1, Rung.EXIT))


def due(it: "Situation", on: dict[str, Any]) -> Iterator[Step]:
    """The next step of the trade's open move; nothing where the exchange must speak first.

    Called with nothing planned, sending or unknown among the orders, and every fill booked.
    """
    move_id = it.trade.move_id
    if move_id is None:
        return
    legs = [order for order in it.trade.orders if order.leg in ("stop", "target")]
    if any(order.state == State.WAITING for order in legs):
        return  # the exchange arms the legs of the entry itself; then they can be moved
    if any(order.state in LIVE and order.filled for order in legs):
        return  # it is selling already: the price was faster
    standing = [order for order in legs if order.state not in TERMINAL]
    own = [order for order in standing if order.move_id == move_id and _whole(legs, order)]
    elsewhere = len(standing) > len(own)
    if own and not elsewhere and not it.missing:
        return  # what was sent for it rests; the books say so with the next settlement
    if elsewhere or it.asked_since_naked or _taken_down(legs):
        yield MoveLegs(move_id=move_id, **on)


def _whole(legs: "Sequence[OrderSeen]", order: "OrderSeen") -> bool:
    """Whether all that was sent with this order rests. Where its sibling has ended, its own end is
    on its way: the exchange is asked first, and then it comes down."""
    return all(each.state in LIVE for each in legs if each.sent_with == order.sent_with)


def _taken_down(legs: Sequence["OrderSeen"]) -> bool:
    """Whether the last legs ended by a cancel or a refusal. Then nothing can fill any more; where
    they expired, the sibling's fill may be on its way, and the exchange is asked first."""
    stops = [order for order in legs if order.leg == "stop"]
    last = max(stops, key=lambda order: order.id, default=None)
    return last is not None and last.state in (State.CANCELED, State.REJECTED)
