"""General endpoints: ping, time, exchangeInfo (rest-api.md "General endpoints")."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from trading.exchange.paper import errors, limits, symbol_choice
from trading.exchange.paper.parsing import Fields
from trading.exchange.paper.routes import Call, method, route

if TYPE_CHECKING:
    from trading.exchange.paper.exchange import PaperExchange


@method("ping", accepts=())
@route("GET", "/api/v3/ping", accepts=())
def ping(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    return {}


@method("time", accepts=())
@route("GET", "/api/v3/time", accepts=())
def server_time(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    return {"serverTime": exchange.server_ms}


NAMES = r'^\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}){0,1}\]$'
INFO_PARAMETERS = ("symbol", "symbols", "permissions", "showPermissionSets", "symbolStatus")


@method("exchangeInfo", weight=20, accepts=INFO_PARAMETERS)
@route("GET", "/api/v3/exchangeInfo", weight=20, accepts=INFO_PARAMETERS)
def exchange_info(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    """Rules and symbols: all, `symbol`, or `symbols` as a JSON array; by permission or status."""
    params = call.params
    one, several = params.get("symbol"), params.get("symbols")
    named = bool(one or several)
    if (one and several) or (named and ("permissions" in params or "symbolStatus" in params)):
        raise errors.bad_combination()
    wanted = (
        [one] if one else symbol_choice.names_in(several) if several else list(exchange.symbols)
    )
    if any(name not in exchange.symbols for name in wanted):
        raise errors.bad_symbol()
    permissions = params.get("permissions")
    if permissions and "SPOT" not in names_of(permissions, "permissions"):
        wanted = []
    status = params.get("symbolStatus")
    if status not in (None, *symbol_choice.STATUSES):
        raise errors.bad_symbol_status()
    from trading.exchange.paper import rules_rest  # it reads names as this does

    infos = [exchange.symbols[name].info() for name in wanted]
    if "showPermissionSets" in params and not Fields(params).flag("showPermissionSets"):
        for info in infos:
            info["permissionSets"] = []
    return {
        "timezone": "UTC",
        "serverTime": exchange.server_ms,
        "rateLimits": limits.table(exchange.limits.weight_limit),
        "exchangeFilters": rules_rest.exchange_filters(exchange),
        "symbols": [info for info in infos if status in (None, info["status"])],
    }


def names_of(text: str, parameter: str) -> list[str]:
    """A JSON array of strings, or one bare string. Raises: BinanceError -1100, -1151."""
    if not text.startswith("["):
        return [text]
    try:
        names = json.loads(text)
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise errors.illegal_characters(parameter, NAMES)
    if len(set(names)) < len(names):
        raise errors.duplicate_symbols()
    return names
