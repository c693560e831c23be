"""What the market's stream tells of its venue: a silent one counts as a failure (R18)."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from django.db import DatabaseError

from testudo import clock
from trading import venue_health
from trading.venue_health import Part

log = structlog.get_logger(__name__)

EVERY = 5.0  # seconds


class StreamHealth:
    """Counts how the stream was lost, and tells the venue's breaker every few seconds."""

    def __init__(self, venue: str, *, silence: float) -> None:
        self._venue, self._silence_ms = venue, silence * 1000
        self._lost: list[str] = []  # since it was last told

    def note_lost(self, why: str) -> None:
        self._lost = [*self._lost[-venue_health.MOST_FAILURES :], why]

    def tell(self, seen_ms: int) -> None:
        """Write down what was lost, or that prices come. `seen_ms` is when one last did; 0: never.

        Raises: DatabaseError; what was lost is then told the next time.
        """
        for why in list(self._lost):
            venue_health.note_failure(self._venue, why, part=Part.PRICES)
            self._lost.remove(why)
        if clock.now_ms() - seen_ms < self._silence_ms:
            venue_health.claim_probe(self._venue, part=Part.PRICES)  # a live stream is the probe
            venue_health.note_success(self._venue, part=Part.PRICES)

    async def run(
        self, seen_ms: Callable[[], int], in_thread: Callable[..., Awaitable[None]]
    ) -> None:
        """Tell it for ever. `in_thread` runs a blocking call."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await in_thread(self.tell, seen_ms())
            except DatabaseError as error:  # no database, no new risk: nothing is lost by waiting
                log.warning("stream_health_not_told", error=str(error).strip())
