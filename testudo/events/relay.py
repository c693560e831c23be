"""Hands published events to their listeners: in order within a stream, with effect exactly once.

Any number of relays may run at once, in any process. The row at the head of a stream is the lock
of that stream: whoever holds it delivers, others pass on to another stream. Publishers never wait
for a relay. A relay that dies leaves nothing behind: its transaction is undone, head included.
"""

import random
from datetime import timedelta

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from testudo.events import bus
from testudo.events.models import InboxEntry, OutboxEvent
from testudo.observability import correlation

BATCH = 200  # events in one call
AT_ONCE = 10  # of one stream in one transaction: what they lock is not held for long
LONGEST_WAIT = timedelta(seconds=60)

log = structlog.get_logger(__name__)


def deliver_due(limit: int = BATCH, *, stream: str | None = None) -> int:
    """Deliver what waits, at most `limit` events, of one stream or of all. Returns how many.

    A full `limit` means that more may wait: call again. What listeners raise is recorded with the
    event and tried again later; only the loss of the database is raised.
    """
    delivered = 0
    for name in [stream] if stream is not None else _waiting_streams():
        more = True
        while more and delivered < limit:
            some, more = _deliver_some(name, min(AT_ONCE, limit - delivered))
            delivered += some
        if delivered >= limit:
            break
    return delivered


def _waiting_streams() -> list[str]:
    """Streams whose head may be tried now, the longest waiting first."""
    heads = (
        OutboxEvent.objects.filter(delivered_at=None)
        .order_by("stream", "seq")
        .distinct("stream")
        .values("id")
    )
    due = OutboxEvent.objects.filter(id__in=heads).filter(_may_be_tried())
    return list(due.order_by("created_at").values_list("stream", flat=True))


def _may_be_tried() -> Q:
    return Q(retry_at=None) | Q(retry_at__lte=timezone.now())


def _deliver_some(stream: str, most: int) -> tuple[int, bool]:
    """Deliver the first waiting events of the stream; none, if it is not yet time or another relay
    holds it. What comes in a burst is delivered in one transaction.

    Returns: how many, and whether more may wait.
    """
    with transaction.atomic():
        asked = {"stream": stream, "most": most, "now": timezone.now()}
        rows = list(OutboxEvent.objects.raw(_WAITING, asked))
        heard, wrote = [], False
        for row in rows:
            with correlation.bind(row.correlation_id or None):
                failures, effects = _hear(row)
                wrote |= effects
                if failures:
                    _put_off(row, failures)
                    break
            heard.append(row.pk)
        if heard:
            done = OutboxEvent.objects.filter(pk__in=heard)
            done.update(delivered_at=timezone.now(), last_error="")
        # A listener that writes may have published to the same stream.
        return len(heard), len(heard) == len(rows) and (wrote or len(rows) == most)


# The head is found first and locked second: `SKIP LOCKED` over the waiting rows would pass over a
# head that another relay holds and deliver its successor too early. Whoever holds the head holds
# the stream, and numbers commit in order: no gap is read behind it.
_WAITING = """
WITH head AS MATERIALIZED (
    SELECT seq FROM events_outboxevent
    WHERE id = (
        SELECT id FROM events_outboxevent
        WHERE stream = %(stream)s AND delivered_at IS NULL ORDER BY seq LIMIT 1
    ) AND delivered_at IS NULL AND (retry_at IS NULL OR retry_at <= %(now)s)
    FOR NO KEY UPDATE SKIP LOCKED
)
SELECT waiting.* FROM events_outboxevent waiting, head
WHERE stream = %(stream)s AND delivered_at IS NULL AND waiting.seq >= head.seq
ORDER BY waiting.seq LIMIT %(most)s
"""


def _hear(row: OutboxEvent) -> tuple[list[str], bool]:
    """Let every listener hear the event that has not.

    Returns: what went wrong, and where; and whether a listener may have written something.
    """
    try:
        event = bus.load(row.name, row.payload)
    except (LookupError, TypeError, ValueError) as error:
        return [_note(row, "load", error)], False
    failures, wrote = [], False
    with bus.in_hand(row.stream, row.seq):
        for listener in bus.listeners(type(event)):
            try:
                if not listener.writes:
                    listener.hear(event)
                    continue
                with transaction.atomic():  # a savepoint: the listener's writes and its inbox row
                    if InboxEntry.enter(listener.consumer, row.pk):
                        wrote = True
                        listener.hear(event)
            except Exception as error:  # recorded with the event, and tried again
                failures.append(_note(row, listener.consumer, error))
    return failures, wrote


def _note(row: OutboxEvent, consumer: str, error: Exception) -> str:
    log.error(
        "event_not_heard",
        consumer=consumer,
        event_name=row.name,
        event_id=str(row.pk),
        stream=row.stream,
        seq=row.seq,
        attempt=row.attempts + 1,
        exc_info=error,
    )
    return f"{consumer}: {type(error).__name__}: {error}"


def _put_off(row: OutboxEvent, failures: list[str]) -> None:
    """Keep what succeeded, remember what failed, and hold the stream back for a while."""
    row.attempts += 1
    row.retry_at = timezone.now() + _wait(row.attempts)
    row.last_error = "\n".join(failures)[:4000]
    row.save(update_fields=["attempts", "retry_at", "last_error"])


def _wait(attempts: int) -> timedelta:
    """Half a second, doubled with each failure up to a minute, less up to a half by chance."""
    doubled: timedelta = timedelta(seconds=0.5) * 2 ** min(attempts - 1, 10)
    return min(LONGEST_WAIT, doubled) * random.uniform(0.5, 1)  # noqa: S311 (spreads retries, guards nothing)
