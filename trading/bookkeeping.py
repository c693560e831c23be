"""Writing down what the exchange says: order states, fills, balances, and what follows from them.

Every report goes through `book`, whether it came by stream, answer or query, in any order, any
number of times. Locks are taken trade first, then balances, then the event stream, and no row lock
is ever held across a network call (R6).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import prefetch_related_objects

from risk.wording import plain
from testudo import clock
from testudo.db.batch import Batch
from testudo.observability import correlation
from trading import commissions, events, ledger
from trading.exchange.port import BalanceReport, OrderReport, TradeReport
from trading.models import EntryKind, Fill, Leg, Order, Trade
from trading.order_reports import figures_in, news_in, next_state
from trading.order_states import NEXT, TERMINAL, IllegalMove, State
from trading.settlement import settle, tell
from trading.wake import wake_turn_after_part

log = structlog.get_logger(__name__)

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
    return _find_by_number(account_id, report)


def _find_by_number(account_id: UUID, report: OrderReport | TradeReport) -> Order | None:
    orders = Order.objects.filter(account_id=account_id).select_related("trade__account")
    return orders.filter(symbol=report.symbol, exchange_order_id=report.exchange_order_id).first()


def book_order(account_id: UUID, report: OrderReport) -> Order | None:
    """Take in one order's state. Never backwards: a late or doubled report changes nothing."""
    ours = book(account_id, [report]).ours
    return ours[0] if ours else None  # else not ours: shown elsewhere, never touched


def book_fills(account_id: UUID, executed: Iterable[TradeReport]) -> int:
    """Book executions, each once however often it is reported (R12). Returns how many were new."""
    return book(account_id, executed=tuple(executed)).fills


@dataclass(slots=True)
class Booked:
    """What came of a few reports."""

    ours: list[Order] = field(default_factory=list)  # of the order reports that are ours, in turn
    news: bool = False  # whether any of them changed anything
    fills: int = 0  # executions that were not known


def book(
    account_id: UUID,
    reports: Sequence[OrderReport] = (),
    executed: Sequence[TradeReport] = (),
    *,
    known: Sequence[Order] = (),
) -> Booked:
    """Take in what the exchange said at one time of orders and executions.

    What concerns one trade is booked in one transaction under its lock, and what follows from it
    is settled once. Reports that bring no news take no lock: as if they had come just before
    whatever holds it. So a poll that brings none raises no version (B18).

    `known`: orders of the account that the caller has just read, with their trade and account.
    """
    booked, ours = Booked(), _find_all(account_id, [*reports, *executed], known)
    strange = _not_booked(account_id, executed)
    by_trade: dict[UUID, _Said] = {}
    for report in reports:
        if (order := ours.get(_key(report))) is not None:
            booked.ours.append(order)
            if news_in(order, report):
                by_trade.setdefault(order.trade_id, _Said(order)).reports.append((order, report))
    for each in strange:
        if (order := ours.get(_key(each))) is not None:
            worth = commissions.value_of(order.trade, each)  # may ask Redis: before any lock
            by_trade.setdefault(order.trade_id, _Said(order)).executed.append((order, each, worth))
    for trade_id, said in by_trade.items():
        with story_of(said.first), transaction.atomic():
            news, fills = _book(trade_id, said)
        booked.news, booked.fills = booked.news or news, booked.fills + fills
    return booked


@dataclass(slots=True)
class _Said:
    """What was said of one trade, with our rows as they were found, unlocked."""

    first: Order
    reports: list[tuple[Order, OrderReport]] = field(default_factory=list)
    executed: list[tuple[Order, TradeReport, Decimal]] = field(default_factory=list)


def _key(report: OrderReport | TradeReport) -> tuple[str, str, int]:
    return report.client_order_id, report.symbol, report.exchange_order_id


def _find_all(
    account_id: UUID, reports: Sequence[OrderReport | TradeReport], known: Sequence[Order]
) -> dict[tuple[str, str, int], Order | None]:
    """`find_ours` of all of them: one query where the exchange told our own ids."""
    by_id = {each.client_order_id: each for each in known}
    wanted = {report.client_order_id for report in reports if report.client_order_id} - by_id.keys()
    if wanted:
        orders = Order.objects.filter(account_id=account_id, client_order_id__in=wanted)
        by_id |= {each.client_order_id: each for each in orders.select_related("trade__account")}
    found: dict[tuple[str, str, int], Order | None] = {}
    for report in reports:
        if (key := _key(report)) not in found:
            order = by_id.get(report.client_order_id)
            found[key] = order or _find_by_number(account_id, report)
    return found


def _not_booked(account_id: UUID, executed: Sequence[TradeReport]) -> list[TradeReport]:
    """Those whose fill is not in the books yet; looked at again under the trade's lock."""
    if not executed:
        return []
    wanted = {each.trade_id for each in executed}
    rows = Fill.objects.filter(account_id=account_id, exchange_trade_id__in=wanted)
    known = set(rows.values_list("symbol", "exchange_trade_id"))
    return [each for each in executed if (each.symbol, each.trade_id) not in known]


