"""Rules that bind an account: its filters, the execution rules and the price they measure by.

Sources: rest-api.md "Query relevant filters", "Query Execution Rules", "Query Reference Price",
filters.md, faqs/price_range_execution_rules.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trading.exchange.paper import errors, limits, symbol_choice, symbol_filters
from trading.exchange.paper.parsing import Fields
from trading.exchange.paper.reference import BUCKET_MS, BUCKETS
from trading.exchange.paper.routes import Call, method, route
from trading.exchange.paper.values import from_e8

if TYPE_CHECKING:
    from trading.exchange.paper.exchange import PaperExchange

EXCHANGE_FILTERS = {
    "EXCHANGE_MAX_NUM_ORDERS": "maxNumOrders",
    "EXCHANGE_MAX_NUM_ALGO_ORDERS": "maxNumAlgoOrders",
    "EXCHANGE_MAX_NUM_ICEBERG_ORDERS": "maxNumIcebergOrders",
    "EXCHANGE_MAX_NUM_ORDER_LISTS": "maxNumOrderLists",
}


def exchange_filters(exchange: PaperExchange) -> list[dict[str, Any]]:
    """The `exchangeFilters` that are set."""
    rules = exchange.engine.exchange_rules
    return [
        {"filterType": name, limit: rules[name]}
        for name, limit in EXCHANGE_FILTERS.items()
        if rules.get(name)
    ]


@method("myFilters", weight=40, security="USER_DATA", accepts=("symbol",))
@route("GET", "/api/v3/myFilters", weight=40, security="USER_DATA", accepts=("symbol",))
def my_filters(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    """What binds this account on a symbol. Only here MAX_ASSET shows."""
    symbol = exchange.symbols[Fields(call.params).symbol(exchange.symbols)]
    caps = exchange.engine.asset_limits
    return {
        "exchangeFilters": exchange_filters(exchange),
        "symbolFilters": symbol_filters.table(symbol),
        "assetFilters": [
            {"filterType": "MAX_ASSET", "asset": asset, "limit": from_e8(caps[asset])}
            for asset in (symbol.base, symbol.quote)
            if asset in caps
        ],
        "rateLimits": limits.table(exchange.limits.weight_limit)[1:3],
    }


def _rules_weight(params: Mapping[str, str]) -> int:
    if "symbol" in params:
        return 2
    if "symbols" in params:
        return min(40, 2 * (params["symbols"].count(",") + 1))
    return 40


RULES = ("symbol", "symbols", "symbolStatus")


@method("executionRules", weight=_rules_weight, accepts=RULES)
@route("GET", "/api/v3/executionRules", weight=_rules_weight, accepts=RULES)
def execution_rules(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    """The PRICE_RANGE rules of one, several or all symbols. No two parameters go together."""
    params = call.params
    if len(params) > 1:
        raise errors.bad_combination()
    names = symbol_choice.several(exchange, call)
    wanted = [names] if isinstance(names, str) else names
    return {
        "symbolRules": [
            {"symbol": name, "rules": symbol_filters.price_range(exchange.symbols[name])}
            for name in wanted
        ]
    }


REFERENCE = ("symbol", "symbolStatus")


@method("referencePrice", weight=2, accepts=REFERENCE)
@route("GET", "/api/v3/referencePrice", weight=2, accepts=REFERENCE)
def reference_price(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    symbol = symbol_choice.one(exchange, call)
    price = exchange.engine.reference(symbol).at(call.now_ms)
    return {"symbol": symbol, "referencePrice": from_e8(price), "timestamp": call.now_ms}


@method("referencePrice.calculation", weight=2, accepts=REFERENCE)
@route("GET", "/api/v3/referencePrice/calculation", weight=2, accepts=REFERENCE)
def reference_calculation(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    return {
        "symbol": symbol_choice.one(exchange, call),
        "calculationType": "ARITHMETIC_MEAN",
        "bucketCount": BUCKETS,
        "bucketWidthMs": BUCKET_MS,
    }
