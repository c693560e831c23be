"""Read-only questions other apps may ask of trading, answered with frozen values."""

from dataclasses import dataclass
from uuid import UUID

from trading.api.present import timeline
from trading.models import Trade


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """One thing that happened to a trade, with milliseconds since it was placed."""

    at: str
    ms: int | None
    what: str
    text: str


def timeline_of(trade_id: UUID) -> tuple[TimelineLine, ...]:
    """Everything that happened to a trade, in order; empty where there is no such trade."""
    trade = Trade.objects.filter(pk=trade_id).first()
    return tuple(TimelineLine(**line) for line in timeline(trade)) if trade else ()
