"""The exchange behind an account: its keys opened for this call, its venue's URLs."""

from collections.abc import Iterator
from contextlib import contextmanager

from requests.adapters import BaseAdapter

from trading.credentials import unseal
from trading.exchange.binance import BinanceExchange
from trading.exchange.venues import venue_urls
from trading.exchange_calls import hear
from trading.models import ExchangeAccount, Venue
from trading.rate_budget import budget_of

_in_process: BaseAdapter | None = None


def exchange_for(account: ExchangeAccount) -> BinanceExchange:
    """One account's exchange. Raises: VenueRefused, CredentialsUnreadable."""
    keys = unseal(
        account.sealed_keys, user_id=account.user_id, account_id=account.pk, venue=account.venue
    )
    exchange = BinanceExchange(venue_urls(account.venue), keys.key, keys.secret)
    exchange.let_hear(hear)
    return _connected(exchange)


def venue_exchange(venue: str) -> BinanceExchange:
    """A venue without an account: its clock, what is public. Raises: VenueRefused."""
    return _connected(BinanceExchange(venue_urls(venue), key="", secret=""))


def _connected(exchange: BinanceExchange) -> BinanceExchange:
    """In this process, or over the network: then within the budget all processes share."""
    if _in_process is not None and exchange.venue == Venue.PAPER:
        exchange.mount(_in_process)
    else:
        exchange.keep_to(budget_of(exchange.venue))
    return exchange


@contextmanager
def paper_in_process(transport: BaseAdapter) -> Iterator[None]:
    """Reach the paper exchange inside this process, without a socket: seeding on virtual time."""
    global _in_process
    _in_process = transport
    try:
        yield
    finally:
        _in_process = None
