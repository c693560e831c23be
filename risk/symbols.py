"""What an exchange allows for one symbol, and rounding to its ticks and steps.

Pure: no Django, no clock, no network. Prices are in the quote asset (USDT), quantities in the
base asset (BTC). Source of every rule: Binance's `filters.md`, as in `GET /api/v3/exchangeInfo`.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import (
    ROUND_CEILING,
    ROUND_FLOOR,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    localcontext,
)
from typing import Any

# 200 digits, and any rounding is an error: a sum about money must not lie.
EXACT = Context(prec=200, traps=[Inexact, InvalidOperation, DivisionByZero])

ZERO = Decimal(0)
UNLIMITED = Decimal(10) ** 20  # stands for "no maximum"; equals testudo.db.amounts.MOST
FINEST = Decimal("0.00000001")  # Binance takes at most 8 decimals, whatever the filters say
FIGURE = re.compile(r"\d{1,20}(\.\d{1,18})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class PercentPrice:
    """How far from the average price an order's price may lie: multipliers of that average."""

    buy_down: Decimal
    buy_up: Decimal
    sell_down: Decimal
    sell_up: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """One tradable pair under its filters. A filter that is off has a minimum of 0, a maximum of
    `UNLIMITED`, or None."""

    name: str
    base: str
    quote: str
    status: str = "TRADING"
    tick: Decimal = FINEST
    min_price: Decimal = ZERO
    max_price: Decimal = UNLIMITED
    step: Decimal = FINEST
    min_quantity: Decimal = ZERO
    max_quantity: Decimal = UNLIMITED
    market_step: Decimal = FINEST
    market_min_quantity: Decimal = ZERO
    market_max_quantity: Decimal = UNLIMITED
    min_notional: Decimal = ZERO
    min_notional_for_market: bool = True  # Binance: applyMinToMarket
    max_notional: Decimal | None = None
    max_notional_for_market: bool = False  # Binance: applyMaxToMarket
    percent_price: PercentPrice | None = None
    order_types: frozenset[str] = frozenset()
    oto_allowed: bool = False
    oco_allowed: bool = False
    opo_allowed: bool = False
    max_algo_orders: int | None = None
    max_orders: int | None = None
    max_order_lists: int | None = None
    max_position: Decimal | None = None  # base asset: held + open buys
    # MAX_ASSET, an account's own: what one order may move. Known only from `myFilters`.
    max_base_per_order: Decimal | None = None
    max_quote_per_order: Decimal | None = None
    average_minutes: int = 5  # Binance: avgPriceMins, of the average PERCENT_PRICE compares with

    @property
    def exit_step(self) -> Decimal:
        """The step of an exit: it must be whole in LOT_SIZE and in MARKET_LOT_SIZE."""
        if self.market_step == self.step:
            return self.step
        finest = min(self.step, self.market_step, FINEST)
        with localcontext(EXACT):
            return math.lcm(int(self.step / finest), int(self.market_step / finest)) * finest


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

    MARKET_LOT_SIZE's zeros fall back to LOT_SIZE, as Binance does.

    Raises: ValueError, naming the field or filter that is malformed.
    """
    name, base, quote = (_text(raw, key) for key in ("symbol", "baseAsset", "quoteAsset"))
    filters = _filters(name, raw.get("filters", []))

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
        max_position=_or_none(named("MAX_POSITION").figure("maxPosition", ZERO)),
        average_minutes=_average_minutes(filters),
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


def _filters(name: str, raw: object) -> dict[str, _Filter]:
    if not isinstance(raw, list):
        raise ValueError(f"{name}: filters is {raw!r}, not a list.")
    found: dict[str, _Filter] = {}
    for fields in raw:
        kind = fields.get("filterType") if isinstance(fields, Mapping) else None
        if not isinstance(kind, str):
            raise ValueError(f"{name}: a filter without a filterType: {fields!r}.")
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


def _average_minutes(filters: Mapping[str, _Filter]) -> int:
    minutes = [
        filters[kind].count("avgPriceMins")
        for kind in ("PERCENT_PRICE_BY_SIDE", "PERCENT_PRICE")
        if kind in filters
    ]
    return max((each for each in minutes if each is not None), default=5)


def _or_none(figure: Decimal) -> Decimal | None:
    return figure or None


def floor_to_step(quantity: Decimal, step: Decimal) -> Decimal:
    """The largest whole number of steps that is not above `quantity`."""
    return _to_grid(quantity, step, ROUND_FLOOR)


def ceil_to_step(quantity: Decimal, step: Decimal) -> Decimal:
    """The smallest whole number of steps that is not below `quantity`."""
    return _to_grid(quantity, step, ROUND_CEILING)


def floor_to_tick(price: Decimal, tick: Decimal) -> Decimal:
    """The nearest valid price that is not above `price`."""
    return _to_grid(price, tick, ROUND_FLOOR)


def ceil_to_tick(price: Decimal, tick: Decimal) -> Decimal:
    """The nearest valid price that is not below `price`."""
    return _to_grid(price, tick, ROUND_CEILING)


def is_on_tick(price: Decimal, tick: Decimal) -> bool:
    return floor_to_tick(price, tick) == price


def nearest_ticks(price: Decimal, tick: Decimal) -> tuple[Decimal, Decimal]:
    """The valid prices below and above `price`; both are `price` itself where it is valid."""
    return floor_to_tick(price, tick), ceil_to_tick(price, tick)


def _to_grid(value: Decimal, grid: Decimal, rounding: str) -> Decimal:
    """`value` in whole multiples of `grid`, written with as many decimals as the grid has."""
    if grid <= 0:
        raise ValueError(f"A tick or step of {grid} is no grid.")
    with localcontext(EXACT):
        whole, rest = divmod(value, grid)  # divmod truncates towards zero
        if rest > 0 and rounding == ROUND_CEILING:
            whole += 1
        elif rest < 0 and rounding == ROUND_FLOOR:
            whole -= 1
        return whole * grid
