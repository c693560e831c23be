"""Staff see what waits. The limits themselves are shown by trading, which can tighten them."""

from django.contrib import admin

from risk.models import PendingChange
from testudo.web.read_only import ReadOnlyAdmin


@admin.register(PendingChange)
class PendingChangeAdmin(ReadOnlyAdmin):
    list_display = ("account_id", "name", "from_value", "to_value", "earliest_at", "effective_at")
    list_filter = ("name",)
    search_fields = ("account_id",)
    ordering = ("-asked_at",)
