"""Asking the exchange for the truth: after a send, after a gap, at start, and when in doubt.

All that comes back goes through `bookkeeping`, so asking twice changes nothing. Nothing here
places an order.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import structlog

from testudo import clock
from trading.bookkeeping import book
from trading.exchange.port import (
    AssetLimits,
    Exchange,
    ExchangeError,
    OrderReport,
    TradeReport,
)
from trading.market.symbols import UnknownSymbol, rules
from trading.models import ExchangeAccount, FeeRate, Order, Trade
from trading.order_reports import STATES
from trading.order_states import FINISHED, TERMINAL, State

log = structlog.get_logger(__name__)

FEES_FOR = timedelta(hours=24)
ZERO = Decimal(0)


def catch_up_trade(trade_id: UUID, *, exchange: Exchange) -> int:
    """Read one trade's orders and fills from the exchange. Returns how many fills were new."""
    trade = Trade.objects.get(pk=trade_id)
    orders = list(trade.orders.order_by("pk").prefetch_related("fills"))
    reports = _reports_of(trade, orders, exchange)
    try:
        executed = _executions(trade, orders, reports, exchange)
    except ExchangeError:
        book(trade.account_id, reports)  # what was told is told
        raise
    booked = book(trade.account_id, reports, executed)
    Trade.objects.filter(pk=trade.pk).update(polled_at=clock.now())
    return booked.fills


def note_told(trade_id: UUID) -> None:
    """The exchange has just answered the trade's entry: that is as good as having asked. Not where
    its position has been found naked since: then it must be asked before anything is sent (R9)."""
    Trade.objects.filter(pk=trade_id, naked_since=None).update(polled_at=clock.now())


def _reports_of(trade: Trade, orders: Sequence[Order], exchange: Exchange) -> list[OrderReport]:
    """What the exchange says of those that are not over: of what rests by one question."""
    open_now = {report.client_order_id: report for report in exchange.open_orders(trade.symbol)}
    reports = []
    for order in orders:
        if order.state in TERMINAL or order.state in (State.PLANNED, State.UNKNOWN):
            continue
        report = open_now.get(order.client_order_id)
        if report is None:
            report = exchange.find_order(order.symbol, order.client_order_id)
        if report is not None:
            reports.append(report)
    return reports


def _executions(
    trade: Trade, orders: Sequence[Order], reports: Sequence[OrderReport], exchange: Exchange
) -> list[TradeReport]:
    """Only of orders that executed more than our fills account for; any gap shows that way."""
    said = {report.client_order_id: report for report in reports}
    found: list[TradeReport] = []
    for order in orders:
        report = said.get(order.client_order_id)
        number = order.exchange_order_id or (report.exchange_order_id if report else None)
        executed = max(order.filled, report.executed if report else ZERO)
        if number is not None and sum(fill.quantity for fill in order.fills.all()) < executed:
            found += exchange.trades(trade.symbol, order_id=number)
    return found


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
