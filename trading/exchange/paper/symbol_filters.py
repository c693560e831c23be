"""The filters of a symbol as exchangeInfo shows them (filters.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trading.exchange.paper.values import from_e8

if TYPE_CHECKING:
    from trading.exchange.paper.symbols import Symbol

Filter = dict[str, Any]


def table(symbol: Symbol) -> list[Filter]:
    """The `filters` array of exchangeInfo: those the symbol has."""
    minutes = symbol.average_minutes
    found: list[Filter] = [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": from_e8(symbol.min_price),
            "maxPrice": from_e8(symbol.max_price),
            "tickSize": from_e8(symbol.tick),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": from_e8(symbol.min_quantity),
            "maxQty": from_e8(symbol.max_quantity),
            "stepSize": from_e8(symbol.step),
        },
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": from_e8(symbol.min_market_quantity),
            "maxQty": from_e8(symbol.max_market_quantity),
            "stepSize": from_e8(symbol.market_step),
        },
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": _plain(symbol.bid_multiplier_up),
            "bidMultiplierDown": _plain(symbol.bid_multiplier_down),
            "askMultiplierUp": _plain(symbol.ask_multiplier_up),
            "askMultiplierDown": _plain(symbol.ask_multiplier_down),
            "avgPriceMins": minutes,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": from_e8(symbol.min_notional),
            "applyMinToMarket": True,
            "maxNotional": from_e8(symbol.max_notional),
            "applyMaxToMarket": False,
            "avgPriceMins": minutes,
        },
        {
            "filterType": "TRAILING_DELTA",
            "minTrailingAboveDelta": symbol.min_trailing,
            "maxTrailingAboveDelta": symbol.max_trailing,
            "minTrailingBelowDelta": symbol.min_trailing,
            "maxTrailingBelowDelta": symbol.max_trailing,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": symbol.max_orders},
        {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": symbol.max_order_lists},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": symbol.max_algo_orders},
        {"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": symbol.max_amends},
    ]
    if symbol.max_iceberg_parts:
        found.append({"filterType": "ICEBERG_PARTS", "limit": symbol.max_iceberg_parts})
    if symbol.max_iceberg_orders:
        most = symbol.max_iceberg_orders
        found.append({"filterType": "MAX_NUM_ICEBERG_ORDERS", "maxNumIcebergOrders": most})
    if symbol.max_position:
        most_held = from_e8(symbol.max_position)
        found.append({"filterType": "MAX_POSITION", "maxPosition": most_held})
    if symbol.old_min_notional:
        found.append(
            {
                "filterType": "MIN_NOTIONAL",
                "minNotional": from_e8(symbol.old_min_notional),
                "applyToMarket": True,
                "avgPriceMins": minutes,
            }
        )
    if symbol.percent_up:
        found.append(
            {
                "filterType": "PERCENT_PRICE",
                "multiplierUp": _plain(symbol.percent_up),
                "multiplierDown": _plain(symbol.percent_down),
                "avgPriceMins": minutes,
            }
        )
    return found


def price_range(symbol: Symbol) -> list[Filter]:
    """The execution rules of a symbol, as executionRules shows them."""
    if not symbol.price_range:
        return []
    return [
        {
            "ruleType": "PRICE_RANGE",
            "bidLimitMultUp": _multiple(symbol.bid_range_up),
            "bidLimitMultDown": _multiple(symbol.bid_range_down),
            "askLimitMultUp": _multiple(symbol.ask_range_up),
            "askLimitMultDown": _multiple(symbol.ask_range_down),
        }
    ]


def _multiple(units: int) -> str:
    """A multiplier with four decimal places: "1.1000"."""
    return from_e8(units)[:-4]


def _plain(units: int) -> str:
    """A multiplier without its trailing zeros: "5", "0.2"."""
    return from_e8(units).rstrip("0").rstrip(".")
