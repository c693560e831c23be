"""The one clock of orders, journal and rules, so that seeding and tests can run on virtual time.

Servers, sockets and Celery live on wall time. In-process work that replays the past installs a
`VirtualClock`; everything that asks `now()` then follows it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

_read: Callable[[], datetime] | None = None


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _read() if _read else datetime.now(UTC)


def is_virtual() -> bool:
    """Whether time is moved by hand: then no other process works along, and none is woken."""
    return _read is not None


def now_ms() -> int:
    """The present moment in whole milliseconds since the epoch, as Binance counts."""
    return to_ms(now())


def to_ms(moment: datetime) -> int:
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


def from_ms(ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)


class VirtualClock:
    """A clock that moves only when told to."""

    def __init__(self, start: datetime) -> None:
        self.moment = start

    def advance(self, by: timedelta) -> datetime:
        self.moment += by
        return self.moment


@contextmanager
def use(clock: VirtualClock) -> Iterator[VirtualClock]:
    """Let the whole process read `clock` inside the block. Not for servers: it is process-wide."""
    global _read
    before, _read = _read, lambda: clock.moment
    try:
        yield clock
    finally:
        _read = before
