"""Incidents in the admin site, of all accounts, and the way down from one: account, trade, orders,
the exchange's answers. All of it to read: nobody trades for a trader.
"""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from testudo.observability.redaction import clean_text
from testudo.web.read_only import ReadOnlyAdmin
from trading import story
from trading.incidents import KINDS
from trading.models import (
    ExchangeAccount,
    ExchangeCall,
    Fill,
    Incident,
    Move,
    Order,
    Trade,
)

NONE = "–"


class ReadOnlyInline(admin.TabularInline):  # type: ignore[type-arg]  # generic in stubs only
    """Rows under their trade, each with a link to its own page."""

    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OrdersOfTrade(ReadOnlyInline):
    model = Order
    fields = (
        "leg", "type", "price", "stop_price", "quantity", "filled", "state", "state_reason",
        "claimed_at", "resting_at", "ended_at",
    )  # fmt: skip


class FillsOfTrade(ReadOnlyInline):
    model = Fill
    fields = ("order", "price", "quantity", "commission", "commission_asset", "at", "booked_at")


class MovesOfTrade(ReadOnlyInline):
    model = Move
    fields = (
        "why", "from_stop", "to_stop", "from_target", "to_target", "state", "naked_ms", "said",
    )  # fmt: skip


class IncidentsOfTrade(ReadOnlyInline):
    model = Incident
    fields = ("opened_at", "severity", "text", "what_was_done", "closed_at")


class AnswersOfTrade(ReadOnlyInline):
    """Without the answers themselves, which may be long: each is on its own page."""

    model = ExchangeCall
    verbose_name_plural = "What the exchange answered"
    fields = ("at", "method", "path", "status", "ms")


@admin.register(Trade)
class TradeAdmin(ReadOnlyAdmin):
    """One trade with its steps and everything that belongs to it."""

    list_display = (
        "symbol", "side", "quantity", "state", "planned_risk", "profit", "naked_ms", "placed_at",
    )  # fmt: skip
    list_filter = ("state", "symbol", "account__venue")
    search_fields = ("id", "account__name", "account__user__username", "symbol")
    date_hierarchy = "placed_at"
    list_select_related = ("account",)
    inlines = (IncidentsOfTrade, OrdersOfTrade, FillsOfTrade, MovesOfTrade, AnswersOfTrade)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("steps",)

    @admin.display(description="Steps, with the milliseconds since the one before")
    def steps(self, trade: Trade) -> SafeString:
        rows = (
            (step.title, "not yet" if step.at is None else f"+{step.ms_between:,} ms", step.text)
            for step in story.steps_of(trade)
        )
        return format_html("<ol>{}</ol>", format_html_join("", "<li>{} ({}): {}</li>", rows))


@admin.register(ExchangeCall)
class ExchangeCallAdmin(ReadOnlyAdmin):
    list_display = ("at", "trade", "method", "path", "status", "ms")
    list_filter = ("method", "status")
    list_select_related = ("trade",)
    search_fields = ("trade__id", "path")
    fields = ("trade", "at", "method", "asked", "status", "ms", "answered")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("asked", "answered")

    @admin.display(description="Path, without key and signature")
    def asked(self, call: ExchangeCall) -> str:
        return clean_text(call.path)

    @admin.display(description="Answer, word for word")
    def answered(self, call: ExchangeCall) -> SafeString:
        return format_html("<pre>{}</pre>", clean_text(call.answer))


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin):
    """The incidents of all accounts: what happened, to whom, and what was done about it."""

    list_display = (
        "opened_at", "severity", "what", "trader", "account", "trade", "text", "what_was_done",
        "closed_at",
    )  # fmt: skip
    list_display_links = ("opened_at", "what")
    list_filter = (
        ("closed_at", admin.EmptyFieldListFilter), "severity", "kind", "account__venue",
    )  # fmt: skip
    list_select_related = ("account__user", "trade")
    search_fields = ("text", "about", "account__name", "account__user__username", "trade__id")
    date_hierarchy = "opened_at"
    fields = (
        "what", "severity", "text", "what_was_done", "opened_at", "closed_at", "trader", "account",
        "trade", "ways_down", "about", "facts",
    )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("what", "trader", "ways_down")

    @admin.display(description="What happened", ordering="kind")
    def what(self, incident: Incident) -> str:
        known = KINDS.get(incident.kind)
        return known.title if known else incident.kind

    @admin.display(description="Trader", ordering="account__user__username")
    def trader(self, incident: Incident) -> str:
        if incident.account is None:
            return f"everyone on {incident.about}"
        return str(incident.account.user)

    @admin.display(description="Look further")
    def ways_down(self, incident: Incident) -> SafeString | str:
        links = []
        if incident.trade_id:
            of_trade = {"trade__id__exact": incident.trade_id}
            links += [
                ("Orders of the trade", _list(Order, **of_trade)),
                ("What the exchange answered about it", _list(ExchangeCall, **of_trade)),
            ]
        if incident.account_id:
            of_account = {"account__id__exact": incident.account_id}
            links += [
                ("Trades of the account", _list(Trade, **of_account)),
                ("Incidents of the account", _list(Incident, **of_account)),
            ]
        return _links(links)


@admin.register(ExchangeAccount)
class ExchangeAccountAdmin(ReadOnlyAdmin):
    """An account without its keys, and the ways to what happened in it."""

    list_display = ("name", "user", "venue", "currency", "stream_gap", "stream_alive_at")
    list_filter = ("venue", "stream_gap")
    list_select_related = ("user",)
    search_fields = ("name", "user__username")
    exclude = ("sealed_keys", "key_fingerprint")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("ways_down",)

    @admin.display(description="Look further")
    def ways_down(self, account: ExchangeAccount) -> SafeString | str:
        named = {"account__id__exact": account.pk}
        kinds = {"Incidents": Incident, "Trades": Trade, "Orders": Order, "Fills": Fill}
        return _links([(name, _list(model, **named)) for name, model in kinds.items()])


def _list(model: Any, **lookups: Any) -> str:
    page = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{page}?{urlencode(lookups)}"


def _links(links: list[tuple[str, str]]) -> SafeString | str:
    if not links:
        return NONE
    return format_html_join(" · ", '<a href="{}">{}</a>', ((url, name) for name, url in links))
