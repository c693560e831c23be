"""Position sizing: how much to trade so that a stopped-out trade loses at most one R, fees in.

Pure: no Django, no clock, no network. Prices and money are in the quote asset (USDT),
quantities in the base asset (BTC). Sums are exact; quantities are only ever rounded down.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, localcontext
from typing import Literal

from risk.bounds import TRADERS_OWN, Bound, Share, divide, filter_bounds
from risk.costs import (
    Costs,
    Direction,
    NoStopDistance,
    PlanImpossible,
    WrongSide,
    check_sides,
    direction_of,
    exact_loss,
    loss_per_unit,
    profit_per_unit,
    target_for,
)
from risk.exits import (
    Unplaceable,
    cash_per_unit,
    exit_quantity,
    received_quantity,
    why_unplaceable,
)
from risk.part_targets import PartTarget
from risk.symbols import EXACT, ZERO, Symbol, ceil_to_tick, floor_to_tick

__all__ = [
    "SLIPPAGE_CAP",
    "Bound",
    "Costs",
    "Direction",
    "Model",
    "NoStopDistance",
    "PlanImpossible",
    "Sizing",
    "Unplaceable",
    "WrongSide",
    "entry_cap",
    "loss_per_unit",
    "position_size",
    "size",
    "target_for",
]

Model = Literal["percent_risk", "percent_volatility", "fixed_money", "units_per_sum", "equal_units"]

SLIPPAGE_CAP = Decimal("0.1")  # of the distance to the stop: PROTOCOL 2, expected slippage
RATIO_PLACES = Decimal("1E-8")  # ratios are floored here, so that 1.999999999 never reads as 2
_ROUGH = Context(prec=60, rounding=ROUND_FLOOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """What a plan comes to. `quantity` is 0 where `unplaceable` says why nothing can be traded."""

    model: Model  # who asked
    wanted: Decimal  # asked for, base asset: what the model alone would trade, floored at 1e-18
    wanted_loss: Decimal  # what that would lose at the stop; above the budget it is not given
    quantity: Decimal  # given: base asset to order
    notional: Decimal  # quantity at the worst entry
    budget: Decimal  # one R: the most the trade may lose
    worst_loss: Decimal  # given: the loss at the stop from the worst entry, fees and slippage in
    rounding_loss: Decimal  # risk left unused because quantities come in steps
    bound: Bound  # what kept the quantity from being larger
    entry_fee: Decimal  # at the worst entry, in quote or at its value in quote
    exit_fee: Decimal  # at the stop, likewise
    planned_profit: Decimal  # net, at the target from the plan's entry
    reward_to_risk: Decimal  # net: PROTOCOL 1.1, at the plan's entry, without slippage
    reward_to_risk_gross: Decimal  # |target - entry| / |entry - stop|
    received: Decimal  # what arrives after a fee taken in the coin
    leg_quantity: Decimal  # what the exits can order: `received` in whole steps
    unplaceable: Unplaceable | None = None


def position_size(
    *, budget: Decimal, entry: Decimal, stop: Decimal, costs: Costs, symbol: Symbol
) -> Decimal:
    """Return the largest quantity that loses at most `budget` (one R) if the stop is hit.

    `entry` is the worst price the order may fill at. The loss of one unit is the distance to the
    stop, both fees and the slippage allowance. The result is whole steps, and may be zero; where
    exits come in whole steps too, the unsold rest of a fee in the coin stays the trader's and
    counts at its value.

    Raises: NoStopDistance, if entry and stop are the same price.
    Source: Van Tharp's percent-risk model, solved for costs: q = B / (|E-S| + fE*E + fS*S + slip).
    """
    step = symbol.step
    with localcontext(EXACT):  # 200 digits, and any rounding is an error: the sum must not lie
        loss, per = exact_loss(direction_of(entry, stop), entry, stop, costs, costs.slippage)
        return budget * per // (loss * step) * step


def entry_cap(ask: Decimal, stop: Decimal, tick: Decimal, share: Decimal = SLIPPAGE_CAP) -> Decimal:
    """The worst price a *now* entry may fill at: 0.1R beyond the best price, on the tick.

    `share` is the trader's own limit in R, where that is less. Give the best ask for a long (the
    cap is floored), the best bid for a short (it is ceiled).

    Raises: NoStopDistance, if the best price and the stop are the same.
    """
    direction = direction_of(ask, stop)
    with localcontext(EXACT):
        cap = ask + (ask - stop) * min(share, SLIPPAGE_CAP)
    return floor_to_tick(cap, tick) if direction == "long" else ceil_to_tick(cap, tick)


def size(
    *,
    direction: Direction,
    entry: Decimal,
    worst_entry: Decimal,
    stop: Decimal,
    target: Decimal,
    budget: Decimal,
    cash: Decimal,
    costs: Costs,
    symbol: Symbol,
    position: Decimal = ZERO,
    model: Model = "percent_risk",
    wanted: Share | None = None,
    ceiling: Decimal | None = None,
) -> Sizing:
    """Size one plan: what its model asks for, capped by the budget, then cash, then the exchange's
    filters, whichever binds first.

    `entry` is the plan's line, `worst_entry` the limit or cap the order carries, `cash` the free
    quote balance, `position` the base asset already held or being bought (for MAX_POSITION).
    `wanted` is the quantity of a model other than percent risk (`size_models.wanted_quantity`),
    `ceiling` the money that Kelly or optimal f would risk at most.

    Raises: NoStopDistance, WrongSide: the lines are on no side that makes sense. PlanImpossible:
    a price or the budget is no number above 0 (a budget may be 0).
    """
    if not budget.is_finite() or budget < 0:
        raise PlanImpossible(f"The risk is {budget}. Give 0 or more.", field="risk_fraction")
    check_sides(direction, entry=entry, worst_entry=worst_entry, stop=stop, target=target)
    with localcontext(EXACT):
        loss, per = exact_loss(direction, worst_entry, stop, costs, costs.slippage)
        by_budget = (budget * per, loss)
        shares: dict[Bound, Share] = {"budget": by_budget}
        if wanted is not None:
            shares["model"] = wanted
        if ceiling is not None:
            shares["ceiling"] = (max(ceiling, ZERO) * per, loss)
        shares["cash"] = (max(cash, ZERO), cash_per_unit(worst_entry, costs))
        shares |= filter_bounds(
            direction=direction,
            worst_entry=worst_entry,
            stop=stop,
            target=target,
            costs=costs,
            symbol=symbol,
            position=position,
        )
        step = symbol.step
        bounds = {name: divide(*share) for name, share in shares.items()}
        bound = min(bounds, key=lambda name: bounds[name])  # ties: the first, the budget before all
        # Floored exactly, where the division of `_divide` is cut at 60 digits.
        steps = {name: amount // (by * step) * step for name, (amount, by) in shares.items()}
        quantity = max(min(steps.values()), ZERO)
        unplaceable = why_unplaceable(
            direction=direction,
            quantity=quantity,
            budget=budget,
            cash=cash,
            worst_entry=worst_entry,
            stop=stop,
            target=target,
            costs=costs,
            symbol=symbol,
            most=min(q for name, q in bounds.items() if name not in TRADERS_OWN),
            asked_less=bound in ("model", "ceiling"),
        )
        unused = bounds[bound]
        if unplaceable:
            quantity = unused = ZERO
        worst_loss = _money(loss * quantity, per, budget)
        asked = bounds["budget"] if wanted is None else bounds["model"]
        reward, risked, same = profit_per_unit(direction, entry, target, stop, costs)
        received = received_quantity(direction, quantity, costs)
        return Sizing(
            model=model,
            wanted=_places(asked),
            wanted_loss=budget if wanted is None else _ceil(loss * asked, per),
            quantity=quantity,
            notional=quantity * worst_entry,
            budget=budget,
            worst_loss=worst_loss,
            rounding_loss=(
                budget - worst_loss
                if bound == "budget" and quantity
                else max(_places(divide(unused * loss, per)) - worst_loss, ZERO)
            ),
            bound=bound,
            entry_fee=costs.entry * worst_entry * quantity,
            exit_fee=_exit_fee(direction, stop, quantity, received, costs),
            planned_profit=_floor(reward * quantity, same),
            reward_to_risk=_ratio(reward, risked),
            reward_to_risk_gross=_ratio(abs(target - entry), abs(entry - stop)),
            received=received,
            leg_quantity=exit_quantity(direction, quantity, costs, symbol.exit_step),
            unplaceable=unplaceable,
        )


def sold_in_parts(
    sizing: Sizing,
    parts: Sequence[PartTarget],
    *,
    direction: Direction,
    entry: Decimal,
    stop: Decimal,
    costs: Costs,
) -> Sizing:
    """The same size with what it wins when each share is sold at its own target: the average of
    the parts. `parts`: all of them, the shares add up to 1."""
    with localcontext(EXACT):
        reward, gross, risked, same = ZERO, ZERO, ZERO, Decimal(1)
        for part in parts:
            won, risked, same = profit_per_unit(direction, entry, part.price, stop, costs)
            reward += part.share * won
            gross += part.share * abs(part.price - entry)
        return replace(
            sizing,
            planned_profit=_floor(reward * sizing.quantity, same),
            reward_to_risk=_ratio(reward, risked),
            reward_to_risk_gross=_ratio(gross, abs(entry - stop)),
        )


def _exit_fee(
    direction: Direction, stop: Decimal, quantity: Decimal, received: Decimal, costs: Costs
) -> Decimal:
    if direction == "short" and costs.fee_in_base:
        return _ceil(costs.exit * stop * quantity, 1 - costs.exit)
    return costs.exit * stop * received


def _ratio(amount: Decimal, by: Decimal) -> Decimal:
    return _ROUGH.divide(amount, by).quantize(RATIO_PLACES, rounding=ROUND_FLOOR, context=_ROUGH)


def _floor(amount: Decimal, per: Decimal) -> Decimal:
    """`amount / per`, exact where it can be, else floored at 18 decimals."""
    return amount if per == 1 else _places(divide(amount, per))


def _places(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("1E-18"), rounding=ROUND_FLOOR, context=_ROUGH)


def _ceil(amount: Decimal, per: Decimal, places: int = 18) -> Decimal:
    up = Context(prec=200, rounding=ROUND_CEILING)
    return up.divide(amount, per).quantize(
        Decimal(1).scaleb(-places), rounding=ROUND_CEILING, context=up
    )


def _money(amount: Decimal, per: Decimal, budget: Decimal) -> Decimal:
    """A loss of `amount / per`: exact, or rounded up in a place the budget is exact in, so that
    rounding up can never carry it over the budget."""
    if per == 1:
        return amount
    exponent = budget.as_tuple().exponent
    return _ceil(amount, per, places=max(18, -exponent if isinstance(exponent, int) else 18))
