"""Trading in the Django admin. Orders, fills, trades and decisions are read-only: the exchange and
the order path write them, no hand does."""

from django.contrib import admin

from testudo.web.read_only import ReadOnlyAdmin
from trading.incidents_admin import (
    ExchangeAccountAdmin,
    ExchangeCallAdmin,
    IncidentAdmin,
    TradeAdmin,
)
from trading.limits_admin import RiskProfileAdmin
from trading.models import (
    AccountBreaker,
    AccountFlow,
    AccountHalt,
    Balance,
    ChainBreak,
    Decision,
    DecisionHead,
    EquityPoint,
    FeeRate,
    Fill,
    ForeignOrder,
    LedgerBalance,
    LedgerEntry,
    ManagedHolding,
    Move,
    Order,
    RequestBan,
    SymbolRules,
    TraderRisk,
    VenueBreaker,
    VenueHealth,
)
from trading.switches_admin import AccountRiskAdmin, GlobalHaltAdmin


@admin.register(AccountHalt)
class AccountHaltAdmin(ReadOnlyAdmin):
    list_display = ["account", "by_role", "reason", "at"]


@admin.register(ChainBreak)
class ChainBreakAdmin(ReadOnlyAdmin):
    list_display = ["account", "number", "text", "found_at", "accepted_at"]


@admin.register(DecisionHead)
class DecisionHeadAdmin(ReadOnlyAdmin):
    list_display = ["account", "day", "number", "digest", "sent_at"]


@admin.register(AccountBreaker)
class AccountBreakerAdmin(ReadOnlyAdmin):
    list_display = ["account", "cause", "phase", "opened_at", "until", "reason"]
    list_filter = ["phase", "cause"]


@admin.register(TraderRisk)
class TraderRiskAdmin(ReadOnlyAdmin):
    list_display = ["user", "currency", "units", "peak_nav"]


@admin.register(AccountFlow)
class AccountFlowAdmin(ReadOnlyAdmin):
    list_display = ["account", "kind", "change", "asset", "value", "at"]
    list_filter = ["kind"]


@admin.register(EquityPoint)
class EquityPointAdmin(ReadOnlyAdmin):
    list_display = ["account", "at", "equity", "nav", "drawdown", "heat"]


@admin.register(ManagedHolding)
class ManagedHoldingAdmin(ReadOnlyAdmin):
    list_display = ["account", "symbol", "quantity", "entry", "stop", "declared_at", "ended_at"]


@admin.register(VenueHealth)
class VenueHealthAdmin(ReadOnlyAdmin):
    list_display = ["venue", "breaker", "failures", "retry_at", "clock_offset_ms", "clock_at"]


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = ["client_order_id", "symbol", "leg", "type", "quantity", "filled", "state"]
    list_filter = ["state", "leg", "symbol"]
    search_fields = ["client_order_id", "list_client_order_id", "exchange_order_id"]


@admin.register(Fill)
class FillAdmin(ReadOnlyAdmin):
    list_display = ["symbol", "exchange_trade_id", "price", "quantity", "commission", "at"]
    list_filter = ["symbol"]


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    list_display = ["account", "number", "kind", "created_at", "hash"]
    list_filter = ["kind"]


@admin.register(Balance)
class BalanceAdmin(ReadOnlyAdmin):
    list_display = ["account", "asset", "free", "locked", "as_of"]


@admin.register(FeeRate)
class FeeRateAdmin(ReadOnlyAdmin):
    list_display = ["account", "symbol", "maker", "taker", "fetched_at"]


@admin.register(SymbolRules)
class SymbolRulesAdmin(ReadOnlyAdmin):
    list_display = ["venue", "symbol", "fetched_at"]


# Candle has no page: Django 5.2's admin takes no composite primary key.

__all__ = [
    "AccountRiskAdmin",
    "ExchangeAccountAdmin",
    "ExchangeCallAdmin",
    "GlobalHaltAdmin",
    "IncidentAdmin",
    "RiskProfileAdmin",
    "TradeAdmin",
]


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    list_display = ["at", "account", "source", "book", "asset", "change"]
    list_filter = ["book", "asset"]
    search_fields = ["source"]
    date_hierarchy = "at"


@admin.register(LedgerBalance)
class LedgerBalanceAdmin(ReadOnlyAdmin):
    list_display = ["account", "asset", "total"]
    list_filter = ["asset"]


@admin.register(RequestBan)
class RequestBanAdmin(ReadOnlyAdmin):
    list_display = ["venue", "status", "until", "said", "noted_at"]


@admin.register(ForeignOrder)
class ForeignOrderAdmin(ReadOnlyAdmin):
    list_display = ["account", "symbol", "side", "type", "price", "quantity", "status", "seen_at"]
    list_filter = ["status"]


@admin.register(VenueBreaker)
class VenueBreakerAdmin(ReadOnlyAdmin):
    list_display = ["venue", "part", "phase", "failures", "opened_at", "retry_at", "last_error"]


@admin.register(Move)
class MoveAdmin(ReadOnlyAdmin):
    list_display = [field.name for field in Move._meta.concrete_fields]
    list_select_related = True
