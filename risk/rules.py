"""The rules of the Testudo Protocol: what a plan may do to an account. Pure.

Each rule is a small function from frozen values to a `Verdict`; it never raises and never scans.
All of them always run, so that the trader sees every reason at once. Exits are not asked: whatever
the verdicts, closing, tightening a stop and cancelling an entry always pass.
Source: the Protocol, section 2; each docstring says its row.
"""

from collections.abc import Callable, Container, Iterable
from decimal import localcontext
from typing import Any, cast

from risk.account_rules import leverage, open_positions, symbol_position, trades_today
from risk.drawing_rules import direction_allowed, reward_to_risk, stop_distance, stop_side
from risk.filter_rules import exchange_filters, stop_range
from risk.health_rules import (
    account_data,
    clock,
    exchange_health,
    market_data,
    order_rate,
    reconciliation,
    trading_state,
)
from risk.loss_rules import (
    daily_loss,
    drawdown,
    large_risk,
    portfolio_heat,
    smallest_risk,
    trade_risk,
    weekly_loss,
)
from risk.market_rules import cash, price_drift, slippage, spread
from risk.pause_rules import (
    losing_streak,
    recovery_size,
    setup_lock,
    stop_outs,
    symbol_cooldown,
    symbol_lock,
)
from risk.protocol import (
    CAPS,
    DEFAULTS,
    RULES_VERSION,
    Book,
    Effect,
    Limits,
    Plan,
    TradingState,
    Verdict,
)
from risk.symbols import EXACT
from risk.trader_rules import (
    trader_daily_loss,
    trader_drawdown,
    trader_heat,
    trader_weekly_loss,
)

__all__ = [
    "CAPS",
    "DEFAULTS",
    "RULES",
    "RULES_VERSION",
    "Book",
    "Effect",
    "Limits",
    "Plan",
    "TradingState",
    "Verdict",
    "check",
    "may_proceed",
]

Rule = Callable[[Plan, Book, Limits], Verdict]

RULES: tuple[Rule, ...] = (
    stop_side,
    stop_distance,
    direction_allowed,
    reward_to_risk,
    trade_risk,
    large_risk,
    smallest_risk,
    recovery_size,
    portfolio_heat,
    daily_loss,
    weekly_loss,
    drawdown,
    losing_streak,
    stop_outs,
    symbol_cooldown,
    symbol_lock,
    setup_lock,
    open_positions,
    symbol_position,
    trades_today,
    trader_heat,
    trader_daily_loss,
    trader_weekly_loss,
    trader_drawdown,
    leverage,
    cash,
    exchange_filters,
    stop_range,
    spread,
    slippage,
    price_drift,
    market_data,
    account_data,
    clock,
    exchange_health,
    order_rate,
    reconciliation,
    trading_state,
)


def check(
    plan: Plan, book: Book, limits: Limits, *, rules: Iterable[Rule] = RULES
) -> tuple[Verdict, ...]:
    """Run every rule, in order. See `may_proceed` for what the verdicts allow."""
    with localcontext(EXACT):
        return tuple([rule(plan, book, limits) for rule in rules])


# What of a plan no size, stop or target moves. Costs and the worst entry follow the stop.
STANDING = frozenset(
    {
        "symbol", "direction", "entry", "bid", "ask", "price", "quoted_price", "market_age",
        "setup", "position", "average_low", "average_high",
    }
)  # fmt: skip


def unmoved(
    plan: Plan, book: Book, limits: Limits, *, rules: Iterable[Rule] = RULES
) -> frozenset[str]:
    """The codes of those rules whose verdict no size, stop or target of this plan can change.

    A rule is pure: what it answers, and which figures it looks at, follows from those it has looked
    at. One that looked at nothing a lever moves answers the same wherever the lever stands.
    """
    found = set()
    with localcontext(EXACT):
        for rule in rules:
            watched = Watched(plan)
            code = rule(cast(Plan, watched), book, limits).code
            if watched.seen <= STANDING:
                found.add(code)
    return frozenset(found)


class Watched:
    """A plan that notes which of its figures are looked at."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self.seen = plan, set[str]()

    def __getattr__(self, name: str) -> Any:
        self.seen.add(name)
        return getattr(self._plan, name)


def may_proceed(verdicts: Iterable[Verdict], *, acknowledged: Container[str]) -> bool:
    """No failed verdict blocks, and each advice that needs it was acknowledged by its code."""
    return all(
        v.ok
        or (v.effect is Effect.ADVISE and (not v.needs_acknowledgement or v.code in acknowledged))
        for v in verdicts
    )