def _book(trade_id: UUID, said: _Said) -> tuple[bool, int]:
    """Under the trade's lock, with its orders and fills read under it."""
    trade = lock_trade(trade_id)
    trade.account = said.first.trade.account  # never another's
    prefetch_related_objects([trade], "orders", "fills")  # what follows asks for them again
    orders = {order.pk: order for order in trade.orders.all()}
    fills = list(trade.fills.all())
    rows, told = Batch(), Batch()  # facts are told last: so the locks have one order
    news, before = False, len(fills)
    for known, report in said.reports:
        news |= _take_in(trade, orders[known.pk], report, told)
    for known, each, worth in said.executed:
        _book_fill(trade, orders[known.pk], each, worth, fills, rows, told)
    new = len(fills) - before
    rows.run()
    told.run()
    if news or new:
        settle(trade, orders=tuple(orders.values()), fills=fills)
    return news or bool(new), new


def _take_in(trade: Trade, order: Order, report: OrderReport, told: Batch) -> bool:
    """Whether the report changed the order."""
    figures = figures_in(order, report)
    to = next_state(order, report, figures)
    first_answer = order.state in (State.SENDING, State.UNKNOWN)
    if to is not None:
        ended = {"ended_at": report.at} if to in TERMINAL else {}
        moved = advance(
            order, to=to, state_reason=report.reason, next_look_at=None, **ended, **figures
        )
        if moved:
            log.info("order_moved", order=order.client_order_id, leg=order.leg, to=to)
            if first_answer and trade.acknowledged_at is None:
                trade.acknowledged_at = clock.now()  # `settle` saves it
            _tell_moved(trade, order, report, told, first_answer=first_answer)
            return True
    if figures:  # it stays where it is, or somebody moved it first
        for name, value in figures.items():
            setattr(order, name, value)
        order.save(update_fields=list(figures))
    return bool(figures)


def _tell_moved(
    trade: Trade, order: Order, report: OrderReport, told: Batch, *, first_answer: bool
) -> None:
    fact = {"account_id": trade.account_id, "trade_id": trade.pk, "symbol": trade.symbol}
    to = State(order.state)
    if first_answer:
        text = f"Binance has the {order.leg} order."
        if trade.account.venue == "paper":
            text = f"The paper exchange has the {order.leg} order."
        tell(
            trade.account_id,
            events.OrderAcknowledged(**fact, client_order_id=order.client_order_id, text=text),
            batch=told,
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
            batch=told,
        )


def _book_fill(
    trade: Trade,
    order: Order,
    report: TradeReport,
    worth: Decimal,
    fills: list[Fill],
    rows: Batch,
    told: Batch,
) -> None:
    """Add it to `fills`, all of the trade's as read under its lock, where it is new."""
    if any(each.exchange_trade_id == report.trade_id for each in fills):
        return
    fill = Fill(
        account_id=order.account_id,
        symbol=report.symbol,
        exchange_trade_id=report.trade_id,
        order=order,
        trade=trade,
        price=report.price,
        quantity=report.quantity,
        quote_quantity=report.quote_quantity,
        commission=report.commission,
        commission_asset=report.commission_asset,
        commission_quote=worth,
        at=report.at,
    )
    fills.append(fill)
    rows.insert(fill)
    _move_cash(trade, order, report, rows)
    ledger.post_new_fill(fill, rows)
    total = sum((each.quantity for each in fills if each.order_id == order.pk), Decimal(0))
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
        batch=told,
    )
    if order.leg == Leg.ENTRY and trade.kind == EntryKind.PULLBACK:
        wake_turn_after_part(trade.account_id)


_MOVE_CASH = """
UPDATE trading_balance SET booked = booked + %s
WHERE account_id = %s AND asset = %s AND booked IS NOT NULL
"""


def _move_cash(trade: Trade, order: Order, report: TradeReport, rows: Batch) -> None:
    """Our ledger of the cash: what the fill cost or brought."""
    paid = report.commission if report.commission_asset == trade.currency else Decimal(0)
    moved = report.quote_quantity if order.side == "SELL" else -report.quote_quantity
    rows.add(_MOVE_CASH, [moved - paid, trade.account_id, trade.currency])


_BALANCES = """
INSERT INTO trading_balance AS b (account_id, asset, free, locked, as_of)
SELECT %s, * FROM unnest(%s::varchar[], %s::numeric[], %s::numeric[], %s::timestamptz[])
ON CONFLICT (account_id, asset) DO UPDATE
SET free = EXCLUDED.free, locked = EXCLUDED.locked, as_of = EXCLUDED.as_of
WHERE b.as_of <= EXCLUDED.as_of
"""


def book_balances(account_id: UUID, reports: Sequence[BalanceReport]) -> None:
    """Take in balances, each asset once; an older word never replaces a newer one."""
    rows = sorted(reports, key=lambda each: each.asset)  # one lock order
    columns = [[getattr(each, name) for each in rows] for name in ("asset", "free", "locked", "at")]
    with connection.cursor() as cursor:
        cursor.execute(_BALANCES, [account_id, *columns])
