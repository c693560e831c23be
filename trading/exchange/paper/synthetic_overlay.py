"""What was done to one synthetic market: admin moves and the trades of our own traders.

A move multiplies the price by a factor that walks to its new value and stays. A *touched* minute
is one that a move crosses or that has a print of ours: its candle cannot be the tree's, so it is
kept here for good once it is over; the prints themselves are kept for a day.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from itertools import accumulate
from typing import Any, NamedTuple

from trading.exchange.paper.synthetic_tree import MINUTE_MS
from trading.exchange.paper.takers import Extra
from trading.exchange.paper.values import Kline

KEPT_MS = 24 * 60 * MINUTE_MS
MOST_EXTRAS = 20_000  # prints of ours remembered per symbol one by one, whole minutes of them
MOST_MINUTES = 5000  # touched candles remembered per symbol; older ones fall back to the tree's
FIELDS = tuple(Kline.__dataclass_fields__)


class Shift(NamedTuple):
    """The price's factor goes from `before` to `after` between two times (geometrically)."""

    start: int
    end: int
    before: float
    after: float


class Overlay:
    """The factor of the price, and the prints of ours by minute."""

    def __init__(self) -> None:
        self.shifts: list[Shift] = []
        self.extras: dict[int, list[Extra]] = {}  # by minute of the epoch, in time order
        self.candles: dict[int, Kline] = {}  # finished touched minutes
        self.touched: list[int] = []  # minutes, ascending
        self.forgotten = 0  # extras that are kept only as a count, in order of their ids
        self.counts: dict[int, int] = {}  # extras by minute; outlives the extras themselves
        self._before: list[int] | None = None
        self._keys: list[int] = []

    # -- the price --------------------------------------------------------------------------------

    def factor(self, at_ms: int) -> float:
        """What the tree's price is multiplied by at a time."""
        place = bisect_right(self.shifts, at_ms, key=lambda shift: shift.start)
        if not place:
            return self.shifts[0].before if self.shifts else 1.0
        shift = self.shifts[place - 1]
        if at_ms >= shift.end:
            return shift.after
        along = (at_ms - shift.start) / (shift.end - shift.start)
        return float(shift.before * (shift.after / shift.before) ** along)

    def shift(self, at_ms: int, end_ms: int, after: float) -> None:
        """Let the factor walk from what it is at `at_ms` to `after` at `end_ms`."""
        factor = self.factor(at_ms)
        if self.shifts and self.shifts[-1].end > at_ms:  # interrupt the walk under way
            running = self.shifts.pop()
            if running.start < at_ms:
                self.shifts.append(running._replace(end=at_ms, after=factor))
        self.shifts.append(Shift(at_ms, end_ms, factor, after))
        for minute in range(at_ms // MINUTE_MS, end_ms // MINUTE_MS + 1):
            self.touch(minute)

    # -- prints of ours ---------------------------------------------------------------------------

    def is_touched(self, minute: int, size: int) -> bool:
        """Whether the tree is not enough for these minutes."""
        place = bisect_left(self.touched, minute)
        return place < len(self.touched) and self.touched[place] < minute + size

    def touch(self, minute: int) -> None:
        if not self.is_touched(minute, 1):
            insort(self.touched, minute)

    def add(self, extra: Extra) -> None:
        """Put a print of ours in. It must lie in the future of what has been served."""
        minute = extra.at // MINUTE_MS
        insort(self.extras.setdefault(minute, []), extra, key=lambda known: known.at)
        self.counts[minute] = self.counts.get(minute, 0) + 1
        self._before = None
        self.touch(minute)

    def drop_walk(self, begin_ms: int) -> None:
        """Take out what an older move would still print from a time on. None of it was served."""
        for minute in [m for m in self.extras if (m + 1) * MINUTE_MS > begin_ms]:
            kept = [one for one in self.extras[minute] if one.own or one.at < begin_ms]
            self.extras[minute], self.counts[minute] = kept, len(kept)
            self._before = None
            self.touch(minute)

    def extras_before(self, minute: int) -> int:
        """How many prints of ours came before this minute: what trade ids are ahead by."""
        if not self.counts:
            return self.forgotten
        if self._before is None:
            self.counts = dict(sorted(self.counts.items()))
            self._before = [0, *accumulate(self.counts.values())]
            self._keys = list(self.counts)
        return self.forgotten + self._before[bisect_left(self._keys, minute)]

    def forget(self, now: int) -> None:
        """Let details go that are old by minute `now`; their candles and counts stay."""
        kept = sum(map(len, self.extras.values()))
        for minute in sorted(m for m in self.extras if m < now):
            if minute >= now - KEPT_MS // MINUTE_MS and kept <= MOST_EXTRAS:
                break
            kept -= len(self.extras.pop(minute))
        for minute in self.touched[:-MOST_MINUTES]:
            self.candles.pop(minute, None)
            self.forgotten += self.counts.pop(minute, 0)
            self._before = None
        del self.touched[:-MOST_MINUTES]

    # -- over a restart ---------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """All of it, JSON-able."""
        return {
            "shifts": [list(shift) for shift in self.shifts],
            "extras": [list(extra) for minute in self.extras.values() for extra in minute],
            "candles": [[getattr(k, name) for name in FIELDS] for k in self.candles.values()],
            "touched": list(self.touched),
            "counts": [[minute, count] for minute, count in self.counts.items()],
            "forgotten": self.forgotten,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.shifts = [Shift(*shift) for shift in state["shifts"]]
        self.extras = {}
        for fields in state["extras"]:
            extra = Extra(*fields)
            self.extras.setdefault(extra.at // MINUTE_MS, []).append(extra)
        self.candles = {fields[0] // MINUTE_MS: Kline(*fields) for fields in state["candles"]}
        self.touched = list(state["touched"])
        self.counts = dict(state["counts"])
        self.forgotten = state["forgotten"]
        self._before = None
