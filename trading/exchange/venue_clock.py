"""How a venue's clock stands to ours, as this process measured it (R20).

The offset comes from the lowest round trip of five looks, every 30 s, and at once where our own
clock stepped: the monotonic clock tells that it did.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from testudo import clock

log = structlog.get_logger(__name__)

RESYNC_SECONDS, SAMPLES = 30, 5
# An order is not kept waiting for five looks: a measurement this old still signs it. What is read
# after every order measures anew.
SEND_WITHOUT_LOOK_SECONDS = 90
ASK_AGAIN_SECONDS = 1  # a venue that did not answer
JUMP_MS = 250


@dataclass(frozen=True, slots=True)
class Reading:
    """One measurement."""

    offset_ms: int  # theirs less ours
    uncertainty_ms: int | None  # half the round trip; None: the venue did not answer
    at: float  # monotonic seconds
    at_ms: int  # by our wall clock


class VenueClock:
    """One venue's clock. Shared by all accounts of the process at that venue."""

    def __init__(self, venue: str) -> None:
        self.venue = venue
        self._last: Reading | None = None

    def reading(
        self, ask: Callable[[], int | None], *, good_for: float = RESYNC_SECONDS
    ) -> Reading:
        """The last measurement, or a new one where it is older than `good_for` seconds or our own
        clock has stepped since. `ask`: the venue's time in ms, None where it does not answer."""
        last = self._last
        if last is not None and last.uncertainty_ms is None:
            good_for = min(good_for, ASK_AGAIN_SECONDS)
        if last is None or time.monotonic() - last.at > good_for or self._stepped(last):
            last = self._last = self._measure(ask)
        return last

    def doubt(self) -> None:
        """Measure again before anything else: the exchange refused our time."""
        self._last = None

    def _stepped(self, last: Reading) -> bool:
        by_wall = clock.now_ms() - last.at_ms
        by_monotonic = (time.monotonic() - last.at) * 1000
        stepped = abs(by_wall - by_monotonic) > JUMP_MS
        if stepped and not clock.is_virtual():
            log.warning("local_clock_stepped", ms=round(by_wall - by_monotonic))
        return stepped

    def _measure(self, ask: Callable[[], int | None]) -> Reading:
        samples = []
        for _ in range(1 if clock.is_virtual() else SAMPLES):  # virtual time passes in no trip
            sent, started = clock.now_ms(), time.monotonic()
            server = ask()
            trip = 0 if clock.is_virtual() else (time.monotonic() - started) * 1000
            if server is None:
                break  # the request that follows will say what is wrong, in its own class
            samples.append((trip, round(server - (sent + trip / 2))))
        now, at = clock.now_ms(), time.monotonic()
        if not samples:
            before = self._last
            if before is not None and not self._stepped(before):
                return Reading(before.offset_ms, None, at, now)  # better than none
            return Reading(0, None, at, now)
        trip, offset = min(samples)
        return Reading(offset, math.ceil(trip / 2), at, now)


_clocks: dict[str, VenueClock] = {}


def clock_of(venue: str) -> VenueClock:
    """This process's clock of a venue."""
    return _clocks.setdefault(venue, VenueClock(venue))
