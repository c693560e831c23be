"""The rules about the account: how many positions and trades, and how much they may be worth. Pure.

Run by `rules.check`; see there.
"""

from decimal import Decimal

from risk.protocol import MAX_LEVERAGE, POSITIONS_PER_SYMBOL, Book, Limits, Plan, Verdict
from risk.symbols import ZERO
from risk.verdicts import EXITS_GO_ON, at_most, when
from risk.wording import money_down, money_up, plain


def open_positions(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Open positions, pending entries and this plan in."""
    count = book.open_positions + 1
    return at_most(
        code="open_positions",
        title="Open positions",
        measured=Decimal(count),
        limit=Decimal(limits.max_positions),
        unit="positions",
        room=f"This would be position {count} of {limits.max_positions}.",
        excess=lambda: (
            f"{book.open_positions} of {limits.max_positions} positions are taken. "
            "Close one, or cancel a pending entry, first."
        ),
    )


def symbol_position(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Risk per symbol: one position."""
    return at_most(
        code="symbol_position",
        title="One position per symbol",
        measured=Decimal(book.positions_in_symbol + 1),
        limit=Decimal(POSITIONS_PER_SYMBOL),
        unit="positions",
        room=f"No other position in {plan.symbol.name}.",
        excess=lambda: (
            f"{plan.symbol.name} already has a position or a pending entry. Close or cancel it "
            "first, or trade another symbol."
        ),
    )


def trades_today(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Trades a day, this plan in."""
    count = book.trades_today + 1
    return at_most(
        code="trades_today",
        title="Trades a day",
        measured=Decimal(count),
        limit=Decimal(limits.max_trades_a_day),
        unit="trades",
        room=f"This would be trade {count} of {limits.max_trades_a_day} today.",
        excess=lambda: (
            f"{book.trades_today} trades were placed today, of {limits.max_trades_a_day}. "
            f"Wait for the reset{when(book.day_ends_at)}. {EXITS_GO_ON}"
        ),
    )


def leverage(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Leverage: gross exposure, the plan at its worst entry in, at most the equity. Spot lends
    nothing."""
    exposure = book.exposure + plan.sizing.notional
    allowed = max(book.equity, ZERO) * MAX_LEVERAGE
    return at_most(
        code="leverage",
        title="Leverage",
        measured=exposure,
        limit=allowed,
        unit=book.currency,
        room=f"{money_down(allowed - exposure)} {book.currency} more could be held.",
        excess=lambda: (
            f"Positions worth {money_up(exposure)} {book.currency} would be more than "
            f"{plain(MAX_LEVERAGE)} times the equity. Lower the risk, move the stop further away, "
            "or close a position first."
        ),
    )
