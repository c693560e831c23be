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
        while delivered < limit and (some := _deliver_some(name, min(AT_ONCE, limit - delivered))):
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


def _deliver_some(stream: str, most: int) -> int:
    """Deliver the first waiting events of the stream. Returns how many; 0, if none, not yet, or not
    by us. What comes in a burst is delivered in one transaction, each event in its savepoint."""
    with transaction.atomic():
        waiting = OutboxEvent.objects.filter(stream=stream, delivered_at=None)
        head = waiting.order_by("seq").values("id")[:1]
        # The head is found first and locked second. `SKIP LOCKED` over the waiting rows would
        # pass over a head that another relay holds and deliver its successor too early.
        first = (
            OutboxEvent.objects.select_for_update(skip_locked=True, no_key=True)
            .filter(_may_be_tried(), id=head, delivered_at=None)
            .first()
        )
        if first is None:
            return 0
        # Whoever holds the head holds the stream, and numbers commit in order: no gap is read.
        behind = waiting.filter(seq__gt=first.seq).order_by("seq") if most > 1 else waiting.none()
        heard = []
        for row in (first, *behind[: most - 1]):
            with correlation.bind(row.correlation_id or None):
                failures = _hear(row)
                if failures:
                    _put_off(row, failures)
                    break
            heard.append(row.pk)
        if heard:
            done = OutboxEvent.objects.filter(pk__in=heard)
            done.update(delivered_at=timezone.now(), last_error="")
        return len(heard)


def _hear(row: OutboxEvent) -> list[str]:
    """Let every listener hear the event that has not. Returns what went wrong, and where."""
    try:
        event = bus.load(row.name, row.payload)
    except (LookupError, TypeError, ValueError) as error:
        return [_note(row, "load", error)]
    failures = []
    with bus.in_hand(row.stream, row.seq):
        for listener in bus.listeners(type(event)):
            try:
                with transaction.atomic():  # a savepoint: the listener's writes and its inbox row
                    if InboxEntry.enter(listener.consumer, row.pk):
                        listener.hear(event)
            except Exception as error:  # recorded with the event, and tried again
                failures.append(_note(row, listener.consumer, error))
    return failures


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
