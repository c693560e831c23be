"""The account's loss breaker: closed, open, half-open; latched until a rule or a person ends it.

Pure. One breaker per cause; the account's trading state follows from all of them (PROTOCOL 2, R18).
Open blocks new risk only: cancels, stops, exits and reads stay allowed.

    closed --measured--> open --reset, pause over, heat gone--> closed
    streak: open --24 h--> half-open --+1R or two in-plan trades--> closed; a loss --> open
    drawdown, chain, operator: open --a person, with a reason--> closed
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from risk.breaker_states import (
    BY_A_PERSON,
    HALTING,
    RELEASE_WAIT,
    TITLES,
    Breaker,
    Cause,
    Phase,
    trading_state,
    way_back,
)
from risk.losses import day_lost, week_lost
from risk.protocol import RECOVERY_R, RECOVERY_TRADES, STREAK_PAUSE, Book, Limits
from risk.symbols import ZERO
from risk.wording import money_up, percent

__all__ = [
    "HALTING",
    "TITLES",
    "Breaker",
    "Cause",
    "MayNotClose",
    "Measured",
    "Phase",
    "after_close",
    "at_time",
    "closed_by_a_person",
    "measure",
    "opened",
    "settled",
    "trading_state",
    "way_back",
]


class Measured(NamedTuple):
    """What a book gives reason to open. `until` is when it ends by itself, where that is known."""

    cause: Cause
    reason: str
    until: datetime | None


class MayNotClose(Exception):
    """No person may end this breaker, or not yet. The message says what it waits for."""


def measure(book: Book, limits: Limits) -> tuple[Measured, ...]:
    """The causes that hold now, whatever the breakers say: see `opened`.

    A loss opens at its limit, heat above it. A streak is measured for as long as it lasts, its
    pause over or not: only a breaker that is closed opens by it.
    """
    found = []
    lost, base = day_lost(book)
    if lost > 0 and lost >= base * limits.max_day_loss:
        found.append(
            Measured(
                Cause.DAY_LOSS,
                _loss_reason("Today", lost, base, limits.max_day_loss, book),
                book.day_ends_at,
            )
        )
    lost, base = week_lost(book)
    if lost > 0 and lost >= base * limits.max_week_loss:
        found.append(
            Measured(
                Cause.WEEK_LOSS,
                _loss_reason("This week", lost, base, limits.max_week_loss, book),
                book.week_ends_at,
            )
        )
    if book.heat > max(book.equity, ZERO) * limits.max_heat:
        found.append(
            Measured(
                Cause.HEAT,
                f"{money_up(book.heat)} {book.currency} are at risk at the stops: "
                f"{percent(book.heat, book.equity)} of equity, above your "
                f"{_percent(limits.max_heat)}.",
                None,
            )
        )
    if book.losing_streak >= limits.max_losing_streak:
        found.append(
            Measured(
                Cause.LOSING_STREAK,
                f"{_losses(book.losing_streak)} in a row.",
                book.streak_until or book.at + STREAK_PAUSE,
            )
        )
    if book.stop_outs_until is not None and book.at < book.stop_outs_until:
        found.append(
            Measured(
                Cause.STOP_OUTS,
                f"Stopped out {book.stop_outs} times within 24 hours.",
                book.stop_outs_until,
            )
        )
    if book.drawdown >= limits.max_drawdown:
        found.append(
            Measured(
                Cause.DRAWDOWN,
                f"{_percent(book.drawdown)} below the peak, of {_percent(limits.max_drawdown)} "
                "allowed.",
                None,
            )
        )
    return tuple(found)


def opened(breaker: Breaker, *, reason: str, until: datetime | None, at: datetime) -> Breaker:
    """Open for this reason. An open one stays as it is, except that a later `until` holds longer;
    a half-open one is not opened by what was measured before: only a loss does (`after_close`)."""
    if breaker.phase is Phase.CLOSED:
        return Breaker(
            cause=breaker.cause, phase=Phase.OPEN, opened_at=at, until=until, reason=reason
        )
    if breaker.phase is Phase.OPEN and until and breaker.until and until > breaker.until:
        return replace(breaker, until=until)
    return breaker


def at_time(
    breaker: Breaker,
    *,
    now: datetime,
    day_began: datetime,
    week_began: datetime,
    measured: Collection[Cause],
) -> Breaker:
    """Where an open breaker stands once time has passed.

    `day_began`, `week_began`: the latest resets. `measured`: the causes that hold now, as
    `measure` names them; heat ends when it is not among them. Halting ones never end here.
    """
    if breaker.phase is not Phase.OPEN or breaker.opened_at is None:
        return breaker
    over = breaker.until is not None and now >= breaker.until
    ends = {
        Cause.DAY_LOSS: breaker.opened_at < day_began <= now,
        Cause.WEEK_LOSS: breaker.opened_at < week_began <= now,
        Cause.HEAT: Cause.HEAT not in measured,
        Cause.LOSING_STREAK: over,
        Cause.STOP_OUTS: over,
    }
    if not ends.get(breaker.cause, False):
        return breaker
    if breaker.cause is Cause.LOSING_STREAK:
        return replace(
            breaker, phase=Phase.HALF_OPEN, until=None, recovered_r=ZERO, recovered_trades=0
        )
    return Breaker(cause=breaker.cause)


def after_close(
    breaker: Breaker,
    *,
    r: Decimal | None,
    in_plan: bool,
    streak: int,
    limits: Limits,
    at: datetime,
) -> Breaker:
    """The streak's breaker after a trade closed at `at`; other causes pass unchanged.

    `r`: its R-multiple, None where it has none: it proves nothing. `streak`: losses in a row, this
    trade in. A loss in half-open opens it again, for another 24 hours.
    """
    if breaker.cause is not Cause.LOSING_STREAK:
        return breaker
    lost = r is not None and r < 0
    until = at + STREAK_PAUSE
    if breaker.phase is Phase.HALF_OPEN:
        if lost:
            return Breaker(
                cause=breaker.cause,
                phase=Phase.OPEN,
                opened_at=at,
                until=until,
                reason=f"A loss while trading at half size; {_losses(streak)} in a row.",
            )
        recovered = breaker.recovered_r + (r or ZERO)
        trades = breaker.recovered_trades + int(in_plan and r is not None)
        if recovered >= RECOVERY_R or trades >= RECOVERY_TRADES:
            return Breaker(cause=breaker.cause)
        return replace(breaker, recovered_r=recovered, recovered_trades=trades)
    if streak >= limits.max_losing_streak and (lost or r is None):
        return opened(breaker, reason=f"{_losses(streak)} in a row.", until=until, at=at)
    return breaker


def settled(
    breakers: Mapping[Cause, Breaker],
    book: Book,
    limits: Limits,
    *,
    day_began: datetime,
    week_began: datetime,
) -> dict[Cause, Breaker]:
    """All breakers of an account as they stand at `book.at`: time first, then what is measured.

    Stable: settling again at the same moment changes nothing. Causes without a row are closed.
    """
    found = {one.cause: one for one in measure(book, limits)}
    standing = {}
    for cause in Cause:
        breaker = breakers.get(cause, Breaker(cause=cause))
        moved = at_time(
            breaker, now=book.at, day_began=day_began, week_began=week_began, measured=found
        )
        if cause in found:
            _, reason, until = found[cause]
            moved = opened(moved, reason=reason, until=until, at=book.at)
            # A pause that was over before anyone looked.
            moved = at_time(
                moved, now=book.at, day_began=day_began, week_began=week_began, measured=found
            )
        standing[cause] = moved
    return standing


def closed_by_a_person(breaker: Breaker, *, now: datetime, reason: str) -> Breaker:
    """End a halting breaker: the caller has asked for the password again, and re-bases the peak
    after a drawdown (`risk.nav.rebased`).

    Raises: MayNotClose, where only a rule may end it, 24 hours are not over, or no reason is given.
    """
    if breaker.phase is Phase.CLOSED:
        return breaker
    if breaker.cause not in BY_A_PERSON:
        raise MayNotClose(way_back(breaker))
    if not reason.strip():
        raise MayNotClose("Give a reason: it is kept in the decision log.")
    opened_at = breaker.opened_at or now
    if breaker.cause is Cause.DRAWDOWN and now < opened_at + RELEASE_WAIT:
        raise MayNotClose(way_back(breaker))
    return Breaker(cause=breaker.cause)


def _loss_reason(span: str, lost: Decimal, base: Decimal, limit: Decimal, book: Book) -> str:
    return (
        f"{span} {money_up(lost)} {book.currency} were lost: {percent(lost, base)}, of "
        f"{_percent(limit)} allowed."
    )


def _losses(count: int) -> str:
    return "1 loss" if count == 1 else f"{count} losses"


def _percent(fraction: Decimal) -> str:
    return percent(fraction, Decimal(1))
