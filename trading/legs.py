"""The two legs of a protected position, as the symbol takes them. Pure.

A market stop and a market target where its `orderTypes` have them, else their LIMIT kinds. Those
can be set off and still not sell: the loop gives them three seconds (`decide_exits`).
"""

from collections.abc import Mapping
from decimal import Decimal

from risk.part_targets import STOP_LIMIT_ROOM
from risk.symbols import Symbol, floor_to_tick
from risk.wording import plain

LIMIT_KINDS = ("STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT")

Leg = Mapping[str, str | Decimal]


def carried(symbol: Symbol) -> bool:
    """Whether the symbol takes a stop and a target of any kind."""
    return all(
        {kind, f"{kind}_LIMIT"} & symbol.order_types for kind in ("STOP_LOSS", "TAKE_PROFIT")
    )


def stop_leg(symbol: Symbol, stop: Decimal) -> Leg:
    """Type and prices of the stop of a long."""
    if "STOP_LOSS" in symbol.order_types:
        return {"type": "STOP_LOSS", "stop_price": stop}
    least = stop_limit(symbol, stop)
    return {"type": LIMIT_KINDS[0], "stop_price": stop, "price": least, "time_in_force": "GTC"}


def target_leg(symbol: Symbol, target: Decimal) -> Leg:
    """Type and prices of the target of a long; one that names a price sells at the target."""
    if "TAKE_PROFIT" in symbol.order_types:
        return {"type": "TAKE_PROFIT", "stop_price": target}
    return {"type": LIMIT_KINDS[1], "stop_price": target, "price": target, "time_in_force": "GTC"}


def stop_limit(symbol: Symbol, stop: Decimal) -> Decimal:
    """The least a stop that must name a price sells at."""
    return floor_to_tick(stop * (1 - STOP_LIMIT_ROOM), symbol.tick)


def not_taken(
    symbol: Symbol, *, stop: Decimal, target: Decimal, low: Decimal, high: Decimal
) -> str | None:
    """Why the exchange would refuse a leg of a long for the price it names, in a sentence; None
    where it would not. `low` and `high` bound the average that PERCENT_PRICE compares with."""
    prices = {"stop": stop_limit(symbol, stop), "target": target}
    for line, kind in (("stop", "STOP_LOSS"), ("target", "TAKE_PROFIT")):
        price, percents = prices[line], symbol.percent_price
        if kind in symbol.order_types:
            continue  # a market leg names none
        if price < symbol.min_price:
            return (
                f"The {line} sells at {plain(price)} at the least, below the exchange's lowest "
                f"price of {plain(symbol.min_price)} (PRICE_FILTER). Move it up."
            )
        if percents and not high * percents.sell_down <= price <= low * percents.sell_up:
            return (
                f"The {line} sells at {plain(price)} at the least, too far from the market for the "
                "exchange (PERCENT_PRICE_BY_SIDE). Move it closer."
            )
    return None
