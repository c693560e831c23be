"""The two legs of a protected position, as the symbol takes them. Pure.

A market stop and a market target where its `orderTypes` have them, else their LIMIT kinds. Those
can be set off and still not sell: the loop gives them three seconds (`decide_exits`).
"""

from collections.abc import Mapping
from decimal import Decimal

from risk.part_targets import STOP_LIMIT_ROOM
from risk.symbols import Symbol, floor_to_tick

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
