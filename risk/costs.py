"""What one unit of a trade costs to lose, and brings to win, fees in. Pure.

Each sum is given as a pair `(amount, per)`, standing for `amount / per`: the one form with a
division (a short whose buy-back pays its fee in the coin) stays exact that way; `per` is 1 for all
others.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, localcontext
from typing import Literal

from risk.symbols import EXACT, ZERO, ceil_to_tick, floor_to_tick

Direction = Literal["long", "short"]
ONE = Decimal(1)


class PlanImpossible(ValueError):
    """The drawing makes no sense, whatever the limits. `field` names the line to move."""

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


class NoStopDistance(PlanImpossible):
    """Entry and stop are the same price: there is no R to size by."""


class WrongSide(PlanImpossible):
    """Stop or target lies on the wrong side of the entry."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What trading costs: rates as fractions (0.001 is 0.1 %), slippage in quote per unit of base.

    `fee_in_base`: a buy pays its fee in the bought coin. True on Binance without BNB, unless the
    account holds enough of the coin free: then the fee is taken from there, and counts as in quote.
    `fee_in_bnb`: both fees are paid in BNB at their value in quote. They count in the loss as fees
    in quote do, but take nothing from the coin received nor from the cash.

    Raises: ValueError, for rates outside 0 to 10 %, a negative or non-finite slippage, or fees in
    two places.
    """

    entry: Decimal
    exit: Decimal
    slippage: Decimal = ZERO
    fee_in_base: bool = False
    fee_in_bnb: bool = False

    def __post_init__(self) -> None:
        for name, rate in (("entry", self.entry), ("exit", self.exit)):
            if not rate.is_finite() or not ZERO <= rate <= Decimal("0.1"):
                raise ValueError(
                    f"The {name} fee is {rate}. Give a fraction from 0 to 0.1 (0.1 % is 0.001)."
                )
        if not self.slippage.is_finite() or self.slippage < 0:
            raise ValueError(f"The slippage allowance is {self.slippage}. Give 0 or more.")
        if self.fee_in_base and self.fee_in_bnb:
            raise ValueError("A fee is taken in the coin or in BNB, not in both. Choose one.")


def discounted(rate: Decimal, discounted_part: Decimal, discount: Decimal) -> Decimal:
    """A fee rate paid in BNB: `discount` 0.75 means that 75 % of the discounted part is paid.

    `discounted_part` is the standard commission, a part of `rate`; special and tax commission are
    never discounted. Source: Binance's commission FAQ, whose example multiplies by the discount.

    Raises: ValueError, for a part beyond the rate or a discount outside 0 to 1.
    """
    if not ZERO <= discounted_part <= rate:
        raise ValueError(f"{discounted_part} is no part of the fee {rate}. Give 0 to {rate}.")
    if not ZERO <= discount <= ONE:
        raise ValueError(f"The discount is {discount}. Give a fraction from 0 to 1.")
    with localcontext(EXACT):
        return rate - discounted_part + discounted_part * discount


def direction_of(entry: Decimal, stop: Decimal) -> Direction:
    """Raises: NoStopDistance, if entry and stop are the same price."""
    if entry == stop:
        raise NoStopDistance(f"Entry and stop are both {entry}. Move the stop.", field="stop")
    return "long" if stop < entry else "short"


def check_sides(
    direction: Direction, *, entry: Decimal, worst_entry: Decimal, stop: Decimal, target: Decimal
) -> None:
    """Stop on the losing side of both entries, target on the winning side of the plan's entry.

    Raises: PlanImpossible (a price that is none), NoStopDistance, WrongSide.
    """
    lines = {"entry": entry, "worst_entry": worst_entry, "stop": stop, "target": target}
    for field, price in lines.items():
        if not price.is_finite() or price <= 0:
            raise PlanImpossible(f"The {field} is {price}. Give a price above 0.", field=field)
    if stop in (entry, worst_entry):
        raise NoStopDistance(f"Entry and stop are both {stop}. Move the stop.", field="stop")
    long = direction == "long"
    below, above = ("below", "above") if long else ("above", "below")
    if long != (stop < min(entry, worst_entry)) or long != (stop < max(entry, worst_entry)):
        raise WrongSide(
            f"The stop {stop} of a {direction} must lie {below} its entry {entry}. "
            f"Move the stop {below} the entry.",
            field="stop",
        )
    if target == entry or long != (target > entry):
        raise WrongSide(
            f"The target {target} of a {direction} must lie {above} its entry {entry}. "
            f"Move the target {above} the entry.",
            field="target",
        )
    if worst_entry != entry and long != (worst_entry > entry):
        raise WrongSide(
            f"The worst entry {worst_entry} of a {direction} must not be better than its entry "
            f"{entry}. Move the entry to {worst_entry}.",
            field="entry",
        )


def loss_per_unit(
    direction: Direction, entry: Decimal, stop: Decimal, costs: Costs
) -> tuple[Decimal, Decimal]:
    """The loss of one unit of base bought (or sold) at `entry` and closed at `stop`.

    PROTOCOL 1.1. Long: fee in quote (E-S) + fE*E + fS*S + slip; in the bought coin
    E - (1-fE)(1-fS)*S + slip. Short: fee in quote (S-E) + fE*E + fS*S + slip; in the coin on the
    buy-back S/(1-fS) - (1-fE)*E + slip.
    """
    with localcontext(EXACT):
        return exact_loss(direction, entry, stop, costs, costs.slippage)


def profit_per_unit(
    direction: Direction, entry: Decimal, target: Decimal, stop: Decimal, costs: Costs
) -> tuple[Decimal, Decimal, Decimal]:
    """Net profit at the target and planned loss at the stop, both per unit from the plan's entry,
    without slippage, and the divisor both share."""
    with localcontext(EXACT):
        risked, per = exact_loss(direction, entry, stop, costs, ZERO)
        lost, _ = exact_loss(direction, entry, target, costs, ZERO)  # a win is a loss below zero
        return -lost, risked, per


def exact_loss(
    direction: Direction, entry: Decimal, exit: Decimal, costs: Costs, slippage: Decimal
) -> tuple[Decimal, Decimal]:
    """`loss_per_unit` for callers that are in the EXACT context already."""
    if not costs.fee_in_base:
        distance = entry - exit if direction == "long" else exit - entry
        return distance + costs.entry * entry + costs.exit * exit + slippage, ONE
    kept_in, kept_out = ONE - costs.entry, ONE - costs.exit
    if direction == "long":
        return entry - kept_in * kept_out * exit + slippage, ONE
    return exit - kept_out * (kept_in * entry - slippage), kept_out


def target_for(
    reward_to_risk: Decimal,
    *,
    direction: Direction,
    entry: Decimal,
    stop: Decimal,
    costs: Costs,
    tick: Decimal,
) -> Decimal | None:
    """The nearest target on the tick that nets `reward_to_risk` R; None where no price does
    (a short cannot win more than its whole price)."""
    long = direction == "long"
    rough = Context(prec=60, rounding=ROUND_CEILING if long else ROUND_FLOOR)
    with localcontext(EXACT):
        risked, _ = exact_loss(direction, entry, stop, costs, ZERO)
        wanted = reward_to_risk * risked  # per unit, times `per`
        kept_in, kept_out = ONE - costs.entry, ONE - costs.exit
        if long and costs.fee_in_base:
            price = rough.divide(wanted + entry, kept_in * kept_out)
        elif long:
            price = rough.divide(wanted + entry * (ONE + costs.entry), kept_out)
        elif costs.fee_in_base:
            price = kept_in * kept_out * entry - wanted
        else:
            price = rough.divide(entry * kept_in - wanted, ONE + costs.exit)
        price = ceil_to_tick(price, tick) if long else floor_to_tick(price, tick)
        return price if price > 0 else None
