"""Staff read the journal; nobody edits it."""

from django.contrib import admin
from django.http import HttpRequest

from journal.models import JournalEntry


@admin.register(JournalEntry)
class JournalEntryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = (
        "closed_at", "user", "venue", "symbol", "side", "r_multiple", "profit", "currency",
        "exit_reason",
    )  # fmt: skip
    list_filter = ("venue", "side", "exit_reason")
    list_select_related = ("user",)
    search_fields = ("trade_id", "account_id", "symbol")
    date_hierarchy = "closed_at"
    ordering = ("-closed_at",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
