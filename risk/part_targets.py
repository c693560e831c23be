"""Selling a position in parts: nearer targets that each take a share, the last one the rest. Pure.

Every part has the whole position's stop, so what is at risk is the same as with one target; what
can be won is the shares' average. Prices are in the quote asset, quantities in the base asset.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

from risk.costs import ONE, Direction, PlanImpossible
from risk.symbols import EXACT, ZERO, Symbol, floor_to_step, is_on_tick, nearest_ticks
from risk.wording import plain

FIELD = "targets"
MOST_NEARER = 2  # beside the plan's own target
PER_PART = 2  # open orders of one part: its stop and its target
# How far below its trigger a stop that must name a price still sells. Wide, for the market may
# gap; the exchange sells at the best bid above it.
STOP_LIMIT_ROOM = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class PartTarget:
    """A nearer target and the share of the position that is sold there, between 0 and 1."""

    price: Decimal
    share: Decimal


@dataclass(frozen=True, slots=True)
class Part:
    """A quantity that is sold at its own target. `number` counts from 1, the nearest first."""

    number: int
    quantity: Decimal
    target: Decimal


def refuse_impossible(
    nearer: Sequence[PartTarget],
    *,
    direction: Direction,
    entry: Decimal,
    target: Decimal,
    tick: Decimal,
) -> None:
    """Raises: PlanImpossible (field "targets"), for prices out of order or shares that leave
    nothing for the plan's own target."""
    if len(nearer) > MOST_NEARER:
        raise _no(f"Give at most {MOST_NEARER} nearer targets; the plan's own takes the rest.")
    former = entry
    for part in nearer:
        if not (part.price.is_finite() and part.share.is_finite() and ZERO < part.share < ONE):
            raise _no("A nearer target takes a share above 0 and below 1: 0.5 is half.")
        if not is_on_tick(part.price, tick):
            below, above = nearest_ticks(part.price, tick)
            raise _no(
                f"{plain(part.price)} is no valid price: it moves in steps of {plain(tick)}. Use "
                f"{plain(below)} or {plain(above)}."
            )
        if not _between(part.price, former, target):
            raise _no(
                f"The nearer targets of a {direction} lie between the entry {plain(entry)} and the "
                f"target {plain(target)}, each beyond the one before. Move {plain(part.price)}."
            )
        former = part.price
    if nearer and sum(part.share for part in nearer) >= ONE:
        raise _no("The shares of the nearer targets leave nothing for the last. Make them smaller.")


def shares_of(nearer: Sequence[PartTarget], target: Decimal) -> tuple[PartTarget, ...]:
    """All targets with their shares, the plan's own last; the shares add up to 1."""
    with localcontext(EXACT):
        rest = ONE - sum((part.share for part in nearer), ZERO)
    return (*nearer, PartTarget(target, rest))


def layout(
    quantity: Decimal,
    open_parts: Sequence[tuple[int, PartTarget]],
    *,
    step: Decimal,
    least: Decimal,
) -> tuple[Part, ...]:
    """The quantity in parts that can each be sold, in whole steps and to the last step of it.

    `open_parts`: number and target of what was not sold yet, the nearest first; a share counts
    among those left. A part below `least` falls to the last one, which takes every rest. Empty
    where the whole is below `least`.
    """
    if not open_parts or quantity < least:
        return ()
    parts: list[Part] = []
    left = whole = floor_to_step(quantity, step)
    with localcontext(EXACT) as exact:
        among = sum((part.share for _, part in open_parts), ZERO)
        for number, part in open_parts[:-1]:
            steps = whole * part.share // (among * step)  # whole ones, nothing is rounded
            wanted = exact.multiply(steps, step)
            if wanted >= least and left - wanted >= least:
                parts.append(Part(number, wanted, part.price))
                left -= wanted
    number, last = open_parts[-1]
    return (*parts, Part(number, left, last.price))


def least_quantity(symbol: Symbol, stop: Decimal) -> Decimal:
    """The smallest part that the exchange takes as a stop at this price and as its target beyond:
    LOT_SIZE, MARKET_LOT_SIZE and NOTIONAL at the lowest price it may sell for."""
    step = symbol.exit_step
    least = max(symbol.min_quantity, symbol.market_min_quantity, step)
    with localcontext(EXACT):
        sells_at = stop if "STOP_LOSS" in symbol.order_types else stop * (1 - STOP_LIMIT_ROOM)
        steps, rest = divmod(symbol.min_notional, sells_at * step)
        return max(least, (steps + (1 if rest else 0)) * step)


def why_not_in_parts(
    nearer: Sequence[PartTarget],
    *,
    target: Decimal,
    stop: Decimal,
    leg_quantity: Decimal,
    symbol: Symbol,
) -> str:
    """Why the exchange would not take the position in these parts, and the way out; "" where it
    does. Each part counts after the entry's fee and at its own stop (R11)."""
    if not nearer or not leg_quantity:
        return ""
    wanted = shares_of(nearer, target)
    least = least_quantity(symbol, stop)
    found = layout(leg_quantity, tuple(enumerate(wanted, 1)), step=symbol.exit_step, least=least)
    if len(found) == len(wanted):
        return ""
    smallest = min(part.share for part in wanted)
    return (
        f"A part of {plain(smallest * 100)} % of {plain(leg_quantity)} {symbol.base} is below the "
        f"least the exchange sells at the stop, {plain(least)} {symbol.base} (LOT_SIZE, NOTIONAL). "
        "Make the smallest share larger, leave a target out, or risk more."
    )


def _between(price: Decimal, first: Decimal, last: Decimal) -> bool:
    return min(first, last) < price < max(first, last)


def _no(message: str) -> PlanImpossible:
    return PlanImpossible(message, field=FIELD)
