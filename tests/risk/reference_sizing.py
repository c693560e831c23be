"""A second implementation of sizing, in fractions, written from the Protocol's text alone.

It shares no line and no formula-simplification with `risk`: it tells the story of a trade (what is
paid, what arrives, what the exits order), and looks for the largest size by asking every condition
of a whole number of steps. Slow and plain on purpose.
"""

import math
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, kw_only=True)
class Trade:
    """Everything that decides a size, as fractions."""

    long: bool
    entry: Fraction  # the worst entry
    stop: Fraction
    target: Fraction
    budget: Fraction
    cash: Fraction
    fee_in: Fraction
    fee_out: Fraction
    slip: Fraction
    paid_in: str  # "quote", "coin", "bnb"
    held: Fraction = Fraction(0)
    wanted: Fraction | None = None  # another model's wish
    ceiling: Fraction | None = None  # money
    step: Fraction = Fraction(1)
    exit_step: Fraction = Fraction(1)
    most: Fraction | None = None  # LOT_SIZE
    market_most: Fraction | None = None
    notional_most: Fraction | None = None
    notional_most_for_exits: bool = False
    position_most: Fraction | None = None
    base_most: Fraction | None = None
    quote_most: Fraction | None = None
    least: Fraction = Fraction(0)
    market_least: Fraction = Fraction(0)
    notional_least: Fraction = Fraction(0)
    notional_least_for_exits: bool = True

    def exit_quantity(self, bought: Fraction) -> Fraction:
        """What stop and target order."""
        if self.long:
            arrived = bought * (1 - self.fee_in) if self.paid_in == "coin" else bought
            return arrived // self.exit_step * self.exit_step
        owed = bought / (1 - self.fee_out) if self.paid_in == "coin" else bought
        return -(-owed // self.exit_step) * self.exit_step

    def lost(self, size: Fraction) -> Fraction:
        """What is lost when the stop is hit, coins left over counted at its price."""
        if self.long:
            paid = size * self.entry
            coins = size
            if self.paid_in == "coin":
                coins = size - size * self.fee_in
            else:
                paid += size * self.entry * self.fee_in
            got = coins * self.stop
            got -= got * self.fee_out
            return paid - got + size * self.slip
        got = size * self.entry
        got -= got * self.fee_in
        if self.paid_in == "coin":
            paid = size / (1 - self.fee_out) * self.stop
        else:
            paid = size * self.stop * (1 + self.fee_out)
        return paid - got + size * self.slip

    def allowed(self, size: Fraction) -> bool:
        """Whether no maximum is broken."""
        cost = size * self.entry
        if self.paid_in == "quote":
            cost += size * self.entry * self.fee_in
        # A long's exit counts whole: the fee may have been taken from coins held before.
        leaving = size if self.long else self.exit_quantity(size)
        dearest_exit = leaving * max(self.stop, self.target)
        return all(
            (
                self.lost(size) <= self.budget,
                self.ceiling is None or self.lost(size) <= self.ceiling,
                self.wanted is None or size <= self.wanted,
                cost <= self.cash,
                self.most is None or max(size, leaving) <= self.most,
                self.market_most is None or leaving <= self.market_most,
                self.notional_most is None or size * self.entry <= self.notional_most,
                self.notional_most is None
                or not self.notional_most_for_exits
                or dearest_exit <= self.notional_most,
                self.position_most is None or self.held + size <= self.position_most,
                self.base_most is None or max(size, leaving) <= self.base_most,
                self.quote_most is None or max(size * self.entry, dearest_exit) <= self.quote_most,
            )
        )

    def largest(self) -> Fraction:
        """The largest whole number of steps that breaks no maximum."""
        low, high = 0, 1
        while self.allowed(high * self.step):
            low, high = high, high * 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.allowed(middle * self.step) else (low, middle)
        return low * self.step

    def placeable(self, size: Fraction) -> bool:
        """Whether entry, stop and target clear every minimum."""
        leaving = self.exit_quantity(size)
        smallest = max(self.least, self.step)
        exits = not self.notional_least_for_exits or all(
            leaving * price >= self.notional_least for price in (self.stop, self.target)
        )
        return (
            size >= smallest
            and size * self.entry >= self.notional_least
            and leaving >= smallest
            and leaving >= self.market_least
            and exits
        )

    def size(self) -> Fraction:
        """The quantity to order; 0 where it could not be placed with its exits."""
        size = self.largest()
        return size if self.placeable(size) else Fraction(0)


def whole_steps(quantity: Fraction, step: Fraction) -> int:
    """How many steps a quantity is. Raises: AssertionError, where it is not whole steps."""
    steps = quantity / step
    assert steps == math.floor(steps), f"{quantity} is not in steps of {step}"
    return math.floor(steps)
