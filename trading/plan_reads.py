"""What a plan is judged by, beside the account's trades: one statement, one snapshot.

A preview asks it many times a second, a placement while everybody waits for the account's row. A
placement sends its locks along, each a statement before it, so that nothing in it is from before
the wait (R17); and it asks for the whole book and the head of the decision chain with it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from django.db import connection

from risk.models import RiskProfile
from risk.protocol import Limits
from risk.symbols import ZERO, Symbol
from testudo.db.model_columns import columns_of, row_of
from testudo.db.prepared import Prepared
from testudo.web.tenancy import own_account
from trading import global_halt
from trading.book_facts import BookFacts, facts_from, parameters
from trading.book_known import KNOWN, Known, known_of
from trading.book_reads import FACTS, TYPES
from trading.decisions import Head, head_of
from trading.global_halt import Switch
from trading.models import AccountRisk, Balance, ExchangeAccount, FeeRate, VenueHealth
from trading.models.switches import GLOBAL
from trading.risk_lock import locks_of, make_trader

BNB = "BNB"
READS = """
SELECT {own} {risk}, {profile}, {health}, {rate}, {coin}, {known},{more}
    g.halted, g.reason,
    (SELECT free FROM trading_balance WHERE account_id = r.account_id AND asset = %(bnb)s),
    candles.low, candles.high
FROM trading_accountrisk r
{door}
LEFT JOIN risk_riskprofile p ON p.account_id = r.account_id
LEFT JOIN trading_venuehealth h ON h.venue = %(venue)s
LEFT JOIN trading_feerate f ON f.account_id = r.account_id AND f.symbol = %(symbol)s
LEFT JOIN trading_balance b ON b.account_id = r.account_id AND b.asset = %(base)s
LEFT JOIN trading_globalhalt g ON g.id = %(global)s
CROSS JOIN (
    SELECT min(low) AS low, max(high) AS high FROM trading_candle
    WHERE venue = %(venue)s AND symbol = %(symbol)s AND time >= %(candles_since)s
) AS candles
WHERE r.account_id = %(account)s
"""
# Of a placement only: the whole book, and the record the next decision is bound to.
MORE = f"""
    {FACTS},
    (SELECT ARRAY[number::text, digest, hash] FROM trading_decision
        WHERE account_id = r.account_id ORDER BY number DESC LIMIT 1),
"""  # noqa: S608  our own constants


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanReads:
    """One account and one symbol, as PostgreSQL has them now."""

    risk: AccountRisk
    limits: Limits
    health: VenueHealth
    switch: Switch | None  # None: a new database, nobody ever pulled it
    rate: FeeRate | None  # None: not fetched yet
    coin: Balance | None  # of the symbol's base asset
    free: Mapping[str, Decimal]  # of the base asset and of BNB
    known: Known
    low: Decimal | None  # of the stored candles PERCENT_PRICE and PRICE_RANGE average over
    high: Decimal | None
    facts: BookFacts | None = None  # only where they were asked for too
    head: Head | None = None  # the same
    account: ExchangeAccount | None = None  # only where the door was passed with it


def read_for_plan(account: ExchangeAccount, symbol: Symbol, *, whole: bool = False) -> PlanReads:
    """Read it now; `whole`: with the book's facts and the chain's head, which the account's row
    must be locked for. Raises: AccountRisk.DoesNotExist."""
    return _read(account, symbol, _statement(whole=whole).ready(), whole=whole)


def read_own(user: Any, account: ExchangeAccount, symbol: Symbol) -> PlanReads | None:
    """The same for a preview, through the door (R29): `account` may be long out of date, the one
    in the answer is not. None: it is not, or no longer, this user's."""
    asked = _asked(account, symbol) | {"user": user.pk, "key": account.pk}
    with connection.cursor() as cursor:
        cursor.execute(_statement(own=True).ready(), asked)
        found = cursor.fetchone()
    if found is None:
        return None
    left = iter(found)
    own = row_of(ExchangeAccount, left)
    assert own is not None
    return _reads(own, symbol, left, own=own)


def lock_and_read(account: ExchangeAccount, symbol: Symbol, *, first: str = "") -> PlanReads:
    """Take what a placement must hold until it ends, then read it whole: one round trip.

    `first`: a statement to send before. Locks: the global switch FOR SHARE (R19), the trader's row
    on a live venue, the account's row.
    Raises: AccountRisk.DoesNotExist.
    """
    make_trader(account)
    locks = (global_halt.SHARE, *locks_of(account))
    statements = (*filter(None, [first]), *locks, _statement(whole=True).ready())
    reads = _read(account, symbol, ";".join(statements), whole=True)
    if reads.switch is None:  # a new database: there was no row to hold
        global_halt.share()
        reads = read_for_plan(account, symbol, whole=True)
    return reads


def _read(account: ExchangeAccount, symbol: Symbol, statement: str, *, whole: bool) -> PlanReads:
    with connection.cursor() as cursor:
        cursor.execute(statement, _asked(account, symbol) | {"user": account.user_id})
        found = cursor.fetchone()
    if found is None:
        raise AccountRisk.DoesNotExist(f"Account {account.pk} has no risk row.")
    return _reads(account, symbol, iter(found), whole=whole)


def _asked(account: ExchangeAccount, symbol: Symbol) -> dict[str, Any]:
    asked = parameters(account)
    return asked | {
        "symbol": symbol.name,
        "base": symbol.base,
        "bnb": BNB,
        "global": GLOBAL,
        "candles_since": asked["now"] - timedelta(minutes=symbol.average_minutes + 1),
    }


def _reads(
    account: ExchangeAccount,
    symbol: Symbol,
    left: Iterator[Any],
    *,
    whole: bool = False,
    own: ExchangeAccount | None = None,
) -> PlanReads:
    risk = row_of(AccountRisk, left)
    profile, health = row_of(RiskProfile, left), row_of(VenueHealth, left)
    rate, coin = row_of(FeeRate, left), row_of(Balance, left)
    assert risk is not None
    known = known_of(left)
    facts, head = (facts_from(left, known), head_of(next(left))) if whole else (None, None)
    halted, reason, bnb, low, high = left
    free = {BNB: bnb or ZERO, symbol.base: coin.free if coin else ZERO}
    return PlanReads(
        risk=risk,
        limits=profile.limits() if profile else Limits(),
        health=health or VenueHealth(venue=account.venue),
        switch=None if halted is None else Switch(halted, reason),
        rate=rate,
        coin=coin,
        free=free,
        known=known,
        low=low,
        high=high,
        facts=facts,
        head=head,
        account=own,
    )


@cache
def _statement(*, whole: bool = False, own: bool = False) -> Prepared:
    door = own_account().text if own else ""
    text = READS.format(
        own=f"{columns_of(ExchangeAccount, 'a')}," if own else "",
        door=f"JOIN ({door}) a ON a.id = r.account_id" if own else "",
        risk=columns_of(AccountRisk, "r"),
        profile=columns_of(RiskProfile, "p"),
        health=columns_of(VenueHealth, "h"),
        rate=columns_of(FeeRate, "f"),
        coin=columns_of(Balance, "b"),
        known=KNOWN,
        more=MORE if whole else "",
    )
    types = TYPES | {
        "symbol": "text",
        "base": "text",
        "bnb": "text",
        "global": "int",
        "candles_since": "timestamptz",
        "user": "uuid",
        "key": "uuid",
    }
    name = "plan_reads_whole" if whole else "plan_reads_own" if own else "plan_reads"
    return Prepared(name, text, types)
