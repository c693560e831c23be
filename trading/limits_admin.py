"""Limits in the admin site: staff make a trader's limits stricter here, and can do nothing else."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest

from risk.limits import CAPS, describe, is_tighter, said
from risk.models import RiskProfile
from trading import limits
from trading.actors import Actor
from trading.models import ExchangeAccount


class TightenForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in stubs only
    """A trader's limits, none of which may become laxer."""

    class Meta:
        model = RiskProfile
        fields = list(CAPS)

    def clean(self) -> dict[str, Any]:
        cleaned = cast(dict[str, Any], super().clean())
        current = RiskProfile.objects.get(pk=self.instance.pk).limits()
        for name in self.changed_data:
            now, wanted = getattr(current, name), cleaned.get(name)
            if wanted is not None and not is_tighter(name, wanted, now):
                self.add_error(
                    name,
                    f"{describe(name).title} is {said(name, now)}. Choose something stricter: "
                    "only the trader may ask for more, and it waits.",
                )
        return cleaned


@admin.register(RiskProfile)
class RiskProfileAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = TightenForm
    list_display = ("account_id", "max_risk", "max_heat", "max_day_loss", "min_reward_to_risk")
    search_fields = ("account_id",)
    ordering = ("-created_at",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: RiskProfile | None = None) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: RiskProfile, form: TightenForm, change: bool
    ) -> None:
        """Through the one service, which locks, refuses what is laxer, and records it."""
        account = ExchangeAccount.objects.get(pk=obj.account_id)
        wanted = {name: form.cleaned_data[name] for name in form.changed_data}
        try:
            limits.tighten(account, wanted, by=Actor("admin", request.user.pk))
        except limits.LoosenRefused as refused:  # the trader tightened it further meanwhile
            self.message_user(request, str(refused), messages.ERROR)
