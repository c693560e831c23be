"""Writing down what the exchange says: order states, fills, balances, and what follows from them.

Every report goes through `book_order` and `book_fills`, whether it came by stream, answer or
query, in any order, any number of times. Locks are taken trade first, then the event stream, and
no row lock is ever held across a network call (R6).
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F, Sum

from risk.wording import plain
from testudo import clock
from testudo.observability import correlation
from trading import commissions, events, ledger
from trading.exchange.port import BalanceReport, OrderReport, TradeReport
from trading.models import Balance, EntryKind, Fill, Leg, Order, Trade
from trading.order_states import LIVE, NEXT, TERMINAL, IllegalMove, State
from trading.settlement import settle, tell
from trading.wake import wake_turn_after_part

log = structlog.get_logger(__name__)

# Binance's words for ours. PENDING_CANCEL is documented as unused.
STATES = {
    "NEW": State.OPEN,
    "PENDING_NEW": State.WAITING,
    "PARTIALLY_FILLED": State.PARTLY_FILLED,
    "FILLED": State.FILLED,
    "CANCELED": State.CANCELED,
    "REJECTED": State.REJECTED,
    "EXPIRED": State.EXPIRED,
    "EXPIRED_IN_MATCH": State.EXPIRED,
}

ENDED = {State.CANCELED: "was canceled", State.EXPIRED: "expired", State.REJECTED: "was refused"}


def advance(order: Order, *, to: State, **changes: object) -> bool:
    """Move the order on by compare-and-set; False means another worker moved it first.

    Raises: IllegalMove, for a move `NEXT` does not know.
    """
    if to not in NEXT[State(order.state)]:
        raise IllegalMove(f"Order {order.pk} cannot go from {order.state} to {to}.")
    moved = Order.objects.filter(pk=order.pk, state=order.state).update(state=to, **changes)
    if moved:
        order.state = to
        for name, value in changes.items():
            setattr(order, name, value)
    return bool(moved)


def lock_trade(trade_id: UUID) -> Trade:
    """The trade's row, locked. Always the first lock of a booking; the event stream is the last."""
    return Trade.objects.select_for_update(no_key=True, of=("self",)).get(pk=trade_id)


def story_of(order: Order):
    """Bind the correlation id of the trade an order belongs to, for logs and events."""
    return correlation.bind(order.trade.correlation_id or None)


def find_ours(account_id: UUID, report: OrderReport | TradeReport) -> Order | None:
    """Our row for a report, by our id or the exchange's; None for an order that is not ours."""
    orders = Order.objects.filter(account_id=account_id).select_related("trade")
    if report.client_order_id:
        found = orders.filter(client_order_id=report.client_order_id).first()
        if found:
            return found
    return orders.filter(symbol=report.symbol, exchange_order_id=report.exchange_order_id).first()


def book_order(account_id: UUID, report: OrderReport) -> Order | None:
    """Take in one order's state. Never backwards: a late or doubled report changes nothing."""
    known = find_ours(account_id, report)
    if known is None:
        return None  # not ours: shown elsewhere, never touched
    with story_of(known), transaction.atomic():
        trade = lock_trade(known.trade_id)
        order = Order.objects.get(pk=known.pk)
        before = _figures(order)
        _book_figures(order, report)
        _move(trade, order, report)
        if _figures(order) != before:  # a poll that brings no news raises no version: B18
            settle(trade)
    return order


def _figures(order: Order) -> tuple[object, ...]:
    """What a report may change of an order."""
    return (
        order.state, order.quantity, order.filled, order.exchange_order_id, order.working_at,
        order.resting_at,
    )  # fmt: skip


def _book_figures(order: Order, report: OrderReport) -> None:
    """Ids and quantities only grow: the size of an OPO leg appears when the entry has filled."""
    changed = []
    if order.exchange_order_id is None:
        order.exchange_order_id = report.exchange_order_id
        changed.append("exchange_order_id")
    if order.quantity is None and report.quantity is not None:
        order.quantity = report.quantity
        changed.append("quantity")
    if report.executed > order.filled:
        order.filled = report.executed
        changed.append("filled")
    if order.working_at is None and report.working_at is not None:
        order.working_at = report.working_at
        changed.append("working_at")
    if order.resting_at is None and STATES[report.status] in (*LIVE, State.FILLED):
        order.resting_at = report.at
        changed.append("resting_at")
    if changed:
        order.save(update_fields=changed)


