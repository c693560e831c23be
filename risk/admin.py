"""Staff see a trader's limits. They may not change them here: loosening is the trader's, and waits;
tightening by staff is a service of its own (PROTOCOL 2)."""

from django.contrib import admin
from django.http import HttpRequest

from risk.models import RiskProfile


@admin.register(RiskProfile)
class RiskProfileAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in stubs only
    list_display = ("account_id", "max_risk", "max_heat", "max_day_loss", "min_reward_to_risk")
    search_fields = ("account_id",)
    ordering = ("-created_at",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: RiskProfile | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: RiskProfile | None = None) -> bool:
        return False
