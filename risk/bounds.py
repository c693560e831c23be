"""What each of the exchange's filters alone would let a plan trade, in base asset. Pure.

A bound is kept as a share, `(amount, per)` for `amount / per`, so that it can be floored to whole
steps exactly.
"""

from collections.abc import Callable
from decimal import ROUND_FLOOR, Context, Decimal
from typing import Literal

from risk.costs import ONE, Costs, Direction
from risk.exits import largest_entry
from risk.symbols import ZERO, Symbol

Bound = Literal[
    "budget",
    "model",  # the size model asks for less than the risk allows
    "ceiling",  # Kelly or optimal f does
    "cash",
    "max_quantity",
    "market_max_quantity",
    "max_notional",
    "max_position",
    "max_asset",
]
Share = tuple[Decimal, Decimal]  # (amount, per) stands for amount / per
TRADERS_OWN: tuple[Bound, ...] = ("budget", "model", "ceiling", "cash")  # not the exchange's

_ROUGH = Context(prec=60, rounding=ROUND_FLOOR)


def divide(amount: Decimal, by: Decimal) -> Decimal:
    """`amount / by`, floored at 60 digits."""
    return _ROUGH.divide(amount, by)


def filter_bounds(
    *,
    direction: Direction,
    worst_entry: Decimal,
    stop: Decimal,
    target: Decimal,
    costs: Costs,
    symbol: Symbol,
    position: Decimal,
) -> dict[Bound, Share]:
    """How much each filter alone would allow, in base asset, before rounding to steps."""
    exit_step = symbol.exit_step

    def entry_for(most: Decimal) -> Decimal:
        return largest_entry(direction, most, costs, exit_step)

    exit_most = min(symbol.max_quantity, symbol.market_max_quantity)
    bounds: dict[Bound, Share] = {
        "max_quantity": (min(symbol.max_quantity, entry_for(symbol.max_quantity)), ONE),
        "market_max_quantity": (entry_for(exit_most), ONE),
    }
    if symbol.max_notional is not None:
        bounds["max_notional"] = (symbol.max_notional, worst_entry)
        for price, kind in ((stop, "STOP_LOSS"), (target, "TAKE_PROFIT")):
            if symbol.max_notional_for_market or kind not in symbol.order_types:
                bounds["max_notional"] = _smaller(
                    bounds["max_notional"], _worth(symbol.max_notional, price, entry_for)
                )
    if symbol.max_position is not None:
        bounds["max_position"] = (max(symbol.max_position - position, ZERO), ONE)
    assets: list[Share] = []
    if symbol.max_base_per_order is not None:
        most = symbol.max_base_per_order
        assets.append((min(most, entry_for(most)), ONE))
    if symbol.max_quote_per_order is not None:
        assets.append((symbol.max_quote_per_order, worst_entry))
        dearest = max(stop, target)
        assets.append(_worth(symbol.max_quote_per_order, dearest, entry_for))
    for share in assets:
        bounds["max_asset"] = _smaller(bounds.get("max_asset", share), share)
    return bounds


def _worth(most: Decimal, price: Decimal, entry_for: Callable[[Decimal], Decimal]) -> Share:
    """The largest entry whose exit at `price` is worth at most `most`."""
    return entry_for(divide(most, price)), ONE


def _smaller(one: Share, other: Share) -> Share:
    return one if one[0] * other[1] <= other[0] * one[1] else other
