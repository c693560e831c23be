"""R: what a trade risked when its entry completed, and what it brought in that measure. Pure.

Definitions: PROTOCOL 1.1. Prices and money are in the quote asset, quantities in the base asset.
An exit of everything received, exactly at the stop, is exactly -1R, wherever the fees are taken.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext

from risk.costs import Costs, Direction, loss_per_unit
from risk.symbols import ZERO

PLACES = Decimal("1E-18")  # as stored; finer digits only arise from divisions
_WIDE = Context(prec=120, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill as the exchange reports it, with its fee where it was taken.

    `fee_quote` also carries a fee in a third coin (BNB), at its value in quote at that moment.
    """

    price: Decimal
    quantity: Decimal  # base asset, before any fee
    fee_quote: Decimal = ZERO
    fee_base: Decimal = ZERO

    @property
    def fee(self) -> Decimal:
        """In quote: a fee taken in the coin counts at its value."""
        return self.fee_quote + self.fee_base * self.price

    @property
    def net_quantity(self) -> Decimal:
        """After a fee taken in the coin."""
        return self.quantity - self.fee_base


def initial_risk(
    *,
    direction: Direction,
    entries: Sequence[Execution],
    stop: Decimal,
    exit_fee: Decimal,
    exit_fee_in_base: bool = False,
) -> Decimal:
    """R0: the loss of everything received, if it exits at `stop` for the rate `exit_fee`.

    `exit_fee_in_base` matters to shorts only: their buy-back then needs the fee on top. Fix the
    result when the entry completes; moved stops never touch it. Rounded at 18 decimals.

    Raises: ValueError, without entries or where nothing is at risk: R is undefined then.
    """
    if not entries:
        raise ValueError("A trade without entries has no R.")
    sign = 1 if direction == "long" else -1
    with localcontext(_WIDE):
        risk = ZERO
        for entry in entries:
            received = entry.net_quantity
            leaving = stop * received * exit_fee
            if direction == "short" and exit_fee_in_base:
                leaving /= 1 - exit_fee
            risk += received * sign * (entry.price - stop) + entry.fee + leaving
        if not risk > 0:
            raise ValueError(f"Nothing is at risk with the stop at {stop}: R is undefined.")
        return risk.quantize(PLACES)


def planned_risk(
    *, direction: Direction, entry: Decimal, stop: Decimal, quantity: Decimal, costs: Costs
) -> Decimal:
    """Planned R0: as `initial_risk`, at the plan's entry, before slippage."""
    without_slippage = dataclasses.replace(costs, slippage=ZERO)
    loss, per = loss_per_unit(direction, entry, stop, without_slippage)
    with localcontext(_WIDE):
        return (loss * quantity / per).quantize(PLACES)


def net_profit(
    *,
    direction: Direction,
    entries: Sequence[Execution],
    exits: Sequence[Execution],
    funding: Decimal = ZERO,
) -> Decimal:
    """Sum of d * q_j * (x_j - e_avg) over the exits, less all fees and the funding paid. Quote
    asset, rounded at 18 decimals.

    Raises: ValueError, for a trade that received nothing.
    """
    with localcontext(_WIDE):
        fees = sum((execution.fee for execution in (*entries, *exits)), ZERO)
        return (_gross(direction, entries, exits) - fees - funding).quantize(PLACES)


def r_multiple(
    *,
    direction: Direction,
    entries: Sequence[Execution],
    exits: Sequence[Execution],
    initial_risk: Decimal,
    funding: Decimal = ZERO,
) -> Decimal:
    """What a trade brought, in R: partial exits have one numerator and one denominator.

    Raises: ValueError, where R or the profit is undefined.
    """
    profit = net_profit(direction=direction, entries=entries, exits=exits, funding=funding)
    return r_of(profit, initial_risk)


def r_of(profit: Decimal, initial_risk: Decimal) -> Decimal:
    """A net profit in R, rounded at 18 decimals.

    Raises: ValueError, where the initial risk is not above 0: R is undefined, not infinite.
    """
    if not initial_risk.is_finite() or initial_risk <= 0:
        raise ValueError(f"With an initial risk of {initial_risk}, R is undefined.")
    with localcontext(_WIDE):
        return (profit / initial_risk).quantize(PLACES)


def _gross(
    direction: Direction, entries: Sequence[Execution], exits: Sequence[Execution]
) -> Decimal:
    received = sum((entry.net_quantity for entry in entries), ZERO)
    if received <= 0:
        raise ValueError("A trade that received nothing has no profit.")
    spent = sum((entry.price * entry.net_quantity for entry in entries), ZERO)
    returned = sum((_returned(direction, exit) for exit in exits), ZERO)
    earned = sum((exit.price * _returned(direction, exit) for exit in exits), ZERO)
    # q_j * (x_j - e_avg), summed; the only division last, so that a whole exit is exact
    cost = spent if returned == received else spent * returned / received
    return earned - cost if direction == "long" else cost - earned


def _returned(direction: Direction, exit: Execution) -> Decimal:
    """A long sells its whole quantity; a short returns what a fee in the coin leaves."""
    return exit.quantity if direction == "long" else exit.net_quantity
