"""Asking the exchange for the truth: after a send, after a gap, at start, and when in doubt.

All that comes back goes through `bookkeeping`, so asking twice changes nothing. Nothing here
places an order.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from django.db import transaction

from testudo import clock
from trading import coverage, flows
from trading.bookkeeping import (
    STATES,
    advance,
    book_balances,
    book_fills,
    book_order,
    lock_trade,
)
from trading.exchange.port import AssetLimits, BalanceReport, Exchange, OrderReport
from trading.market.symbols import UnknownSymbol, rules
from trading.models import ExchangeAccount, FeeRate, Order, Trade
from trading.order_states import FINISHED, TERMINAL, State
from trading.settlement import settle

log = structlog.get_logger(__name__)

# R4: recvWindow 2 s + the exchange's own time-out 10 s + 5 s. Not found before that is not absent.
ABSENT_AFTER = timedelta(seconds=17)
LOOKS_FOR_ABSENT = 3
LONGEST_PAUSE = timedelta(seconds=5)
FEES_FOR = timedelta(hours=24)


def catch_up(account: ExchangeAccount, *, exchange: Exchange) -> int:
    """Match one account with the exchange: unfinished trades, new fills, balances, fee rates.

    The order of R13 and R14: orders first (a fill is booked to an order we know), then fills, then
    balances. The balances are asked for first: then every fill up to their moment is fetched after
    them, and what the ledger lacks is no trade of ours. Returns the number of new fills.
    """
    balances = exchange.balances()
    unfinished = list(Trade.objects.filter(account=account).exclude(state__in=FINISHED))
    booked = sum(catch_up_trade(trade.pk, exchange=exchange) for trade in unfinished)
    book_balances(account.pk, balances)
    _compare(account, balances)
    return booked


def _compare(account: ExchangeAccount, balances: Sequence[BalanceReport]) -> None:
    """Book what nobody explained as external; a managed position that is no longer there halts."""
    cash = next((each for each in balances if each.asset == account.currency), None)
    if cash is not None:
        flows.compare_cash(account, total=cash.free + cash.locked, at=cash.at)
    if missing := coverage.missing(account):
        coverage.halt(account, missing)


def catch_up_trade(trade_id: UUID, *, exchange: Exchange) -> int:
    """Read one trade's orders and fills from the exchange. Returns how many fills were new."""
    trade = Trade.objects.get(pk=trade_id)
    booked = _fetch_fills(trade, exchange)
    open_now = {report.client_order_id: report for report in exchange.open_orders(trade.symbol)}
    for order in trade.orders.order_by("pk"):
        if order.state in TERMINAL or order.state in (State.PLANNED, State.UNKNOWN):
            continue
        report = open_now.get(order.client_order_id)
        if report is None:
            report = exchange.find_order(order.symbol, order.client_order_id)
        if report is not None:
            book_order(order.account_id, report)
    booked += _fetch_fills(trade, exchange)
    Trade.objects.filter(pk=trade.pk).update(polled_at=clock.now())
    return booked


def _fetch_fills(trade: Trade, exchange: Exchange) -> int:
    """Only where an order executed more than our fills account for; any gap shows that way."""
    booked = 0
    executed = trade.orders.exclude(exchange_order_id=None).filter(filled__gt=0)
    for order in executed.prefetch_related("fills"):
        if sum(fill.quantity for fill in order.fills.all()) < order.filled:
            reports = exchange.trades(trade.symbol, order_id=order.exchange_order_id)
            booked += book_fills(trade.account_id, reports)
    return booked


def look_up(order_ids: Sequence[UUID], *, exchange: Exchange) -> None:
    """Resolve orders of unknown outcome: found by any of their ids, or proven absent (R4)."""
    orders = list(Order.objects.filter(pk__in=order_ids, state=State.UNKNOWN))
    if not orders:
        return
    found = [
        report
        for order in orders
        if (report := exchange.find_order(order.symbol, order.client_order_id)) is not None
    ]
    if not found:
        wanted = {order.client_order_id for order in orders}
        resting = exchange.open_orders(orders[0].symbol)
        found = [report for report in resting if report.client_order_id in wanted]
    if found:
        for report in found:
            book_order(orders[0].account_id, report)
        catch_up_trade(orders[0].trade_id, exchange=exchange)
        return
    _not_found(orders)


def _not_found(orders: Sequence[Order]) -> None:
    now = clock.now()
    with transaction.atomic():
        trade = lock_trade(orders[0].trade_id)
        for order in orders:
            order.refresh_from_db()
            if order.state != State.UNKNOWN:
                continue
            looks = order.looks + 1
            claimed = order.claimed_at or order.created_at
            if looks >= LOOKS_FOR_ABSENT and now - claimed >= ABSENT_AFTER:
                why = "It never reached the exchange."
                advance(order, to=State.EXPIRED, looks=looks, next_look_at=None, state_reason=why)
            else:
                pause = min(timedelta(milliseconds=500) * 2**looks, LONGEST_PAUSE)
                Order.objects.filter(pk=order.pk).update(looks=looks, next_look_at=now + pause)
        settle(trade)


def refresh_fees(account: ExchangeAccount, symbols: Sequence[str], *, exchange: Exchange) -> None:
    """Fetch what the account pays on each symbol, once a day."""
    for symbol in symbols:
        fresh = FeeRate.objects.filter(
            account=account, symbol=symbol, fetched_at__gte=clock.now() - FEES_FOR
        )
        if fresh.exists():
            continue
        rates = exchange.commission(symbol)
        limits = _asset_limits(account, symbol, exchange=exchange)
        FeeRate.objects.update_or_create(
            account=account,
            symbol=symbol,
            defaults={
                "maker": rates.maker,
                "taker": rates.taker,
                "bnb_maker": rates.bnb_maker,
                "bnb_taker": rates.bnb_taker,
                "max_base": limits.base,
                "max_quote": limits.quote,
                "fetched_at": clock.now(),
            },
        )


def _asset_limits(account: ExchangeAccount, symbol: str, *, exchange: Exchange) -> AssetLimits:
    try:
        listed = rules(account.venue, symbol)
    except UnknownSymbol:
        return AssetLimits(None, None)  # not listed yet: then it can't be traded either
    return exchange.asset_limits(symbol, base=listed.base, quote=listed.quote)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing on which our books and the exchange disagree."""

    order: Order
    report: OrderReport | None

    def __str__(self) -> str:
        ours = f"{self.order.leg} order {self.order.client_order_id}: {self.order.state} here"
        if self.report is None:
            return f"{ours}, not known to the exchange"
        return f"{ours}, {self.report.status} on the exchange, executed {self.report.executed:f}"


def differences(account: ExchangeAccount, *, exchange: Exchange) -> Iterator[Difference]:
    """Where the orders of unfinished trades differ from the exchange's. Changes nothing."""
    orders = (
        Order.objects.filter(account=account)
        .exclude(trade__state__in=FINISHED)
        .exclude(state=State.PLANNED)
    )
    for order in orders.order_by("pk"):
        report = exchange.find_order(order.symbol, order.client_order_id)
        if report is None:
            if order.state not in TERMINAL:
                yield Difference(order, None)
        elif STATES[report.status] != order.state or report.executed != order.filled:
            yield Difference(order, report)
