"""One trade told whole, for its own page: the steps it took with the milliseconds between them,
what went wrong and what was done about it, and what the exchange answered word for word.

Steps have the moment our books learned of them and, where the exchange says one, its own. Time
between steps is by our clock only: two clocks must not be subtracted from each other (R20).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q

from risk.wording import money, plain
from testudo.events.models import OutboxEvent
from testudo.observability.redaction import clean_text
from trading.events import PlanApproved
from trading.exchange_calls import CUT
from trading.incidents import KINDS
from trading.models import (
    ExchangeCall,
    Fill,
    Incident,
    Leg,
    Move,
    MoveReason,
    MoveState,
    Order,
    Trade,
)
from trading.naked import is_naked
from trading.order_states import FINISHED, TradeState
from trading.positions import position_of
from trading.settlement import facts_of, signed

WHY_MOVED = {
    MoveReason.TRADER: "by you",
    MoveReason.BREAK_EVEN: "to break-even, by your rule",
    MoveReason.TRAILING: "by the trailing rule",
    MoveReason.RATCHET: "by the ratchet rule",
    MoveReason.TARGETS: "to sell a part at each of your targets",
}
HOW_IT_ENDED = {
    MoveState.DONE: "",
    MoveState.KEPT: " The exchange refused; the old stop and target rest again.",
    MoveState.STOP_ONLY: " The exchange refused the pair; a stop alone rests.",
    MoveState.EXITED: " The exchange took no stop at all; the position was closed.",
    MoveState.OVERTAKEN: " The position ended first.",
    MoveState.SUPERSEDED: " A newer move came before anything was sent.",
}
CLOSED_BY = {
    "target": "at the target",
    "stop": "at the stop",
    "closed": "at the market",
    "external": "by hand at the exchange",
}
E8 = Decimal("0.00000001")
ENDED = {
    TradeState.EXPIRED: "Not filled",
    TradeState.REJECTED: "Refused by the exchange",
    TradeState.CANCELED: "Withdrawn",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a trade's life. `at` is None while it has not come to it."""

    name: str  # planned, approved, sent, acknowledged, filled, protected, moved, closed
    title: str
    text: str
    at: datetime | None
    exchange_at: datetime | None = None
    ms: int | None = None  # since the plan was placed
    ms_between: int | None = None  # since the step before


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """An incident of the trade, or of its exchange while the trade lived."""

    kind: str
    title: str
    severity: str  # note, warning, alarm
    text: str
    done: str  # "" while nothing was done yet
    opened_at: datetime
    closed_at: datetime | None
    ms: int | None  # how long it stood; None while it does
    of_exchange: bool  # it concerned everyone there


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One request about the trade and what came back, word for word."""

    at: datetime
    method: str
    path: str
    status: int | None  # None: no answer
    ms: int
    text: str
    cut: bool


def steps_of(trade: Trade) -> tuple[Step, ...]:
    """What the trade has come to, in the order it happened; then what it still waits for."""
    fills = list(trade.fills.select_related("order").order_by("at", "exchange_trade_id"))
    orders = list(trade.orders.order_by("pk"))
    reached = [*_before_the_market(trade, orders), *_in_the_market(trade, orders, fills)]
    reached += [_moved(move) for move in trade.moves.order_by("number") if move.ended_at]
    if (end := _end(trade, fills)) is not None:
        reached.append(end)
    dated = sorted((step for step in reached if step.at is not None), key=_moment)
    return (*_timed(trade.placed_at, dated), *(step for step in reached if step.at is None))


def _moment(step: Step) -> datetime:
    assert step.at is not None
    return step.at


def _before_the_market(trade: Trade, orders: list[Order]) -> Iterable[Step]:
    plan = (
        f"{trade.side.capitalize()} {plain(trade.quantity)} {trade.base_asset}: entry "
        f"{plain(trade.entry)}, stop {plain(trade.stop)}, target {plain(trade.target)}; at most "
        f"{money(trade.planned_risk)} {trade.currency} at risk."
    )
    yield Step(name="planned", title="Planned", text=plan, at=trade.placed_at)
    told = OutboxEvent.objects.filter(
        stream=str(trade.account_id), name=PlanApproved.name, payload__trade_id=str(trade.pk)
    ).first()
    yield Step(
        name="approved",
        title="Approved",
        text=f"Every rule passed, and its risk was reserved: decision {trade.decision.number}.",
        at=datetime.fromisoformat(told.payload["at"]) if told else trade.decision.created_at,
    )
    entry = next((order for order in orders if order.leg == Leg.ENTRY), None)
    sent = entry.claimed_at if entry else None
    if sent is None and trade.state in FINISHED:
        return
    kind = entry.list_kind if entry else ""
    what = f"Entry, stop and target in one list ({kind})." if kind else "The entry."
    yield Step(
        name="sent",
        title="Sent",
        text=what if sent else "Not yet.",
        at=sent,
        exchange_at=entry.signed_at if entry and sent else None,
    )
    if trade.acknowledged_at is not None or trade.state not in FINISHED:
        yield Step(
            name="acknowledged",
            title="Acknowledged",
            text="The exchange confirmed it." if trade.acknowledged_at else "Not yet.",
            at=trade.acknowledged_at,
        )


def _in_the_market(trade: Trade, orders: list[Order], fills: list[Fill]) -> Iterable[Step]:
    bought = [fill for fill in fills if fill.order.leg == Leg.ENTRY]
    if bought:
        position = position_of(*facts_of(trade))
        whole = position.entered >= trade.quantity
        price = plain((position.entry_price or Decimal(0)).quantize(E8))
        yield Step(
            name="filled",
            title="Filled" if whole else "Filled in part",
            text=f"{plain(position.entered)} {trade.base_asset} at {price} on average, in "
            f"{len(bought)} fill{'s' if len(bought) > 1 else ''}.",
            at=max(fill.booked_at for fill in bought),
            exchange_at=max(fill.at for fill in bought),
        )
    elif trade.state not in FINISHED:
        yield Step(name="filled", title="Filled", text="Not yet.", at=None)
    if trade.protected_at is not None:
        stops = [each for each in orders if each.leg == Leg.STOP and each.resting_at]
        first = min(stops, key=lambda each: each.resting_at or trade.protected_at, default=None)
        yield Step(
            name="protected",
            title="Protected",
            text="A stop for the whole position rests at the exchange"
            + (f", at {plain(first.stop_price)}." if first and first.stop_price else "."),
            at=trade.protected_at,
            exchange_at=first.resting_at if first else None,
        )
    elif bought and trade.state in FINISHED:
        text = "No stop was seen resting before the trade ended."
        yield Step(name="protected", title="Not protected", text=text, at=None)
    elif trade.state not in FINISHED:
        text = "Not yet: NO STOP COVERS IT." if is_naked(trade) else "Not yet."
        yield Step(name="protected", title="Protected", text=text, at=None)


def _moved(move: Move) -> Step:
    lines = [
        f"{name} {plain(before)} → {plain(after)}"
        for name, before, after in (
            ("stop", move.from_stop, move.to_stop), ("target", move.from_target, move.to_target),
        )
        if before != after
    ]  # fmt: skip
    naked = "" if move.naked_ms is None else f" Without a stop for {move.naked_ms:,} ms meanwhile."
    said = f" It said: {move.said}." if move.said else ""
    what = ", ".join(lines) or "the stop and target became a pair for each part"
    return Step(
        name="moved",
        title="Moved" if move.state == MoveState.DONE else "Move not done",
        text=f"{what[:1].upper()}{what[1:]}, {WHY_MOVED[MoveReason(move.why)]}."
        f"{HOW_IT_ENDED[MoveState(move.state)]}{said}{naked}",
        at=move.ended_at,
    )


def _end(trade: Trade, fills: list[Fill]) -> Step | None:
    if trade.state == TradeState.CLOSED:
        sold = [fill for fill in fills if fill.order.leg != Leg.ENTRY]
        why = f" {trade.state_reason.rstrip('.')}." if trade.state_reason else ""
        result = f"{signed(trade.profit or Decimal(0))} {trade.currency} after fees."
        return Step(
            name="closed",
            title="Closed",
            text=f"Sold {CLOSED_BY[trade.exit_reason]}: {result}{why}",
            at=max((fill.booked_at for fill in sold), default=trade.closed_at),
            exchange_at=trade.closed_at,
        )
    if trade.state in FINISHED:
        text = trade.state_reason or "Nothing was bought."
        title = ENDED[TradeState(trade.state)]
        return Step(name="closed", title=title, text=text, at=trade.closed_at)
    return Step(name="closed", title="Closed", text="Not yet.", at=None)


def _timed(start: datetime, steps: list[Step]) -> Iterable[Step]:
    before = start
    for step in steps:
        at = _moment(step)
        yield Step(
            name=step.name, title=step.title, text=step.text, at=at, exchange_at=step.exchange_at,
            ms=_ms(at - start), ms_between=_ms(at - before),
        )  # fmt: skip
        before = at


def _ms(span: timedelta) -> int:
    return max(0, int(span / timedelta(milliseconds=1)))


def troubles_of(trade: Trade) -> tuple[Trouble, ...]:
    """The trade's incidents, and those of its exchange while it lived; the oldest first."""
    of_exchange = Q(account=None, about=trade.account.venue) & (
        Q(closed_at=None) | Q(closed_at__gte=trade.placed_at)
    )
    if trade.closed_at is not None:
        of_exchange &= Q(opened_at__lte=trade.closed_at)
    rows = Incident.objects.filter(Q(trade=trade) | of_exchange).order_by("opened_at", "pk")
    return tuple(
        Trouble(
            kind=row.kind,
            title=KINDS[row.kind].title if row.kind in KINDS else row.kind.replace("_", " "),
            severity=row.severity,
            text=row.text,
            done=row.what_was_done,
            opened_at=row.opened_at,
            closed_at=row.closed_at,
            ms=None if row.closed_at is None else _ms(row.closed_at - row.opened_at),
            of_exchange=row.account_id is None,
        )
        for row in rows
    )


def answers_of(trade: Trade) -> tuple[Answer, ...]:
    """What the exchange answered about the trade, the oldest first. Signatures and keys were never
    kept; whatever looks like a secret all the same is hidden once more here."""
    return tuple(
        Answer(
            at=row.at,
            method=row.method,
            path=clean_text(row.path),
            status=row.status,
            ms=row.ms,
            text=clean_text(row.answer),
            cut=row.answer.endswith(CUT),
        )
        for row in ExchangeCall.objects.filter(trade=trade)
    )


def on_the_wire(trade: Trade) -> dict[str, Any]:
    """Steps, incidents and answers as the API tells them, moments as ISO 8601."""
    return {
        "steps": [_wire(step) for step in steps_of(trade)],
        "incidents": [_wire(trouble) for trouble in troubles_of(trade)],
        "exchange_answers": [_wire(answer) for answer in answers_of(trade)],
    }


def _wire(value: Step | Trouble | Answer) -> dict[str, Any]:
    return {
        name: each.isoformat().replace("+00:00", "Z") if isinstance(each, datetime) else each
        for name in value.__dataclass_fields__
        for each in [getattr(value, name)]
    }
