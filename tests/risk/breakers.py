"""Loss breakers for tests, open and half-open."""

from datetime import timedelta

from risk.breaker import Breaker, Cause, Phase
from tests.risk.builders import NOW, D

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
STREAK = Cause.LOSING_STREAK


def is_open(cause: Cause, *, at=NOW, until=None) -> Breaker:
    return Breaker(cause=cause, phase=Phase.OPEN, opened_at=at, until=until, reason="r")


def half_open(r="0", trades=0) -> Breaker:
    return Breaker(
        cause=STREAK,
        phase=Phase.HALF_OPEN,
        opened_at=NOW,
        recovered_r=D(r),
        recovered_trades=trades,
    )
