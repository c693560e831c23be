"""What `stream_accounts` does for one account: keep its books in step with its user stream."""

from datetime import timedelta

import structlog

from testudo import clock
from trading import reconcile
from trading.bookkeeping import book_balances, book_fills, book_order
from trading.exchange.factory import exchange_for
from trading.exchange.port import ExchangeError
from trading.exchange.user_stream import (
    Alive,
    BalanceUpdate,
    OrderUpdate,
    StreamEvent,
    StreamLost,
    Subscribed,
)
from trading.models import ExchangeAccount
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
            book_order(account.pk, report)
            if trade is not None:
                book_fills(account.pk, [trade])
            wake_turn(account.pk, protective=True)
        case BalanceUpdate(balances=balances):
            book_balances(account.pk, balances)
        case Alive():
            pass
    note_alive(account)


def match_books(account: ExchangeAccount) -> None:
    """Close the gap: orders, fills and balances by REST, then the stream may go on (R13, R14)."""
    exchange = exchange_for(account)
    try:
        booked = reconcile.catch_up(account, exchange=exchange)
        reconcile.refresh_fees(account, watched_symbols(account), exchange=exchange)
    except ExchangeError as error:
        raise StreamLost(f"could not match the books: {error}") from error
    now = clock.now()
    figures = {"reconciled_at": now, "stream_alive_at": now, "stream_gap": False}
    ExchangeAccount.objects.filter(pk=account.pk).update(**figures)
    account.stream_alive_at = now
    log.info("account_in_step", account=str(account.pk), fills_caught_up=booked)
    wake_turn(account.pk)


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
