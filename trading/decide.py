"""The thinking half of the loop. Pure: what was seen goes in, steps come out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from trading.order_states import TERMINAL, UNSETTLED, State
from trading.positions import FillFact, OrderFact, Position, position_of, uncovered

POLL_EVERY = timedelta(seconds=30)  # R13: even a healthy stream is only a hint
LOOK_AGAIN = timedelta(seconds=1)  # when something should have happened and was not seen yet
LEGS_ARMED_WITHIN = timedelta(seconds=2)  # after the entry's fill, else we place them: R9
SENDING_LEASE = timedelta(seconds=14)  # recvWindow 2 s + API time-out 10 s + 2 s: R4


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSeen(OrderFact):
    id: UUID
    sent_with: str  # the list it belongs to, or its own id
    claimed_at: datetime | None
    next_look_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeSeen:
    """One unfinished trade with its orders and fills, as read."""

    trade_id: UUID
    correlation_id: str
    orders: tuple[OrderSeen, ...]
    fills: tuple[FillFact, ...]
    dust: Decimal
    expires_at: datetime
    polled_at: datetime | None
    naked_since: datetime | None
    closing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    now: datetime
    new_risk: bool  # whether the account may take any
    trades: tuple[TradeSeen, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a trade comes to: what is held, what covers it, what was sent together."""

    trade: TradeSeen
    position: Position
    missing: Decimal  # held, and covered by no live stop
    groups: tuple[tuple[OrderSeen, ...], ...]  # oldest first
    new_risk: bool
    now: datetime

    @property
    def stale(self) -> bool:
        """Whether the exchange may be asked again about something that should have happened."""
        return self.polled_before(LOOK_AGAIN)

    def polled_before(self, age: timedelta) -> bool:
        return self.trade.polled_at is None or self.now - self.trade.polled_at >= age


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    trade_id: UUID
    correlation_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit(Step):
    order_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp(Step):
    """Sent by a worker that never reported back: unknown from now on."""

    order_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUp(Step):
    order_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CatchUp(Step):
    """Read the trade's orders and fills from the exchange."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireEntry(Step):
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelLegs(Step):
    """Take the stop and target down, because the position is to be closed at the market."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protect(Step):
    """Plan a stop and target for a quantity no live stop covers."""

    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitNow(Step):
    """Plan a market exit of what is held."""

    why: str


def orient(seen: Seen) -> tuple[Situation, ...]:
    """Add up each trade: the position, its cover, and the orders that belong together."""
    situations = []
    for trade in seen.trades:
        position = position_of(trade.orders, trade.fills)
        situations.append(
            Situation(
                trade=trade,
                position=position,
                missing=uncovered(position, dust=trade.dust),
                groups=_groups(trade.orders),
                new_risk=seen.new_risk,
                now=seen.now,
            )
        )
    return tuple(situations)


def decide(situations: Iterable[Situation]) -> list[Step]:
    """Everything that is due, trade by trade."""
    return [step for situation in situations for step in _decide(situation)]


def _decide(it: Situation) -> Iterator[Step]:
    on = {"trade_id": it.trade.trade_id, "correlation_id": it.trade.correlation_id}
    for group in it.groups:
        yield from _settle_group(it, group, on)
    if any(order.state in UNSETTLED or order.state == State.PLANNED for order in it.trade.orders):
        return  # one thing at a time: what is under way says what comes next
    if it.position.held >= it.trade.dust and it.position.booked:
        yield from _look_after(it, on)
    elif it.stale:
        yield CatchUp(**on)  # fills are missing, or nothing was heard since it was sent


def _settle_group(it: Situation, group: Sequence[OrderSeen], on: dict[str, Any]) -> Iterator[Step]:
    """Send what is planned; resolve what was sent without an answer."""
    ids = tuple(order.id for order in group)
    states = {order.state for order in group}
    if states == {State.PLANNED}:
        if any(order.leg == "entry" for order in group) and (why := _too_late(it)):
            yield ExpireEntry(why=why, **on)
        else:
            yield Submit(order_ids=ids, **on)
    elif State.SENDING in states:
        claimed = max(order.claimed_at for order in group if order.claimed_at)
        if it.now - claimed >= SENDING_LEASE:
            yield GiveUp(order_ids=ids, **on)
    elif State.UNKNOWN in states:
        due = [order.next_look_at for order in group if order.next_look_at]
        if not due or min(due) <= it.now:
            yield LookUp(order_ids=ids, **on)


def _too_late(it: Situation) -> str:
    """Why an entry that was not sent yet must not be sent any more; "" where it may."""
    if it.trade.closing:
        return "It was withdrawn before it was sent."
    if not it.new_risk:
        return "The account takes no new risk now."
    if it.now >= it.trade.expires_at:
        return "It could not be sent in time, and the price has moved on."
    return ""


def _look_after(it: Situation, on: dict[str, Any]) -> Iterator[Step]:
    """A position is held: close it if that is wanted, else see that its stop covers it."""
    exits = [order for order in it.trade.orders if order.leg != "entry"]
    standing = [order for order in exits if order.state not in TERMINAL]
    selling = any(order.leg == "exit" for order in standing)
    if selling:
        if it.stale:
            yield CatchUp(**on)  # the market exit is on its way
    elif it.trade.closing and standing:
        yield CancelLegs(**on)
    elif it.trade.closing:
        yield ExitNow(why="closed", **on)
    elif not it.missing:
        if it.polled_before(POLL_EVERY):
            yield CatchUp(**on)
    elif any(order.state == State.WAITING for order in exits) and not _overdue(it):
        if it.stale:
            yield CatchUp(**on)  # the exchange arms the legs itself; see whether it has
    elif not _asked_since_naked(it):
        yield CatchUp(**on)  # query first: a leg that fills may report its sibling's end before
    elif _last_pair_refused(it.groups):
        yield ExitNow(why="The exchange refused the stop, so the position is closed.", **on)
    else:
        yield Protect(quantity=it.missing, **on)


def _asked_since_naked(it: Situation) -> bool:
    """Whether the exchange itself has confirmed that nothing covers the position (R9)."""
    naked, polled = it.trade.naked_since, it.trade.polled_at
    return naked is not None and polled is not None and polled > naked


def _overdue(it: Situation) -> bool:
    """Whether waiting legs should long have been armed."""
    opened = it.position.opened_at
    return opened is not None and it.now - opened >= LEGS_ARMED_WITHIN


def _last_pair_refused(groups: Sequence[Sequence[OrderSeen]]) -> bool:
    pairs = [group for group in groups if all(order.leg != "entry" for order in group)]
    return bool(pairs) and any(
        order.leg == "stop" and order.state == State.REJECTED for order in pairs[-1]
    )


def _groups(orders: Iterable[OrderSeen]) -> tuple[tuple[OrderSeen, ...], ...]:
    by_list: dict[str, list[OrderSeen]] = {}
    for order in sorted(orders, key=lambda order: order.id):  # ids sort by time
        by_list.setdefault(order.sent_with, []).append(order)
    return tuple(tuple(group) for group in by_list.values())
