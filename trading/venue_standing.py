"""A venue that does not answer, as a trader reads it: what fails, what still protects, what works.

The breakers themselves are `venue_health`'s; the words are `venue_words`'.
"""

from dataclasses import dataclass
from datetime import datetime

from trading import venue_words
from trading.models import VenueBreaker, VenueHealth
from trading.venue_health import Breaker, Part, health_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A venue with an open breaker. Each sentence stands for itself."""

    venue: str
    name: str
    phase: str  # open, half_open
    parts: tuple[str, ...]  # what of it fails: orders, account, public, prices
    since: datetime | None
    retry_at: datetime | None
    title: str
    fails: str
    protects: str
    works: str
    waits: str


def standing_of(venue: str, health: VenueHealth | None = None) -> Standing | None:
    """What is wrong with the venue; None while all its breakers are closed."""
    health = health or health_of(venue)
    if health.breaker == Breaker.CLOSED:
        return None
    rows = VenueBreaker.objects.filter(venue=venue).exclude(phase=Breaker.CLOSED)
    parts = tuple(Part(part) for part in rows.order_by("part").values_list("part", flat=True))
    return Standing(
        venue=venue,
        name=venue_words.name_of(venue),
        phase=health.breaker,
        parts=parts,
        since=health.opened_at,
        retry_at=health.retry_at,
        title=venue_words.title(venue, parts, probing=health.breaker == Breaker.HALF_OPEN),
        fails=venue_words.fails(venue, parts, health.last_error),
        protects=venue_words.protects(venue),
        works=venue_words.works(venue, parts),
        waits=venue_words.waits(),
    )
