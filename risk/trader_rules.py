"""The last wall: the caps over all live accounts of one trader together. Pure.

Heat, daily and weekly loss and drawdown as fractions of their summed equity, by the protocol's caps
only: no trader may set these. Run by `rules.check`; see there.
"""

from decimal import Decimal

from risk.loss_rules import drawdown_below, heat_way_out, loss_within, nearly
from risk.losses import day_lost, week_lost
from risk.protocol import CAPS, Book, Limits, Plan, Verdict
from risk.verdicts import at_most, idle
from risk.wording import money_down

HEAT_CAP: Decimal = CAPS["max_heat"][1]
DAY_CAP: Decimal = CAPS["max_day_loss"][1]
WEEK_CAP: Decimal = CAPS["max_week_loss"][1]
DRAWDOWN_CAP: Decimal = CAPS["max_drawdown"][1]

ALONE = "No other live account counts with this one."
ALL = " of all your live accounts"


def trader_heat(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Heat of all live accounts, this plan in."""
    code, title, trader = "trader_heat", "Heat, all accounts", book.trader
    if trader is None:
        return idle(code, title, ALONE, book.currency)
    heat, allowed = trader.heat + plan.risk, trader.equity * HEAT_CAP
    return at_most(
        code=code,
        title=title,
        measured=heat,
        limit=allowed,
        unit=book.currency,
        room=f"{money_down(allowed - heat)} {book.currency} of the heat{ALL} would be left."
        + nearly(heat, allowed),
        excess=lambda: (
            f"The heat{ALL} would pass {money_down(allowed)} {book.currency}. "
            + heat_way_out(trader.heat, heat - allowed, allowed, book)
        ),
    )


def trader_daily_loss(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Daily loss of all live accounts, counted as the account's own."""
    code, title, trader = "trader_daily_loss", "Daily loss, all accounts", book.trader
    if trader is None:
        return idle(code, title, ALONE, book.currency)
    lost, base = day_lost(trader)
    return loss_within(
        plan,
        book,
        code=code,
        title=title,
        span="today",
        lost=lost,
        allowed=base * DAY_CAP,
        reset="reset",
        ends_at=book.day_ends_at,
        risks=(trader.open_risk, trader.pending_risk),
        whose=ALL,
    )


def trader_weekly_loss(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Weekly loss of all live accounts."""
    code, title, trader = "trader_weekly_loss", "Weekly loss, all accounts", book.trader
    if trader is None:
        return idle(code, title, ALONE, book.currency)
    lost, base = week_lost(trader)
    return loss_within(
        plan,
        book,
        code=code,
        title=title,
        span="this week",
        lost=lost,
        allowed=base * WEEK_CAP,
        reset="weekly reset",
        ends_at=book.week_ends_at,
        risks=(trader.open_risk, trader.pending_risk),
        whose=ALL,
    )


def trader_drawdown(plan: Plan, book: Book, limits: Limits) -> Verdict:
    """Drawdown of the summed NAV of all live accounts."""
    code, title, trader = "trader_drawdown", "Drawdown, all accounts", book.trader
    if trader is None:
        return idle(code, title, ALONE, "of the peak")
    return drawdown_below(
        trader.drawdown,
        DRAWDOWN_CAP,
        code=code,
        title=title,
        way_out="All your live accounts together are so far down: wait until they have recovered, "
        "or until the halt of the one that fell is released.",
    )
