"""A plan judged while its lines are dragged: many times a second, and nothing is written.

What this process saw of an account before spares a look for it: where it trades and what it counts
in never change. Everything else of it comes through the door anew, with the rest of what is read.
"""

import threading
from typing import Any
from uuid import UUID

from testudo.web.problems import not_found
from testudo.web.tenancy import get_account
from trading.book import QuoteOf
from trading.book_cache import last_symbols
from trading.market.prices import remembered
from trading.models import ExchangeAccount
from trading.plan_reads import read_own
from trading.plans import Drawing, Judged, judge, symbol_of

MOST_SEEN = 1000
_seen: dict[tuple[UUID, UUID], ExchangeAccount] = {}  # by user and account; may be out of date
_seeing = threading.Lock()


def preview(
    user: Any, account_id: UUID, drawing: Drawing, *, quote_of: QuoteOf
) -> tuple[ExchangeAccount, Judged]:
    """The user's account as it is now, and `plans.judge` of the drawing on it.

    Raises: Problem (404), where the account is none of this user's; and what `judge` raises.
    """
    seen = _seen.get((user.pk, account_id))
    if seen is None:
        account = get_account(user, account_id)
        _see(user, account)
        return account, judge(account, drawing, quote_of=quote_of, fresh=False)
    quote_of = remembered(quote_of)
    symbol = symbol_of(seen, drawing.symbol)
    with quote_of.asked_meanwhile(seen.venue, [symbol.name, *last_symbols(seen)]):
        reads = read_own(user, seen, symbol)
    if reads is None or reads.account is None:
        forget()
        raise not_found("account")
    return reads.account, judge(reads.account, drawing, quote_of=quote_of, reads=reads)


def forget() -> None:
    """Every account is looked for again."""
    with _seeing:
        _seen.clear()


def _see(user: Any, account: ExchangeAccount) -> None:
    with _seeing:
        if len(_seen) >= MOST_SEEN:
            _seen.clear()
        _seen[user.pk, account.pk] = account
