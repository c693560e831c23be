"""What a plan is judged by, beside the account's trades: one statement, one snapshot.

A preview asks it many times a second, a placement while everybody waits for the account's row. A
placement asks it after it has locked that row, so that nothing in it is from before the wait (R17).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model

from risk.models import RiskProfile
from risk.protocol import Limits
from risk.symbols import ZERO, Symbol
from testudo import clock
from trading.book_known import KNOWN, Known, known_of
from trading.global_halt import Switch
from trading.models import AccountRisk, Balance, ExchangeAccount, FeeRate, VenueHealth
from trading.models.switches import GLOBAL

BNB = "BNB"
READS = """
SELECT {risk}, {profile}, {health}, {rate}, {coin}, {known},
    g.halted, g.reason,
    (SELECT free FROM trading_balance WHERE account_id = r.account_id AND asset = %(bnb)s),
    candles.low, candles.high
FROM trading_accountrisk r
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

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanReads:
    """One account and one symbol, as PostgreSQL has them now."""

    risk: AccountRisk
    limits: Limits
    health: VenueHealth
    switch: Switch
    rate: FeeRate | None  # None: not fetched yet
    coin: Balance | None  # of the symbol's base asset
    free: Mapping[str, Decimal]  # of the base asset and of BNB
    known: Known
    low: Decimal | None  # of the stored candles PERCENT_PRICE averages over
    high: Decimal | None


def read_for_plan(account: ExchangeAccount, symbol: Symbol) -> PlanReads:
    """Read it now. Raises: AccountRisk.DoesNotExist."""
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(
            _statement(),
            {
                "account": account.pk,
                "venue": account.venue,
                "symbol": symbol.name,
                "base": symbol.base,
                "bnb": BNB,
                "global": GLOBAL,
                "now": now,
                "candles_since": now - timedelta(minutes=symbol.average_minutes + 1),
            },
        )
        found = cursor.fetchone()
    if found is None:
        raise AccountRisk.DoesNotExist(f"Account {account.pk} has no risk row.")
    left = iter(found)
    risk, profile, health, rate, coin = (_row(model, left) for model, _ in _ROWS)
    assert risk is not None
    known = known_of(left)
    halted, reason, bnb, low, high = left
    free = {BNB: bnb or ZERO, symbol.base: coin.free if coin else ZERO}
    return PlanReads(
        risk=risk,
        limits=profile.limits() if profile else Limits(),
        health=health or VenueHealth(venue=account.venue),
        switch=Switch(bool(halted), reason or ""),
        rate=rate,
        coin=coin,
        free=free,
        known=known,
        low=low,
        high=high,
    )


_ROWS: tuple[tuple[type[Model], str], ...] = (
    (AccountRisk, "r"),
    (RiskProfile, "p"),
    (VenueHealth, "h"),
    (FeeRate, "f"),
    (Balance, "b"),
)


@cache
def _statement() -> str:
    columns = [
        ", ".join(f"{alias}.{field.column}" for field in model._meta.concrete_fields)
        for model, alias in _ROWS
    ]
    names = ("risk", "profile", "health", "rate", "coin")
    return READS.format(**dict(zip(names, columns, strict=True)), known=KNOWN)


@cache
def _fields(model: type[Model]) -> Sequence[tuple[str, Sequence[Any]]]:
    """(attribute, converters) of each column, in the model's order."""
    return [
        (field.attname, field.get_db_converters(connection))
        for field in model._meta.concrete_fields
    ]


def _row(model: type[M], left: Any) -> M | None:
    """The next columns as a row of this model; None where the join found none."""
    values, has_key = [], False
    for name, converters in _fields(model):
        value = next(left)
        for convert in converters:
            value = convert(value, None, connection)
        values.append(value)
        has_key = has_key or (value is not None and name == model._meta.pk.attname)
    if not has_key:
        return None
    return model.from_db("default", [name for name, _ in _fields(model)], values)
