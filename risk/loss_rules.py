"""The rules about how much may be lost: per trade, at once, today and in a row. Pure.

Run by `rules.check`; see there.
"""

from decimal import Decimal

from risk.protocol import (
    ACKNOWLEDGED_RISK,
    ADVICE_RISK,
    RECOVERY_SHARE,
    SMALLEST_RISK,
    WARN_SHARE,
    Book,
    Effect,
    Limits,
    Plan,
    Verdict,
)
from risk.symbols import ZERO
from risk.verdicts import EXITS_GO_ON, at_most, when
from risk.wording import cents_down, cents_up, percent


def trade_risk(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Risk per trade, fees in: what was asked for stays within the trader's own limit."""
    asked = max(plan.sizing.budget, plan.risk)
    allowed = book.equity * limits.max_risk
    return at_most(
        code="trade_risk",
        title="Risk per trade",
        measured=asked,
        limit=allowed,
        unit=book.currency,
        room=f"At most {_money(plan.risk, book)} at risk, of {cents_down(allowed)} allowed "
        f"({percent(limits.max_risk, Decimal(1))} of equity).",
        excess=f"{percent(asked, book.equity)} of equity is above your "
        f"{percent(limits.max_risk, Decimal(1))}. Lower the risk to {cents_down(allowed)} "
        f"{book.currency} or less.",
    )


def large_risk(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Advice above 2 % of equity; above 3 % it must be acknowledged (Tharp)."""
    asked = max(plan.sizing.budget, plan.risk)
    allowed = book.equity * ADVICE_RISK
    severe = asked > book.equity * ACKNOWLEDGED_RISK
    line = ACKNOWLEDGED_RISK if severe else ADVICE_RISK
    if severe:
        allowed = book.equity * line
    return at_most(
        code="large_risk",
        title="Large risk",
        measured=asked,
        limit=allowed,
        unit=book.currency,
        effect=Effect.ADVISE,
        needs_acknowledgement=severe,
        room="A risk a losing streak can be survived with.",
        excess=f"{percent(asked, book.equity)} of equity on one trade is above "
        f"{percent(line, Decimal(1))}: a short losing streak would cost much of the account. "
        f"Lower the risk to {cents_down(allowed)} {book.currency}"
        + (", or acknowledge it to go on." if severe else "."),
    )


def smallest_risk(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Advice below 0.5 %: a floor must not stop a trader from scaling down after losses."""
    asked, least = plan.risk_fraction, min(SMALLEST_RISK, limits.max_risk)
    ok = asked >= least
    return Verdict(
        code="smallest_risk",
        title="Smallest risk",
        measured=asked,
        limit=least,
        margin=asked - least,
        unit="of equity",
        ok=ok,
        effect=Effect.ADVISE,
        message="Large enough for the fees not to matter most."
        if ok
        else f"{percent(asked, Decimal(1))} of equity is a small risk: fees weigh more, and "
        f"results say less. Risk {percent(least, Decimal(1))} unless you are scaling down.",
    )


def portfolio_heat(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Heat (risk at the stops, pending entries included) stays within the limit, this plan in."""
    heat, allowed = book.heat + plan.risk, book.equity * limits.max_heat
    return at_most(
        code="portfolio_heat",
        title="Portfolio heat",
        measured=heat,
        limit=allowed,
        unit=book.currency,
        room=f"{cents_down(allowed - heat)} {book.currency} of heat would be left."
        + _nearly(heat, allowed),
        excess=f"Lower the risk by {cents_up(heat - allowed)} {book.currency}"
        + (", or close a position first." if book.heat else "."),
    )


def daily_loss(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Daily loss, equity based: today's loss, open risk from the mark to the stops, pending plan
    risk and the new risk together stay within the limit, so that it holds if every stop is hit.

    Its base is the equity at the day's start, which no deposit refreshes."""
    lost = max(book.day_start_equity - book.equity, ZERO)
    used, allowed = (
        lost + book.open_risk + book.pending_risk + plan.risk,
        book.day_start_equity * limits.max_day_loss,
    )
    parts = (
        f"lost today {_money(lost, book)}, at risk in open positions "
        f"{_money(book.open_risk, book)}, in pending entries {_money(book.pending_risk, book)}, "
        f"in this plan {_money(plan.risk, book)}"
    )
    before = used - plan.risk
    if before >= allowed:
        way_out = f"Nothing new fits today. Wait for the reset{when(book.day_ends_at)}" + (
            ", or close a position first." if book.open_risk or book.pending_risk else "."
        )
    else:
        way_out = (
            f"Lower the risk by {cents_up(used - allowed)} to {cents_down(allowed - before)} "
            f"{book.currency}, or wait for the reset{when(book.day_ends_at)}."
        )
    return at_most(
        code="daily_loss",
        title="Daily loss",
        measured=used,
        limit=allowed,
        unit=book.currency,
        room=f"{cents_down(allowed - used)} {book.currency} of today's loss limit would be left if "
        f"every stop were hit.{_nearly(used, allowed)}",
        excess=f"Today's loss limit of {cents_down(allowed)} {book.currency} would be passed: "
        f"{parts}. {way_out} {EXITS_GO_ON}",
    )


def losing_streak(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Consecutive losses: a pause of 24 h after the last of them."""
    paused = book.losing_streak >= limits.max_losing_streak and not _recovering(book, limits)
    return Verdict(
        code="losing_streak",
        title="Losing streak",
        measured=Decimal(book.losing_streak),
        limit=Decimal(limits.max_losing_streak),
        margin=Decimal(limits.max_losing_streak - book.losing_streak),
        unit="losses in a row",
        ok=not paused,
        effect=Effect.BLOCK,
        message=f"{book.losing_streak} losses in a row. New trades pause"
        + (when(book.streak_until, "until") or " for 24 hours after the last loss")
        + f", then start again at half size. {EXITS_GO_ON}"
        if paused
        else f"{book.losing_streak} of {limits.max_losing_streak} losses in a row.",
    )


def recovery_size(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """After a losing streak's pause: half size, until the streak is broken."""
    recovering = _recovering(book, limits)
    allowed = book.equity * limits.max_risk * RECOVERY_SHARE
    return at_most(
        code="recovery_size",
        title="Half size after a streak",
        measured=plan.risk if recovering else ZERO,
        limit=allowed,
        unit=book.currency,
        room="Within half size." if recovering else "No streak to recover from.",
        excess=f"After {book.losing_streak} losses in a row trades are at half size until one wins."
        f" Lower the risk to {cents_down(allowed)} {book.currency}.",
    )


def _recovering(book: Book, limits: Limits) -> bool:
    """The streak's pause is over, and no win has ended the streak yet. An unknown end of the pause
    counts as not over."""
    over = book.streak_until is not None and book.at >= book.streak_until
    return book.losing_streak >= limits.max_losing_streak and over


def _money(amount: Decimal, book: Book) -> str:
    return f"{cents_up(amount)} {book.currency}"


def _nearly(used: Decimal, allowed: Decimal) -> str:
    if used < allowed * WARN_SHARE:
        return ""
    return f" {percent(used, allowed)} of the limit would be in use."
