"""The rules about how much may be lost: per trade, at once, today, this week, from the peak. Pure.

Run by `rules.check`; see there.
"""

from datetime import datetime
from decimal import Decimal

from risk.losses import day_lost, week_lost
from risk.protocol import (
    ACKNOWLEDGED_RISK,
    ADVICE_RISK,
    SMALLEST_RISK,
    WARN_SHARE,
    Book,
    Effect,
    Limits,
    Plan,
    Verdict,
)
from risk.symbols import ZERO
from risk.verdicts import EXITS_GO_ON, at_least, at_most, when
from risk.wording import money_down, money_up, percent

ONE = Decimal(1)


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
        room=f"At most {_money(plan.risk, book)} at risk, of {money_down(allowed)} allowed "
        f"({percent(limits.max_risk, ONE)} of equity).",
        excess=lambda: (
            (
                f"{percent(asked, book.equity)} of equity is above your "
                f"{percent(limits.max_risk, ONE)}. {lower_to(allowed, book)} or less."
            )
            if book.equity > ZERO
            else f"There is no equity to risk. {lower_to(allowed, book)}."
        ),
    )


def large_risk(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Advice above 2 % of equity; above 3 % it must be acknowledged (Tharp)."""
    asked = max(plan.sizing.budget, plan.risk)
    severe = asked > book.equity * ACKNOWLEDGED_RISK
    line = ACKNOWLEDGED_RISK if severe else ADVICE_RISK
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
        excess=lambda: (
            f"{percent(asked, book.equity)} of equity on one trade is above "
            f"{percent(line, ONE)}: a short losing streak would cost much of the account. "
            f"{lower_to(allowed, book)}" + (", or acknowledge it to go on." if severe else ".")
        ),
    )


def smallest_risk(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Advice below 0.5 %: a floor must not stop a trader from scaling down after losses."""
    asked, least = plan.risk_fraction, min(SMALLEST_RISK, limits.max_risk)
    return at_least(
        code="smallest_risk",
        title="Smallest risk",
        measured=asked,
        limit=least,
        unit="of equity",
        effect=Effect.ADVISE,
        room="Large enough for the fees not to matter most.",
        lack=lambda: (
            f"{percent(asked, ONE)} of equity is a small risk: fees weigh more, and results say "
            f"less. Risk {percent(least, ONE)} unless you are scaling down."
        ),
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
        room=f"{money_down(allowed - heat)} {book.currency} of heat would be left."
        + nearly(heat, allowed),
        excess=lambda: heat_way_out(book.heat, heat - allowed, allowed, book),
    )


def heat_way_out(before: Decimal, excess: Decimal, allowed: Decimal, book: Book) -> str:
    """What to do about too much heat; a smaller plan helps only where any would fit."""
    if before >= allowed:
        return (
            "Nothing new fits: close a position, tighten its stop, or cancel a pending entry first."
            if before
            else f"Nothing new fits. {lower_to(allowed, book)} first."
        )
    return f"Lower the risk by {money_up(excess)} {book.currency}" + (
        ", or close a position first." if before else "."
    )


def lower_to(allowed: Decimal, book: Book) -> str:
    """The amount that would pass; where none would, there is no equity."""
    if allowed > ZERO:
        return f"Lower the risk to {money_down(allowed)} {book.currency}"
    return f"Free or deposit {book.currency}"


def daily_loss(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Daily loss, equity based: today's loss, open risk from the mark to the stops, pending plan
    risk and the new risk together stay within the limit, so that it holds if every stop is hit.

    Its base is the equity at the day's start, which no deposit refreshes."""
    lost, base = day_lost(book)
    return loss_within(
        plan,
        book,
        code="daily_loss",
        title="Daily loss",
        span="today",
        lost=lost,
        allowed=base * limits.max_day_loss,
        reset="reset",
        ends_at=book.day_ends_at,
        risks=(book.open_risk, book.pending_risk),
    )


def weekly_loss(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Weekly loss, counted as the daily one, from the equity at the week's start."""
    lost, base = week_lost(book)
    return loss_within(
        plan,
        book,
        code="weekly_loss",
        title="Weekly loss",
        span="this week",
        lost=lost,
        allowed=base * limits.max_week_loss,
        reset="weekly reset",
        ends_at=book.week_ends_at,
        risks=(book.open_risk, book.pending_risk),
    )


def loss_within(
    plan: Plan,
    book: Book,
    *,
    code: str,
    title: str,
    span: str,  # "today", "this week"
    lost: Decimal,
    allowed: Decimal,
    reset: str,
    ends_at: datetime | None,
    risks: tuple[Decimal, Decimal],  # open, pending
    whose: str = "",  # "of all live accounts"
) -> Verdict:
    """The shape of every loss limit; a refusal names what fills it."""
    open_risk, pending_risk = risks
    used = lost + open_risk + pending_risk + plan.risk
    limit_of = ("Today's" if span == "today" else "This week's") + " loss limit" + whose

    def excess() -> str:
        before = used - plan.risk
        wait = f"ait for the {reset}{when(ends_at)}"
        if before >= allowed:
            way_out = f"Nothing new fits {span}. W{wait}" + (
                ", or close a position first." if open_risk or pending_risk else "."
            )
        else:
            way_out = (
                f"Lower the risk by {money_up(used - allowed)} to {money_down(allowed - before)} "
                f"{book.currency}, or w{wait}."
            )
        return (
            f"{limit_of} of {money_down(allowed)} {book.currency} would be passed: lost {span} "
            f"{_money(lost, book)}, at risk in open positions {_money(open_risk, book)}, in "
            f"pending entries {_money(pending_risk, book)}, in this plan "
            f"{_money(plan.risk, book)}. {way_out} {EXITS_GO_ON}"
        )

    return at_most(
        code=code,
        title=title,
        measured=used,
        limit=allowed,
        unit=book.currency,
        room=f"{money_down(allowed - used)} {book.currency} of {limit_of[0].lower()}{limit_of[1:]} "
        f"would be left if every stop were hit.{nearly(used, allowed)}",
        excess=excess,
    )


def drawdown(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Drawdown from the peak NAV: reaching the limit halts the account."""
    return drawdown_below(
        book.drawdown,
        limits.max_drawdown,
        code="drawdown",
        title="Drawdown",
        way_out="24 hours after it was halted, resume with your password and a reason.",
    )


def drawdown_below(
    fraction: Decimal, limit: Decimal, *, code: str, title: str, way_out: str
) -> Verdict:
    """Unlike most limits this one may not be reached: at it, the margin is 0 and it refuses."""
    ok = fraction < limit
    return Verdict(
        code=code,
        title=title,
        measured=fraction,
        limit=limit,
        margin=limit - fraction,
        unit="of the peak",
        ok=ok,
        effect=Effect.BLOCK,
        message=f"{percent(fraction, ONE)} below the peak, of {percent(limit, ONE)}."
        + nearly(fraction, limit, "is")
        if ok
        else f"{percent(fraction, ONE)} below the peak: {percent(limit, ONE)} halts new trades. "
        f"{way_out} {EXITS_GO_ON}",
    )


def nearly(used: Decimal, allowed: Decimal, verb: str = "would be") -> str:
    """A warning where 80 % of a limit is in use; else nothing."""
    if used < allowed * WARN_SHARE or used <= ZERO:
        return ""
    return f" {percent(used, allowed)} of the limit {verb} in use."


def _money(amount: Decimal, book: Book) -> str:
    return f"{money_up(amount)} {book.currency}"
