"""From past trades to the pauses they cause: stop-outs, a symbol's cooldown, a losing lock. Pure.

The rules read only when a pause ends (`Book`); these say when that is. Each looks at a handful of
the latest trades, never at the whole history.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from risk.limits import Limits

STOP_OUT_WINDOW = timedelta(hours=24)
LOCK_TRADES = 4  # PROTOCOL 2: -2R over 4 trades -> 24 h
LOCK_R = Decimal(-2)
LOCK_PAUSE = timedelta(hours=24)


def stop_outs(
    times: Sequence[datetime], limits: Limits, *, at: datetime
) -> tuple[int, datetime | None]:
    """(stop-outs in the last 24 hours, end of their pause where one runs).

    `times`: when trades were stopped out, oldest first; at least the last `max_stop_outs` of them.
    The pause begins with the stop-out that filled the window.
    """
    count = sum(1 for moment in times if at - STOP_OUT_WINDOW < moment <= at)
    most = limits.max_stop_outs
    recent = sorted(times)[-most:]
    if len(recent) < most or recent[-1] - recent[0] >= STOP_OUT_WINDOW:
        return count, None
    until = recent[-1] + timedelta(hours=limits.stop_out_pause_hours)
    return count, until if at < until else None


def cooldown(last_loss_at: datetime | None, limits: Limits) -> datetime | None:
    """When a symbol may be traded again after its last loss; None where it never lost."""
    if last_loss_at is None:
        return None
    return last_loss_at + timedelta(minutes=limits.symbol_cooldown_minutes)


def losing_lock(results: Sequence[tuple[datetime, Decimal]]) -> datetime | None:
    """End of the lock of a symbol or setup whose last four trades lost 2R or more together.

    `results`: (closed at, R-multiple), oldest first, at least the last four. None: no lock.
    Whether the trader wants such locks is a limit, asked by the rule.
    """
    last = results[-LOCK_TRADES:]
    if len(last) < LOCK_TRADES or sum((r for _, r in last), Decimal(0)) > LOCK_R:
        return None
    return last[-1][0] + LOCK_PAUSE
