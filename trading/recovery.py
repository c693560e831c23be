"""Start, reconnect and gap are one thing: match the whole account with the exchange (R13, R14).

One account after the other, each by itself: one that cannot be matched takes no new risk, and keeps
no other from going on.
"""

from trading import asset_flows, coverage, orphans
from trading.bookkeeping import book_balances
from trading.exchange.port import Exchange
from trading.models import ExchangeAccount, Trade
from trading.order_states import FINISHED
from trading.reconcile import catch_up_trade
from trading.symbols_of import watched_symbols


def catch_up(account: ExchangeAccount, *, exchange: Exchange) -> int:
    """Match one account with the exchange: unfinished trades, orphans, fills, balances.

    Orders first (a fill is booked to an order we know), then what we do not know of, then balances.
    The balances are asked for first: then every fill up to their moment is fetched after them, and
    what the ledger lacks is no trade of ours. Returns the number of new fills.

    Raises: ExchangeError.
    """
    balances = exchange.balances()
    unfinished = list(Trade.objects.filter(account=account).exclude(state__in=FINISHED))
    booked = sum(catch_up_trade(trade.pk, exchange=exchange) for trade in unfinished)
    symbols = watched_symbols(account)
    orphans.sweep(account, exchange=exchange, symbols=symbols, balances=balances)
    book_balances(account.pk, balances)
    asset_flows.compare(account, balances)
    coverage.note(account)
    return booked
