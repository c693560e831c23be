"""The outbox, to look at. Rows are facts: nothing is added, changed or deleted here."""

from django.contrib import admin

from testudo.events.models import EventStream, InboxEntry, OutboxEvent
from testudo.web.read_only import ReadOnlyAdmin


@admin.register(OutboxEvent)
class OutboxEventAdmin(ReadOnlyAdmin):
    list_display = ("name", "stream", "seq", "created_at", "delivered_at", "attempts", "last_error")
    list_filter = (("delivered_at", admin.EmptyFieldListFilter), "name")
    search_fields = ("id", "stream", "correlation_id")


@admin.register(EventStream)
class EventStreamAdmin(ReadOnlyAdmin):
    list_display = ("name", "last_seq")
    search_fields = ("name",)


@admin.register(InboxEntry)
class InboxEntryAdmin(ReadOnlyAdmin):
    list_display = ("consumer", "event", "created_at")
    list_filter = ("consumer",)
    raw_id_fields = ("event",)
    list_select_related = ("event",)
