"""The rules about the account: how many positions and trades, and whether it may take new risk.
Pure.

Run by `rules.check`; see there.
"""

from decimal import Decimal

from risk.protocol import POSITIONS_PER_SYMBOL, Book, Effect, Limits, Plan, Verdict
from risk.verdicts import EXITS_GO_ON, at_most, when


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
        excess=f"{book.open_positions} of {limits.max_positions} positions are taken. "
        "Close one, or cancel a pending entry, first.",
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
        excess=f"{plan.symbol.name} already has a position or a pending entry. Close or cancel it "
        "first, or trade another symbol.",
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
        excess=f"{book.trades_today} trades were placed today, of {limits.max_trades_a_day}. "
        f"Wait for the reset{when(book.day_ends_at)}. {EXITS_GO_ON}",
    )


def trading_state(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """ACTIVE takes new risk; REDUCING and HALTED do not. Exits go on in all three."""
    names = {"active": "Trading is active.", "reducing": "reducing only", "halted": "halted"}
    ok = book.state == "active"
    reason = f": {book.state_reason}" if book.state_reason else ""
    return _switch(
        code="trading_state",
        title="Trading state",
        ok=ok,
        message=names["active"]
        if ok
        else f"This account is {names[book.state]}{reason}. No new risk until it is active again. "
        f"{EXITS_GO_ON}",
    )


def reconciliation(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """No entries until the account agrees with the exchange again."""
    return _switch(
        code="reconciliation",
        title="In step with the exchange",
        ok=book.reconciled,
        message="The account agrees with the exchange."
        if book.reconciled
        else "The account is being compared with the exchange. Try again in a moment. "
        f"{EXITS_GO_ON}",
    )


def _switch(*, code: str, title: str, ok: bool, message: str) -> Verdict:
    measured = Decimal(int(ok))
    return Verdict(
        code=code,
        title=title,
        measured=measured,
        limit=Decimal(1),
        margin=measured - 1,
        unit="",
        ok=ok,
        effect=Effect.BLOCK,
        message=message,
    )
