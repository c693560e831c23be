"""What `stream_accounts` does for one account: keep its books in step with its user stream."""

from collections.abc import Sequence
from datetime import timedelta

import structlog

from testudo import clock
from trading import (
    asset_flows,
    flows,
    foreign,
    key_watch,
    ooda,
    orphans,
    reconcile,
    recovery,
    sold_by_hand,
    venue_health,
)
from trading.bookkeeping import book, book_balances
from trading.exchange.binance import BinanceExchange
from trading.exchange.factory import exchange_for
from trading.exchange.port import (
    BalanceReport,
    ExchangeError,
    OrderReport,
    RequestsHeld,
    TradeReport,
    is_trouble,
)
from trading.exchange.user_events import (
    Alive,
    BalanceUpdate,
    Burst,
    Ending,
    FundsMoved,
    OrderUpdate,
    StreamEvent,
    StreamLost,
    Subscribed,
)
from trading.market.symbols import UnknownSymbol, rules
from trading.models import ExchangeAccount, Trade
from trading.order_states import FINISHED
from trading.rate_budget import Use, spending
from trading.symbols_of import watched_symbols
from trading.wake import wake_turn

log = structlog.get_logger(__name__)

NOTE_ALIVE_EVERY = timedelta(seconds=5)


def take_in(account: ExchangeAccount, event: StreamEvent) -> None:
    """Book one event of the stream. Raises: StreamLost, where matching the books failed."""
    match event:
        case Subscribed():
            match_books(account)
        case OrderUpdate(order=report, trade=trade):
            # Most of what is told was known, or leaves nothing to do: then nobody is woken.
            if take_in_order(account, report, trade) and ooda.is_due(account.pk):
                wake_turn(account.pk, protective=True)
        case BalanceUpdate(balances=balances):
            book_balances(account.pk, balances)
        case FundsMoved(asset=asset, change=change, at=at):
            flows.book_flow(
                account,
                kind=flows.Kind.TRANSFER,
                key=f"transfer:{asset}:{clock.to_ms(at)}:{change:f}",
                asset=asset,
                change=change,
                at=at,
            )
        case Burst(events=events):
            take_in_burst(account, events)
        case Alive() | Ending():
            pass
    note_alive(account)


def take_in_burst(account: ExchangeAccount, events: Sequence[StreamEvent]) -> None:
    """Book what came together: orders at once, then the newest word on each balance, then money
    that moved. Safe to repeat."""
    orders = [event for event in events if isinstance(event, OrderUpdate)]
    trades = [event.trade for event in orders if event.trade is not None]
    booked = book(account.pk, [event.order for event in orders], trades)
    news = booked.news
    if len(booked.ours) < len(orders):  # a stranger's, or one of ours nobody knows of
        for event in orders:
            news |= take_in_order(account, event.order, event.trade)
    balances: dict[str, BalanceReport] = {}
    for event in events:
        if isinstance(event, BalanceUpdate):
            for said in event.balances:
                known = balances.get(said.asset)
                if known is None or known.at <= said.at:
                    balances[said.asset] = said
        elif not isinstance(event, OrderUpdate):
            take_in(account, event)
    if balances:
        book_balances(account.pk, list(balances.values()))
    if news and ooda.is_due(account.pk):
        wake_turn(account.pk, protective=True)


def take_in_order(account: ExchangeAccount, report: OrderReport, trade: TradeReport | None) -> bool:
    """An order moved: one of ours, one of ours nobody knows of (R14), or a stranger's. Returns
    whether it was news of ours."""
    executed = () if trade is None else (trade,)
    booked = book(account.pk, (report,), executed)
    news = booked.news
    if not booked.ours and orphans.is_ours(report):
        try:
            with spending(Use.PROTECTIVE):
                orphans.meet(account, report, exchange=exchange_for(account))
        except ExchangeError as error:
            raise StreamLost(f"could not adopt an order of ours: {error}") from error
        booked, news = book(account.pk, (report,), executed), True
    if booked.ours:
        return news
    foreign.hear(account, report)
    if trade is not None and not sold_by_hand.take(account, report, trade):
        book_foreign_trade(account, report, trade)
    return False


def book_foreign_trade(account: ExchangeAccount, order: OrderReport, trade: TradeReport) -> None:
    """A trade made by hand on the exchange: its cash is a flow, its coins are holdings."""
    try:
        symbol = rules(account.venue, order.symbol)
    except UnknownSymbol:
        return  # of a symbol we do not know: the next comparison of the balances books it
    asset_flows.book_foreign_trade(account, symbol, trade, side=order.side)


def match_books(account: ExchangeAccount) -> None:
    """Close the gap: orders, fills and balances by REST, then the stream may go on (R13, R14).

    Raises: StreamLost; RequestsHeld, where the budget of requests is used up: try again then.
    """
    exchange = exchange_for(account)
    holds = Trade.objects.filter(account=account, held__gt=0).exclude(state__in=FINISHED).exists()
    try:
        # Who holds a position comes first: the rest of the minute's requests is kept for them.
        with spending(Use.PROTECTIVE if holds else Use.ORDINARY):
            booked = recovery.catch_up(account, exchange=exchange)
            reconcile.refresh_fees(account, watched_symbols(account), exchange=exchange)
    except RequestsHeld:
        raise  # it is asked again once it may be; the stream need not be opened again
    except ExchangeError as error:
        if is_trouble(error):
            venue_health.note_failure(account.venue, str(error))
        key_watch.note_error(account.pk, error)
        raise StreamLost(f"could not match the books: {error}") from error
    venue_health.note_success(account.venue)
    look_at_clock(account.venue, exchange)
    now = clock.now()
    figures = {"reconciled_at": now, "stream_alive_at": now, "stream_gap": False}
    ExchangeAccount.objects.filter(pk=account.pk).update(**figures)
    key_watch.note_taken(account.pk)
    account.stream_alive_at = now
    log.info("account_in_step", account=str(account.pk), fills_caught_up=booked)
    wake_turn(account.pk)


def look_at_clock(venue: str, exchange: BinanceExchange) -> None:
    """Keep what the exchange's answers told of its clock (R20)."""
    reading = exchange.clock_reading()
    if reading is not None:
        offset, uncertainty = reading
        venue_health.note_clock(venue, offset_ms=offset, uncertainty_ms=uncertainty)


def note_alive(account: ExchangeAccount) -> None:
    """Remember that the stream was heard, at most every few seconds."""
    now = clock.now()
    if account.stream_alive_at is None or now - account.stream_alive_at >= NOTE_ALIVE_EVERY:
        ExchangeAccount.objects.filter(pk=account.pk).update(stream_alive_at=now)
        account.stream_alive_at = now


def note_gap(account: ExchangeAccount, why: str) -> None:
    """Until the books are matched again the account takes no new risk."""
    log.warning("account_stream_lost", account=str(account.pk), why=why)
    ExchangeAccount.objects.filter(pk=account.pk).update(stream_gap=True)


def note_starting(accounts: Sequence[ExchangeAccount]) -> None:
    """The same for accounts whose streams are about to begin."""
    log.info("account_streams_starting", accounts=len(accounts))
    keys = [account.pk for account in accounts]
    ExchangeAccount.objects.filter(pk__in=keys).update(stream_gap=True)
