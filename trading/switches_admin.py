"""The kill switches in the admin site: stop new risk, withdraw entries, flatten, and the way back.

They are actions on rows, with their reason beside the choice. Lowering risk needs no proof of who
sits there (R30); taking it up again takes the password once more. Nothing here trades for a trader.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from testudo.web.read_only import ReadOnlyAdmin
from testudo.web.step_up import TooManyTries, try_password
from trading import flattening, global_halt, halts
from trading.actors import Actor
from trading.flattening import Left
from trading.models import AccountRisk, GlobalHalt
from trading.models.switches import GLOBAL

NO_REASON = "Halted by staff in the admin site."  # a halt waits for no words


class SwitchForm(ActionForm):
    """What is asked beside the action: why, whether a sale is meant, and who sits there."""

    reason = forms.CharField(max_length=200, required=False, label="Reason")
    sure = forms.BooleanField(required=False, label="Close positions: I mean it")
    password = forms.CharField(
        required=False,
        strip=False,
        max_length=1024,
        label="Your password (to resume)",
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class SwitchAdmin(ReadOnlyAdmin):
    """A read-only page whose actions are switches. For admins; support looks."""

    action_form = SwitchForm

    def has_switch_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def asked(self, request: HttpRequest) -> dict[str, Any]:
        """What was typed beside the action."""
        form = SwitchForm(request.POST)
        form.fields["action"].choices = self.get_action_choices(request)  # type: ignore[attr-defined]
        form.is_valid()
        typed = form.cleaned_data
        reason = " ".join(typed.get("reason", "").split())
        return {"reason": reason, "sure": bool(typed.get("sure")), "secret": typed.get("password")}

    def wrong(self, request: HttpRequest, text: str) -> None:
        self.message_user(request, f"{text} Nothing was done.", messages.ERROR)

    def may_close(self, request: HttpRequest, asked: dict[str, Any]) -> bool:
        """Whether a sale is meant, and says why."""
        if not asked["reason"]:
            self.wrong(request, "Give a reason: the traders read it in their log.")
        elif not asked["sure"]:
            self.wrong(request, 'This sells at the market. Tick "I mean it" beside the action.')
        return bool(asked["reason"] and asked["sure"])

    def may_resume(self, request: HttpRequest, asked: dict[str, Any]) -> bool:
        """Whether the password is the one of who sits there, and a reason is given."""
        if not asked["reason"]:
            self.wrong(request, "Give a reason: what has changed?")
            return False
        try:
            right = try_password(request.user, asked["secret"] or "")  # type: ignore[arg-type]
        except TooManyTries as locked:
            self.wrong(request, str(locked))
            return False
        if not right:
            self.wrong(request, "This is not your password. Type it beside the action.")
        return right

    def tell(self, request: HttpRequest, what: str, left: Left) -> None:
        text = (
            f"{what} {left.withdrawn} entries withdrawn, {left.closing} trades closing. Exits and "
            "stops go on."
        )
        self.message_user(request, text)
        if left.busy:
            again = f"{left.busy} trades were held by somebody else: do this again for these."
            self.message_user(request, again, messages.WARNING)


@admin.register(AccountRisk)
class AccountRiskAdmin(SwitchAdmin):
    list_display = ["account", "state", "reason", "day", "day_start_equity", "nav", "peak_nav"]
    list_filter = ["state"]
    list_select_related = ["account"]
    actions = ["halt", "halt_and_withdraw", "flatten", "resume"]

    @admin.action(description="Halt these accounts: no new risk", permissions=["switch"])
    def halt(self, request: HttpRequest, rows: QuerySet[AccountRisk]) -> None:
        self._halt(request, rows, self.asked(request))

    @admin.action(
        description="Halt these accounts, and withdraw entries that wait", permissions=["switch"]
    )
    def halt_and_withdraw(self, request: HttpRequest, rows: QuerySet[AccountRisk]) -> None:
        self._halt(request, rows, self.asked(request), cancel_entries=True)

    @admin.action(
        description="Halt these accounts, and close every position", permissions=["switch"]
    )
    def flatten(self, request: HttpRequest, rows: QuerySet[AccountRisk]) -> None:
        asked = self.asked(request)
        if self.may_close(request, asked):
            self._halt(request, rows, asked, flatten=True)

    @admin.action(description="Take back staff's halt of these accounts", permissions=["switch"])
    def resume(self, request: HttpRequest, rows: QuerySet[AccountRisk]) -> None:
        asked = self.asked(request)
        if not self.may_resume(request, asked):
            return
        for row in rows.select_related("account"):
            done = halts.resume(row.account, reason=asked["reason"], by=self._by(request))
            row.refresh_from_db()
            text = f"{row.account}: {row.state}. {' '.join(done.waits)}"
            self.message_user(request, text, messages.WARNING if done.waits else messages.INFO)

    def _halt(
        self,
        request: HttpRequest,
        rows: QuerySet[AccountRisk],
        asked: dict[str, Any],
        **options: bool,
    ) -> None:
        left, reason = Left(), asked["reason"] or NO_REASON
        for row in rows.select_related("account"):
            left += halts.halt(row.account, reason=reason, by=self._by(request), **options)
        self.tell(request, f"{len(rows)} halted.", left)

    def _by(self, request: HttpRequest) -> Actor:
        return Actor("admin", request.user.pk)


@admin.register(GlobalHalt)
class GlobalHaltAdmin(SwitchAdmin):
    """The switch over all accounts: one row, which is there from the first look on."""

    list_display = ["switch", "halted", "reason", "by_role", "at", "release_asked_at"]
    actions = ["halt_all", "halt_all_and_withdraw", "flatten_all", "resume_all"]

    @admin.display(description="switch")
    def switch(self, row: GlobalHalt) -> str:
        return "All trading"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        GlobalHalt.objects.get_or_create(pk=GLOBAL)
        return super().changelist_view(request, extra_context)

    @admin.action(description="Halt all trading: no new risk", permissions=["switch"])
    def halt_all(self, request: HttpRequest, rows: QuerySet[GlobalHalt]) -> None:
        self._stop(request, self.asked(request))

    @admin.action(
        description="Halt all trading, and withdraw entries that wait", permissions=["switch"]
    )
    def halt_all_and_withdraw(self, request: HttpRequest, rows: QuerySet[GlobalHalt]) -> None:
        self._stop(request, self.asked(request), cancel_entries=True)

    @admin.action(
        description="Halt all trading, and close every position, live ones too",
        permissions=["switch"],
    )
    def flatten_all(self, request: HttpRequest, rows: QuerySet[GlobalHalt]) -> None:
        asked = self.asked(request)
        if self.may_close(request, asked):
            self._stop(request, asked, flatten=True, yes_live=True)

    @admin.action(
        description="Resume all trading: ask for it, or agree to it", permissions=["switch"]
    )
    def resume_all(self, request: HttpRequest, rows: QuerySet[GlobalHalt]) -> None:
        asked = self.asked(request)
        if self.may_resume(request, asked):
            by = Actor("admin", request.user.pk)
            over, text = global_halt.resume_all(reason=asked["reason"], by=by)
            self.message_user(request, text, messages.SUCCESS if over else messages.WARNING)

    def _stop(self, request: HttpRequest, asked: dict[str, Any], **options: bool) -> None:
        by = Actor("admin", request.user.pk)
        left = flattening.stop_all(reason=asked["reason"] or NO_REASON, by=by, **options)
        self.tell(request, f"{global_halt.TITLE}.", left)
