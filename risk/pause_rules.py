"""The rules about when to stop for a while: streaks, stop-outs, a symbol that just lost. Pure.

Run by `rules.check`; see there. When each pause ends is found by `risk.pauses`.
"""

from decimal import Decimal

from risk.loss_rules import lower_to
from risk.protocol import RECOVERY_SHARE, Book, Effect, Limits, Plan, Verdict
from risk.symbols import ZERO
from risk.verdicts import EXITS_GO_ON, at_most, idle, waits, when


def losing_streak(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Consecutive losses: a pause of 24 h after the last of them. The margin is how many more
    losses the streak can take."""
    recovering = _recovering(book, limits)
    streak, most = book.losing_streak, limits.max_losing_streak
    ok = streak < most or recovering
    return Verdict(
        code="losing_streak",
        title="Losing streak",
        measured=Decimal(streak),
        limit=Decimal(most),
        margin=ZERO if recovering else Decimal(most - 1 - streak),
        unit="losses in a row",
        ok=ok,
        effect=Effect.BLOCK,
        message=f"{streak} of {most} losses in a row."
        if ok
        else f"{streak} losses in a row. Wait: new trades pause"
        + (when(book.streak_until, "until") or " for 24 hours after the last loss")
        + f", then start again at half size. {EXITS_GO_ON}",
    )


def recovery_size(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """After a losing streak's pause: half size, until +1R or two in-plan trades."""
    code, title = "recovery_size", "Half size after a streak"
    if not _recovering(book, limits):
        return idle(code, title, "No streak to recover from.", book.currency)
    allowed = book.equity * limits.max_risk * RECOVERY_SHARE
    return at_most(
        code=code,
        title=title,
        measured=plan.risk,
        limit=allowed,
        unit=book.currency,
        room="Within half size.",
        excess=lambda: (
            "After a losing streak trades are at half size until they have made 1R, or two kept "
            f"to the plan without a loss. {lower_to(allowed, book)}."
        ),
    )


def _recovering(book: Book, limits: Limits) -> bool:
    """The streak's breaker is half-open, or is about to be: its pause is over by the clock, and no
    sweep has seen it yet. A pause that began again, with a loss at half size, holds."""
    if book.losing_streak < limits.max_losing_streak:
        return book.half_size
    if book.streak_until is None:
        return book.half_size
    return book.at >= book.streak_until


def stop_outs(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Stop-outs in a window: a pause after too many within 24 hours."""
    return waits(
        code="stop_outs",
        title="Stop-outs",
        until=book.stop_outs_until,
        at=book.at,
        over=f"{book.stop_outs} of {limits.max_stop_outs} stop-outs in 24 hours.",
        wait=lambda: (
            f"Stopped out {book.stop_outs} times in 24 hours. "
            f"Wait{when(book.stop_outs_until, 'until')}. {EXITS_GO_ON}"
        ),
    )


def symbol_cooldown(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """No new trade in a symbol so soon after a loss in it."""
    return waits(
        code="symbol_cooldown",
        title="Cooldown of the symbol",
        until=book.symbol_cooldown_until,
        at=book.at,
        over=f"No loss in {plan.symbol.name} a moment ago.",
        wait=lambda: (
            f"{plan.symbol.name} lost a moment ago. "
            f"Wait{when(book.symbol_cooldown_until, 'until')}, or trade another symbol."
        ),
    )


def symbol_lock(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """A symbol that lost 2R over its last four trades rests for 24 hours, where the trader wishes
    so."""
    locked = book.symbol_locked_until if limits.lock_losing_symbols else None
    return waits(
        code="symbol_lock",
        title="Losing symbol",
        until=locked,
        at=book.at,
        over="Losing symbols are not locked."
        if not limits.lock_losing_symbols
        else f"{plan.symbol.name} is not locked.",
        wait=lambda: (
            f"{plan.symbol.name} lost 2R or more over its last four trades. "
            f"Wait{when(locked, 'until')}, or trade another symbol."
        ),
    )


def setup_lock(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """The same for a setup, by the trader's own tag. The book says what is locked: the tag itself
    is a person's words and decides nothing here, so that a record replays without it."""
    locked = book.setup_locked_until if limits.lock_losing_setups else None
    return waits(
        code="setup_lock",
        title="Losing setup",
        until=locked,
        at=book.at,
        over="Losing setups are not locked."
        if not limits.lock_losing_setups
        else "The setup is not locked.",
        wait=lambda: (
            f"{plan.setup or 'This setup'} lost 2R or more over its last four trades. "
            f"Wait{when(locked, 'until')}, or trade another setup."
        ),
    )
