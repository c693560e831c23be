"""Naked milliseconds: how long positions were held without a stop that covers them (R9, I3).

Each trade keeps its own count, by the exchange's clock. What is published is the nearest-rank
p50 and p99 over every trade that bought anything, those that never were naked included: a
percentile of the troubled ones alone would say nothing about the next trade. A position that is
naked now counts with its time so far.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import connection

from testudo import clock
from trading.models import Trade
from trading.order_states import FINISHED

WINDOW = timedelta(days=30)

# Its values: now, finished (states), since, account (or None for all).
FIGURES = """
SELECT venue, count(*),
    coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY ms), 0),
    coalesce(percentile_disc(0.99) WITHIN GROUP (ORDER BY ms), 0),
    coalesce(max(ms), 0), coalesce(sum(ms), 0)::bigint, count(*) FILTER (WHERE is_naked)
FROM (
    SELECT account.venue, is_naked, trade.naked_ms + CASE WHEN is_naked THEN greatest(
        0, (extract(epoch FROM %(now)s - trade.naked_since) * 1000)::bigint
    ) ELSE 0 END AS ms
    FROM trading_trade trade
    JOIN trading_exchangeaccount account ON account.id = trade.account_id
    CROSS JOIN LATERAL (
        SELECT trade.naked_since IS NOT NULL AND trade.state <> ALL (%(finished)s) AS is_naked
    ) AS judged
    WHERE trade.opened_at IS NOT NULL
      AND (trade.placed_at >= %(since)s OR is_naked)
      AND (%(account)s::uuid IS NULL OR trade.account_id = %(account)s::uuid)
) AS counted
GROUP BY venue ORDER BY venue
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NakedFigures:
    """Over the trades of `WINDOW` that bought anything. Durations in milliseconds."""

    venue: str
    trades: int
    p50: int
    p99: int
    longest: int
    total: int
    naked_now: int  # positions without a stop at this moment


def is_naked(trade: Trade) -> bool:
    """Whether the trade's position is held without a stop that covers it, as the books say."""
    return trade.naked_since is not None and trade.state not in FINISHED


def figures_by_venue(*, account_id: UUID | None = None) -> list[NakedFigures]:
    """The figures of every venue with trades: of one account, or of all of them."""
    now = clock.now()
    values = {
        "now": now,
        "since": now - WINDOW,
        "finished": sorted(FINISHED),
        "account": None if account_id is None else str(account_id),
    }
    names = ("venue", "trades", "p50", "p99", "longest", "total", "naked_now")
    with connection.cursor() as cursor:
        cursor.execute(FIGURES, values)
        return [NakedFigures(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


def figures_of(account_id: UUID, *, venue: str) -> NakedFigures:
    """The figures of one account; zeros where it has bought nothing yet."""
    found = figures_by_venue(account_id=account_id)
    none = dict.fromkeys(("trades", "p50", "p99", "longest", "total", "naked_now"), 0)
    return found[0] if found else NakedFigures(venue=venue, **none)
