"""The outbox, the inbox and the counters between them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection, models
from django.db.models import Q
from django.utils import timezone

from testudo.db.ids import new_id

Sql = tuple[str, Sequence[Any]]  # a statement and its values


class EventStream(models.Model):
    """The counter of one stream. Events of one stream are heard in the order of their numbers."""

    name = models.CharField(max_length=64, primary_key=True)
    last_seq = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(name="event_stream_counts_up", condition=Q(last_seq__gte=0))
        ]

    def __str__(self) -> str:
        return f"{self.name} at {self.last_seq}"


class OutboxEvent(models.Model):
    """One published event. Kept after delivery: the journal can be rebuilt from these rows."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    stream = models.CharField(max_length=64)
    seq = models.BigIntegerField()
    name = models.CharField(max_length=80)
    payload = models.JSONField()
    correlation_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)  # failed deliveries
    retry_at = models.DateTimeField(null=True, blank=True)  # after a failure: not before this
    last_error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="outbox_event_numbered_once", fields=["stream", "seq"]),
            models.CheckConstraint(name="outbox_event_seq_from_one", condition=Q(seq__gte=1)),
        ]
        indexes = [
            # What waits is a handful of rows among millions: the relay reads only this index.
            models.Index(
                name="outbox_event_waiting",
                fields=["stream", "seq"],
                condition=Q(delivered_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.stream}#{self.seq}"

    @classmethod
    def append(cls, stream: str, name: str, payload: Mapping[str, Any], **ids: object) -> Sql:
        """The statement that adds an event under the next number of its stream and returns that.

        The stream is created if new; its row stays locked until commit. `ids`: `id` and
        `correlation_id`.
        """
        field: models.JSONField[Any, Any] = cls._meta.get_field("payload")  # type: ignore[assignment]
        body = field.get_db_prep_save(payload, connection)
        ours = (ids["id"], stream, name, body, ids["correlation_id"], timezone.now())
        return _APPEND, (stream, *ours)


_APPEND = """
WITH numbered AS (
    INSERT INTO events_eventstream AS s (name, last_seq) VALUES (%s, 1)
    ON CONFLICT (name) DO UPDATE SET last_seq = s.last_seq + 1 RETURNING last_seq
)
INSERT INTO events_outboxevent
    (id, stream, seq, name, payload, correlation_id, created_at, attempts, last_error)
SELECT %s, %s, last_seq, %s, %s, %s, %s, 0, '' FROM numbered RETURNING seq
"""


class InboxEntry(models.Model):
    """A consumer has heard an event: written in the same transaction as what it did about it."""

    consumer = models.CharField(max_length=120)
    # The unique index below begins with the event and serves this key too.
    event = models.ForeignKey(OutboxEvent, models.PROTECT, related_name="heard", db_index=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="inbox_entry_once", fields=["event", "consumer"])
        ]

    def __str__(self) -> str:
        return f"{self.consumer} heard {self.event_id}"

    @classmethod
    def enter(cls, consumer: str, event_id: UUID) -> bool:
        """Note that the consumer hears the event. False, if it has heard it before."""
        table = connection.ops.quote_name(cls._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} (consumer, event_id, created_at) "  # noqa: S608
                "VALUES (%s, %s, now()) ON CONFLICT DO NOTHING",
                [consumer, event_id],
            )
            return bool(cursor.rowcount)
