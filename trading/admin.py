"""Trading in the Django admin. Orders, fills, trades and decisions are read-only: the exchange and
the order path write them, no hand does."""

from django.contrib import admin

from testudo.web.read_only import ReadOnlyAdmin
from trading.models import (
    AccountRisk,
    Balance,
    Decision,
    ExchangeAccount,
    FeeRate,
    Fill,
    Order,
    SymbolRules,
    Trade,
)


@admin.register(ExchangeAccount)
class ExchangeAccountAdmin(ReadOnlyAdmin):
    list_display = ["name", "user", "venue", "currency", "stream_gap", "stream_alive_at"]
    list_filter = ["venue", "stream_gap"]
    search_fields = ["name", "user__username"]
    exclude = ["sealed_keys", "key_fingerprint"]


@admin.register(AccountRisk)
class AccountRiskAdmin(ReadOnlyAdmin):
    list_display = ["account", "state", "reason", "day", "day_start_equity", "day_start_late"]
    list_filter = ["state"]


@admin.register(Trade)
class TradeAdmin(ReadOnlyAdmin):
    list_display = ["symbol", "side", "quantity", "state", "planned_risk", "profit", "placed_at"]
    list_filter = ["state", "symbol", "account__venue"]
    date_hierarchy = "placed_at"
    list_select_related = ["account"]


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