def _move(trade: Trade, order: Order, report: OrderReport) -> None:
    to = STATES[report.status]
    if order.quantity is not None and order.filled >= order.quantity:
        to = State.FILLED
    first_answer = order.state in (State.SENDING, State.UNKNOWN)
    if to == order.state or to not in NEXT[State(order.state)]:
        return
    if order.ended_at is not None and to not in TERMINAL:
        return  # an older word than the exchange's last one (F17); only our own "absent" is undone
    ended = {"ended_at": report.at} if to in TERMINAL else {}
    advance(order, to=to, state_reason=report.reason, next_look_at=None, **ended)
    log.info("order_moved", order=order.client_order_id, leg=order.leg, to=to)
    if first_answer and trade.acknowledged_at is None:
        trade.acknowledged_at = clock.now()
        trade.save(update_fields=["acknowledged_at"])
    fact = {"account_id": trade.account_id, "trade_id": trade.pk, "symbol": trade.symbol}
    if first_answer:
        text = f"Binance has the {order.leg} order."
        if trade.account.venue == "paper":
            text = f"The paper exchange has the {order.leg} order."
        tell(
            trade.account_id,
            events.OrderAcknowledged(**fact, client_order_id=order.client_order_id, text=text),
        )
    if to in (State.CANCELED, State.EXPIRED, State.REJECTED):
        why = f" ({report.reason})" if report.reason and report.reason != "NONE" else ""
        tell(
            trade.account_id,
            events.OrderCanceled(
                **fact,
                client_order_id=order.client_order_id,
                state=to,
                text=f"The {order.leg} order {ENDED[to]}{why}.",
            ),
        )


def book_fills(account_id: UUID, reports: Iterable[TradeReport]) -> int:
    """Book executions, each once however often it is reported (R12). Returns how many were new."""
    booked = 0
    for report in reports:
        order = find_ours(account_id, report)
        if order is not None:
            booked += _book_fill(order, report)
    return booked


def _book_fill(known: Order, report: TradeReport) -> int:
    worth = commissions.value_of(known.trade, report)  # may ask Redis: before any lock
    with story_of(known), transaction.atomic():
        trade = lock_trade(known.trade_id)
        order = Order.objects.get(pk=known.pk)
        facts = {
            "order": order,
            "trade": trade,
            "price": report.price,
            "quantity": report.quantity,
            "quote_quantity": report.quote_quantity,
            "commission": report.commission,
            "commission_asset": report.commission_asset,
            "commission_quote": worth,
            "at": report.at,
        }
        fill, new = Fill.objects.get_or_create(
            account_id=order.account_id,
            symbol=report.symbol,
            exchange_trade_id=report.trade_id,
            defaults=facts,
        )
        if not new:
            return 0
        _move_cash(trade, order, report)
        ledger.post_fill(fill, first=True)
        total = order.fills.aggregate(total=Sum("quantity"))["total"]
        if total > order.filled:
            order.filled = total
            order.save(update_fields=["filled"])
        tell(
            order.account_id,
            events.OrderFilled(
                account_id=order.account_id,
                trade_id=trade.pk,
                symbol=order.symbol,
                order_id=order.pk,
                leg=order.leg,
                exchange_trade_id=report.trade_id,
                quantity=report.quantity,
                price=report.price,
                text=f"{order.leg.capitalize()}: {plain(report.quantity)} {trade.base_asset} "
                f"at {plain(report.price)}.",
            ),
        )
        settle(trade)
        if order.leg == Leg.ENTRY and trade.kind == EntryKind.PULLBACK:
            wake_turn_after_part(trade.account_id)
    return 1


def _move_cash(trade: Trade, order: Order, report: TradeReport) -> None:
    """Our ledger of the cash: what the fill cost or brought. The row's lock is the last but the
    event stream's."""
    paid = report.commission if report.commission_asset == trade.currency else Decimal(0)
    moved = report.quote_quantity if order.side == "SELL" else -report.quote_quantity
    rows = Balance.objects.filter(account_id=trade.account_id, asset=trade.currency)
    rows.exclude(booked=None).update(booked=F("booked") + moved - paid)


def book_balances(account_id: UUID, reports: Sequence[BalanceReport]) -> None:
    """Take in balances; an older word never replaces a newer one."""
    with transaction.atomic():
        for report in sorted(reports, key=lambda each: each.asset):  # one lock order
            figures = {"free": report.free, "locked": report.locked, "as_of": report.at}
            row, new = Balance.objects.get_or_create(
                account_id=account_id, asset=report.asset, defaults=figures
            )
            if not new:
                Balance.objects.filter(pk=row.pk, as_of__lte=report.at).update(**figures)
