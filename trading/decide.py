"""The thinking half of the loop. Pure: what was seen goes in, steps come out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from trading import decide_entries, decide_exits, decide_moves
from trading.decide_entries import ExpireEntry, Release, TakeBackEntry
from trading.decide_exits import GiveUpLegs
from trading.due import has_passed, is_due
from trading.order_states import TERMINAL, UNSETTLED, State
from trading.positions import FillFact, OrderFact, Position, position_of, uncovered
from trading.step import Step

POLL_EVERY = timedelta(seconds=30)  # R13: even a healthy stream is only a hint
LOOK_AGAIN = timedelta(seconds=1)  # when something should have happened and was not seen yet
LEGS_ARMED_WITHIN = timedelta(seconds=2)  # after the entry's fill, else we place them: R9
SENDING_LEASE = timedelta(seconds=14)  # recvWindow 2 s + API time-out 10 s + 2 s: R4
# A stop or an exit cannot wait for that: the position is naked meanwhile. It is looked for before
# it goes again, under the same ids: while the first rests the exchange refuses the second, and an
# exit goes again only where the wallet could not pay for two (R4). With the guard's look each
# second and the look-up itself this stays within 2 s.
PROTECTIVE_LEASE = timedelta(milliseconds=750)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSeen(OrderFact):
    id: UUID
    sent_with: str  # the list it belongs to, or its own id
    claimed_at: datetime | None
    next_look_at: datetime | None
    type: str = ""
    working_at: datetime | None = None  # of a leg: since it was set off
    ended_because: str = ""  # in the exchange's own word
    looks: int = 0  # times it was looked for in vain
    move_id: UUID | None = None  # the move it was sent for


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
    move_id: UUID | None = None  # a move of stop or target that is not over yet
    kind: str = "now"  # of entry
    withdrawn: bool = False  # the entry is to be taken back
    crossed: bool = False  # a breakout: the price has reached its line
    released: bool = False  # a breakout: every rule has passed since, and it may be sent
    split_due: bool = False  # one pair covers it, and it is to be sold in parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    now: datetime
    new_risk: bool  # whether the account may take any
    streamed: bool = False  # whether its user stream is followed and was heard lately
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

    @property
    def asked_since_naked(self) -> bool:
        """Whether the exchange itself has confirmed that nothing covers the position (R9)."""
        return self.trade.naked_since is not None and self.trade.polled_at is not None

    def polled_before(self, age: timedelta) -> bool:
        return self.trade.polled_at is None or has_passed(age, self.trade.polled_at, self.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit(Step):
    order_ids: tuple[UUID, ...]
    enters: bool  # an entry is among them


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
class CancelLegs(Step):
    """Take the stop and target down, because the position is to be closed at the market."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protect(Step):
    """Plan a stop and target for a quantity no live stop covers."""

    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitTargets(Step):
    """Give each of several targets its part of the position."""


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
        # One thing at a time: what is under way says what comes next.
        if it.missing and it.position.booked and decide_exits.is_lost(it.trade.orders, it.now):
            yield Protect(quantity=it.missing, **on)
        return
    if resting := decide_entries.resting(it):
        yield from _look_after_entry(it, resting, on)
    elif it.position.held >= it.trade.dust and it.position.booked:
        yield from _look_after(it, on)
    elif decide_exits.came_after_all(it.trade.orders):
        yield CancelLegs(**on)
    elif it.stale:
        yield CatchUp(**on)  # fills are missing, or nothing was heard since it was sent


def _settle_group(it: Situation, group: Sequence[OrderSeen], on: dict[str, Any]) -> Iterator[Step]:
    """Send what is planned; resolve what was sent without an answer."""
    ids = tuple(order.id for order in group)
    states = {order.state for order in group}
    if states == {State.PLANNED}:
        entering = any(order.leg == "entry" for order in group)
        if entering and (why := decide_entries.why_not_sent(it)):
            yield ExpireEntry(why=why, **on)
        elif entering and decide_entries.armed(it):
            if it.trade.crossed:
                yield Release(**on)
        else:
            yield Submit(order_ids=ids, enters=entering, **on)
    elif State.SENDING in states:
        claimed = max(order.claimed_at for order in group if order.claimed_at)
        entering = any(order.leg == "entry" for order in group)
        if has_passed(SENDING_LEASE if entering else PROTECTIVE_LEASE, claimed, it.now):
            yield GiveUp(order_ids=ids, **on)
    elif State.UNKNOWN in states:
        due = [order.next_look_at for order in group if order.next_look_at]
        if not due or is_due(min(due), it.now):
            yield LookUp(order_ids=ids, **on)


def _look_after_entry(it: Situation, entry: OrderSeen, on: dict[str, Any]) -> Iterator[Step]:
    """It waits at the exchange until it has filled whole, or is to be taken back."""
    if why := decide_entries.why_taken_back(it):
        if entry.next_look_at is None or is_due(entry.next_look_at, it.now):
            yield TakeBackEntry(why=why, **on)
    elif it.polled_before(LOOK_AGAIN if it.position.entered or entry.filled else POLL_EVERY):
        yield CatchUp(**on)


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
        may_go = decide_exits.exit_may_go(exits, it.now)
        if may_go and (it.stale or decide_exits.sells_at_once(exits)):
            yield ExitNow(why="closed", **on)
    elif began := decide_exits.set_off_at(standing):
        yield from _look_after_sale(it, began, on)
    elif moving := list(decide_moves.due(it, on)):
        yield from moving
    elif not it.missing:
        if it.trade.split_due and it.trade.move_id is None:
            yield SplitTargets(**on)
        elif it.polled_before(POLL_EVERY):
            yield CatchUp(**on)
    elif any(order.state == State.WAITING for order in exits) and not _overdue(it):
        if it.stale:
            yield CatchUp(**on)  # the exchange arms the legs itself; see whether it has
    elif not it.asked_since_naked:
        yield CatchUp(**on)  # query first: a leg that fills may report its sibling's end before
    elif leg := decide_exits.fell_short(exits):
        why = f"The {leg} did not sell all, so the rest is sold at the market."
        yield GiveUpLegs(why=why, **on) if standing else ExitNow(why=why, **on)
    elif _last_pair_refused(it.groups):
        why = "The exchange refused the stop, so the position is closed."
        yield GiveUpLegs(why=why, **on) if standing else ExitNow(why=why, **on)
    else:
        yield Protect(quantity=it.missing, **on)


def _look_after_sale(it: Situation, began: datetime, on: dict[str, Any]) -> Iterator[Step]:
    """A leg that names a price was set off. It sells soon, or the market has gone past it (F26)."""
    if has_passed(decide_exits.MAY_REST, began, it.now):
        yield GiveUpLegs(why="The price went past the limit, so the rest is sold now.", **on)
    elif it.stale:
        yield CatchUp(**on)


def _overdue(it: Situation) -> bool:
    """Whether waiting legs should long have been armed."""
    opened = it.position.opened_at
    return opened is not None and has_passed(LEGS_ARMED_WITHIN, opened, it.now)


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
