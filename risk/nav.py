"""Net asset value in units: performance apart from deposits and withdrawals (PROTOCOL 1.3). Pure.

A deposit buys units at the NAV of its moment, a withdrawal sells them: neither moves the NAV, so
neither hides a drawdown nor makes one. Money is in the account's reporting currency.
"""

from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Context, Decimal

from risk.symbols import ZERO

PLACES = Decimal("1E-18")  # what the database keeps
START = Decimal(1)
_NEAR = Context(prec=60, rounding=ROUND_HALF_EVEN)
_UP = Context(prec=60, rounding=ROUND_CEILING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nav:
    """An account's units and what one is worth, as stored. Begins at 1."""

    units: Decimal = ZERO
    nav: Decimal = START  # equity / units, as last marked
    peak: Decimal = START  # the highest NAV, or the one it was re-based to

    @property
    def drawdown(self) -> Decimal:
        """The fraction below the peak, rounded up: never flattering."""
        if self.nav >= self.peak:
            return ZERO
        return _UP.divide(self.peak - self.nav, self.peak).quantize(PLACES, context=_UP)


def begin(equity: Decimal) -> Nav:
    """The first mark of an account: one unit for each unit of money."""
    return Nav(units=max(equity, ZERO))


def marked(before: Nav, equity: Decimal) -> Nav:
    """The NAV at this equity, and the peak where it is a new one.

    Equity below 0 counts as 0. Money in an account without units (before its first mark, or one
    emptied by a withdrawal) buys units at the last NAV: it is a deposit nobody told us of.
    """
    equity = max(equity, ZERO)
    if before.units <= ZERO:
        return _bought(before, equity)
    nav = _NEAR.divide(equity, before.units).quantize(PLACES, context=_NEAR)
    return replace(before, nav=nav, peak=max(before.peak, nav))


def after_flow(before: Nav, *, equity_before: Decimal, amount: Decimal) -> Nav:
    """A deposit (amount above 0) or a withdrawal (below 0) at the equity of the moment before it.

    A withdrawal of more than there is takes all units. After a total loss a unit is worth nothing
    and none can be bought: a deposit then begins a new series; what the loss opened stays open.
    """
    now = marked(before, equity_before)
    if amount >= ZERO:
        return _bought(now, amount)
    if now.nav <= ZERO:
        return now
    sold = _NEAR.divide(-amount, now.nav).quantize(PLACES, context=_NEAR)
    return replace(now, units=max(now.units - sold, ZERO))


def rebased(before: Nav) -> Nav:
    """The peak set to the NAV of this moment: how a drawdown's halt is released. Logged by the
    caller. A NAV of 0 begins again with the next deposit."""
    return replace(before, peak=before.nav) if before.nav > ZERO else before


def _bought(before: Nav, amount: Decimal) -> Nav:
    if before.nav <= ZERO:
        return begin(amount) if amount > ZERO else before
    bought = _NEAR.divide(amount, before.nav).quantize(PLACES, context=_NEAR)
    return replace(before, units=before.units + bought)
