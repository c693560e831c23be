"""The rules of the Testudo Protocol: what a plan may do to an account. Pure.

Each rule is a small function from frozen values to a `Verdict`; it never raises and never scans.
All of them always run, so that the trader sees every reason at once. Exits are not asked: whatever
the verdicts, closing, tightening a stop and cancelling an entry always pass.
Source: the Protocol, section 2; each docstring says its row.
"""

from collections.abc import Callable, Container, Iterable
from decimal import localcontext

from risk.account_rules import (
    open_positions,
    reconciliation,
    symbol_position,
    trades_today,
    trading_state,
)
from risk.loss_rules import (
    daily_loss,
    large_risk,
    losing_streak,
    portfolio_heat,
    recovery_size,
    smallest_risk,
    trade_risk,
)
from risk.market_rules import (
    cash,
    direction_allowed,
    exchange_filters,
    market_data,
    price_drift,
    reward_to_risk,
    stop_distance,
    stop_side,
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
    trade_risk,
    large_risk,
    smallest_risk,
    reward_to_risk,
    portfolio_heat,
    daily_loss,
    losing_streak,
    recovery_size,
    open_positions,
    symbol_position,
    trades_today,
    trading_state,
    reconciliation,
    cash,
    exchange_filters,
    market_data,
    price_drift,
)


def check(plan: Plan, book: Book, limits: Limits) -> tuple[Verdict, ...]:
    """Run every rule, in order. See `may_proceed` for what the verdicts allow."""
    with localcontext(EXACT):
        return tuple(rule(plan, book, limits) for rule in RULES)


def may_proceed(verdicts: Iterable[Verdict], *, acknowledged: Container[str]) -> bool:
    """No failed verdict blocks, and each advice that needs it was acknowledged by its code."""
    return all(
        v.ok
        or (v.effect is Effect.ADVISE and (not v.needs_acknowledgement or v.code in acknowledged))
        for v in verdicts
    )
