"""Reading what an exchange says about a symbol: its listing, filters and execution rules. Pure.

Strict: whatever is malformed is named. Sources: Binance's `filters.md`, `rest-api.md` ("Exchange
information", "Query Execution Rules", "Query Reference Price Calculation", "Query relevant
filters"), `faqs/price_range_execution_rules.md`.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from risk.symbols import FINEST, UNLIMITED, ZERO, PercentPrice, Symbol

# What is kept beside a symbol's entry of exchangeInfo, each as the exchange sent it.
EXCHANGE_FILTERS = "exchangeFilters"  # exchangeInfo's own: of an account, over all symbols
EXECUTION_RULES = "executionRules"  # the symbol's `rules` of `GET executionRules`
CALCULATION = "referencePriceCalculation"  # `GET referencePrice/calculation`; None: no such price

FIGURE = re.compile(r"\d{1,20}(\.\d{1,18})?", re.ASCII)
MINUTE_MS = 60_000


class _Filter:
    """One filter's fields, read strictly; a wrong one is named in the error."""

    def __init__(self, owner: str, kind: str, fields: Mapping[str, Any]) -> None:
        self.owner, self.kind, self.fields = owner, kind, fields

    def figure(self, key: str, default: Decimal) -> Decimal:
        """A number of 0 or more; 0 switches a bound off, so it reads as `default`."""
        raw = self.fields.get(key)
        if raw is None:
            return default
        if not isinstance(raw, str) or not FIGURE.fullmatch(raw):
            raise self.malformed(key, raw, "a plain decimal string")
        # Without Binance's trailing zeros, so that what is rounded to it reads well too.
        return Decimal(raw.rstrip("0").rstrip(".") if "." in raw else raw) or default

    def count(self, *keys: str) -> int | None:
        for key in keys:
            raw = self.fields.get(key)
            if raw is not None:
                if not isinstance(raw, int) or isinstance(raw, bool) or raw < 0:
                    raise self.malformed(key, raw, "a whole number")
                return raw
        return None

    def flag(self, key: str, default: bool) -> bool:
        raw = self.fields.get(key, default)
        if not isinstance(raw, bool):
            raise self.malformed(key, raw, "true or false")
        return raw

    def malformed(self, key: str, raw: object, wanted: str) -> ValueError:
        return ValueError(f"{self.owner}: {self.kind}.{key} is {raw!r}, not {wanted}.")


def read_symbol(raw: Mapping[str, Any]) -> Symbol:
    """Read an entry of exchangeInfo's `symbols`. Unknown filters are ignored, missing ones off.

    MARKET_LOT_SIZE's zeros fall back to LOT_SIZE, as Binance does. Beside the entry may stand
    EXCHANGE_FILTERS, EXECUTION_RULES and CALCULATION; what is not there binds nothing.

    Raises: ValueError, naming the field or filter that is malformed.
    """
    name, base, quote = (_text(raw, key) for key in ("symbol", "baseAsset", "quoteAsset"))
    filters = {
        **_filters("The exchange", raw.get(EXCHANGE_FILTERS, [])),
        **_filters(name, raw.get("filters", [])),
    }

    def named(kind: str) -> _Filter:
        return filters.get(kind) or _Filter(name, kind, {})

    listing = _Filter(name, "listing", raw)
    price, lot, market = named("PRICE_FILTER"), named("LOT_SIZE"), named("MARKET_LOT_SIZE")
    step = lot.figure("stepSize", FINEST)
    min_quantity, max_quantity = lot.figure("minQty", ZERO), lot.figure("maxQty", UNLIMITED)
    notional, old_notional = named("NOTIONAL"), named("MIN_NOTIONAL")
    least = (  # a symbol may have both
        (notional.figure("minNotional", ZERO), notional.flag("applyMinToMarket", True)),
        (old_notional.figure("minNotional", ZERO), old_notional.flag("applyToMarket", True)),
    )
    price_range, window = _price_range(name, raw)
    order_types = raw.get("orderTypes", [])
    if not isinstance(order_types, list) or not all(isinstance(kind, str) for kind in order_types):
        raise listing.malformed("orderTypes", order_types, "a list of names")
    return Symbol(
        name=name,
        base=base,
        quote=quote,
        status=_text(raw, "status"),
        tick=price.figure("tickSize", FINEST),
        min_price=price.figure("minPrice", ZERO),
        max_price=price.figure("maxPrice", UNLIMITED),
        step=step,
        min_quantity=min_quantity,
        max_quantity=max_quantity,
        market_step=market.figure("stepSize", step),
        market_min_quantity=market.figure("minQty", min_quantity),
        market_max_quantity=market.figure("maxQty", max_quantity),
        min_notional=max(figure for figure, _ in least),
        min_notional_for_market=any(for_market for figure, for_market in least if figure),
        max_notional=_or_none(notional.figure("maxNotional", ZERO)),
        max_notional_for_market=notional.flag("applyMaxToMarket", False),
        percent_price=_percent_price(filters),
        order_types=frozenset(order_types),
        oto_allowed=listing.flag("otoAllowed", False),
        oco_allowed=listing.flag("ocoAllowed", False),
        opo_allowed=listing.flag("opoAllowed", False),
        max_algo_orders=named("MAX_NUM_ALGO_ORDERS").count("maxNumAlgoOrders", "limit"),
        max_orders=named("MAX_NUM_ORDERS").count("maxNumOrders", "limit"),
        max_order_lists=named("MAX_NUM_ORDER_LISTS").count("maxNumOrderLists", "limit"),
        exchange_max_algo_orders=named("EXCHANGE_MAX_NUM_ALGO_ORDERS").count("maxNumAlgoOrders"),
        exchange_max_orders=named("EXCHANGE_MAX_NUM_ORDERS").count("maxNumOrders"),
        exchange_max_order_lists=named("EXCHANGE_MAX_NUM_ORDER_LISTS").count("maxNumOrderLists"),
        max_position=_or_none(named("MAX_POSITION").figure("maxPosition", ZERO)),
        price_range=price_range,
        average_minutes=max(_average_minutes(filters), window),
    )


