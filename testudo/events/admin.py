"""The outbox, to look at. Rows are facts: nothing is added, changed or deleted here."""

from django.contrib import admin
from django.http import HttpRequest

from testudo.events.models import EventStream, InboxEntry, OutboxEvent


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows rows and writes none."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(OutboxEvent)
class OutboxEventAdmin(ReadOnly):
    list_display = ("name", "stream", "seq", "created_at", "delivered_at", "attempts", "last_error")
    list_filter = (("delivered_at", admin.EmptyFieldListFilter), "name")
    search_fields = ("id", "stream", "correlation_id")
    show_full_result_count = False


@admin.register(EventStream)
class EventStreamAdmin(ReadOnly):
    list_display = ("name", "last_seq")
    search_fields = ("name",)


@admin.register(InboxEntry)
class InboxEntryAdmin(ReadOnly):
    list_display = ("consumer", "event", "created_at")
    list_filter = ("consumer",)
    raw_id_fields = ("event",)
    list_select_related = ("event",)
    show_full_result_count = False
