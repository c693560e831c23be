"""Asking the exchange for the truth: after a send, after a gap, at start, and when in doubt.

All that comes back goes through `bookkeeping`, so asking twice changes nothing. Nothing here
places an order.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog

from testudo import clock
from trading.bookkeeping import STATES, book_fills, book_order
from trading.exchange.port import AssetLimits, Exchange, OrderReport
from trading.market.symbols import UnknownSymbol, rules
from trading.models import ExchangeAccount, FeeRate, Order, Trade
from trading.order_states import FINISHED, TERMINAL, State

log = structlog.get_logger(__name__)

FEES_FOR = timedelta(hours=24)


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
