"""Staff read the journal; nobody edits it."""

from django.contrib import admin

from journal.models import JournalEntry
from testudo.web.read_only import ReadOnlyAdmin


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin):
    list_display = (
        "closed_at", "user", "venue", "symbol", "side", "r_multiple", "profit", "currency",
        "exit_reason",
    )  # fmt: skip
    list_filter = ("venue", "side", "exit_reason")
    list_select_related = ("user",)
    search_fields = ("trade_id", "account_id", "symbol")
    date_hierarchy = "closed_at"
    ordering = ("-closed_at",)