def read_asset_limits(my_filters: Mapping[str, Any], *, owner: str) -> dict[str, Decimal]:
    """MAX_ASSET by asset, from `GET /api/v3/myFilters`: what one order of the account may move.

    Raises: ValueError, naming the filter that is malformed.
    """
    raw = my_filters.get("assetFilters", [])
    if not isinstance(raw, list) or not all(isinstance(each, Mapping) for each in raw):
        raise ValueError(f"{owner}: assetFilters is {raw!r}, not a list of filters.")
    caps: dict[str, Decimal] = {}
    for each in raw:
        if each.get("filterType") == "MAX_ASSET" and isinstance(each.get("asset"), str):
            most = _Filter(owner, "MAX_ASSET", each).figure("limit", UNLIMITED)
            if most < UNLIMITED:
                caps[each["asset"]] = min(most, caps.get(each["asset"], most))
    return caps


def _text(raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{raw.get('symbol', 'A symbol')}: {key} is {value!r}, not a name.")
    return value


def _filters(name: str, raw: object, *, key: str = "filterType") -> dict[str, _Filter]:
    if not isinstance(raw, list):
        raise ValueError(f"{name}: filters is {raw!r}, not a list.")
    found: dict[str, _Filter] = {}
    for fields in raw:
        kind = fields.get(key) if isinstance(fields, Mapping) else None
        if not isinstance(kind, str):
            raise ValueError(f"{name}: a filter without a {key}: {fields!r}.")
        found[kind] = _Filter(name, kind, fields)
    return found


def _percent_price(filters: Mapping[str, _Filter]) -> PercentPrice | None:
    """The tighter of both filters, side by side; a symbol may have either, or both."""
    found = []
    if by_side := filters.get("PERCENT_PRICE_BY_SIDE"):
        found.append(
            PercentPrice(
                buy_down=by_side.figure("bidMultiplierDown", ZERO),
                buy_up=by_side.figure("bidMultiplierUp", UNLIMITED),
                sell_down=by_side.figure("askMultiplierDown", ZERO),
                sell_up=by_side.figure("askMultiplierUp", UNLIMITED),
            )
        )
    if plain := filters.get("PERCENT_PRICE"):
        down = plain.figure("multiplierDown", ZERO)
        up = plain.figure("multiplierUp", UNLIMITED)
        found.append(PercentPrice(buy_down=down, buy_up=up, sell_down=down, sell_up=up))
    if not found:
        return None
    return PercentPrice(
        buy_down=max(each.buy_down for each in found),
        buy_up=min(each.buy_up for each in found),
        sell_down=max(each.sell_down for each in found),
        sell_up=min(each.sell_up for each in found),
    )


def _price_range(name: str, raw: Mapping[str, Any]) -> tuple[PercentPrice | None, int]:
    """The PRICE_RANGE rule and the minutes its reference price averages over, rounded up.

    None and 0 where the exchange enforces none (no rule, or no reference price), and where the
    price comes from outside the matching engine (EXTERNAL): then no trade tells what it may be.
    """
    rule = _filters(name, raw.get(EXECUTION_RULES, []), key="ruleType").get("PRICE_RANGE")
    said = raw.get(CALCULATION)
    if rule is None or said is None:
        return None, 0
    if not isinstance(said, Mapping):
        raise ValueError(f"{name}: {CALCULATION} is {said!r}, not an object.")
    if said.get("calculationType") != "ARITHMETIC_MEAN":
        return None, 0
    calculation = _Filter(name, CALCULATION, said)
    width, buckets = calculation.count("bucketWidthMs"), calculation.count("bucketCount")
    if not width or not buckets:
        raise calculation.malformed("bucketWidthMs * bucketCount", (width, buckets), "a window")
    found = PercentPrice(
        buy_down=rule.figure("bidLimitMultDown", ZERO),
        buy_up=rule.figure("bidLimitMultUp", UNLIMITED),
        sell_down=rule.figure("askLimitMultDown", ZERO),
        sell_up=rule.figure("askLimitMultUp", UNLIMITED),
    )
    return found, -(-width * buckets // MINUTE_MS)


def _average_minutes(filters: Mapping[str, _Filter]) -> int:
    minutes = [
        filters[kind].count("avgPriceMins")
        for kind in ("PERCENT_PRICE_BY_SIDE", "PERCENT_PRICE")
        if kind in filters
    ]
    return max((each for each in minutes if each is not None), default=5)


def _or_none(figure: Decimal) -> Decimal | None:
    return figure or None
