"""Reading what was published: for a page that missed messages, and to rebuild from events."""

from collections.abc import Iterator

from testudo.events import bus
from testudo.events.bus import Event
from testudo.events.models import EventStream, OutboxEvent


def last_seq(stream: str) -> int:
    """The number of the newest event of the stream; 0 where there is none."""
    found = EventStream.objects.filter(name=stream).values_list("last_seq", flat=True).first()
    return found or 0


def since(stream: str, seq: int, *, limit: int = 500) -> list[tuple[int, Event]]:
    """The events of a stream after number `seq`, numbered, oldest first, at most `limit`."""
    rows = OutboxEvent.objects.filter(stream=stream, seq__gt=seq).order_by("seq")[:limit]
    return [(row.seq, bus.load(row.name, row.payload)) for row in rows]


def history(*events: type[Event], stream: str | None = None) -> Iterator[Event]:
    """Every published event of these kinds, stream by stream, each in its order."""
    rows = OutboxEvent.objects.filter(name__in=[event.name for event in events])
    if stream is not None:
        rows = rows.filter(stream=stream)
    for row in rows.order_by("stream", "seq").iterator(chunk_size=500):
        yield bus.load(row.name, row.payload)
