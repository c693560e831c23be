"""What a loss breaker can be, and its way back in words. `risk.breaker` moves it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from risk.protocol import RECOVERY_R, RECOVERY_TRADES, TradingState
from risk.symbols import ZERO
from risk.verdicts import EXITS_GO_ON, when
from risk.wording import plain


class Cause(StrEnum):
    DAY_LOSS = "day_loss"  # re-arms at the reset
    WEEK_LOSS = "week_loss"  # re-arms at the week's reset
    HEAT = "heat"  # ends when heat is below its limit again
    LOSING_STREAK = "losing_streak"  # 24 h, then half-open at half size until proven
    STOP_OUTS = "stop_outs"  # its pause
    DRAWDOWN = "drawdown"  # step-up + reason + 24 h, which re-bases the peak
    CHAIN = "chain"  # the decision log's chain is broken: an operator
    OPERATOR = "operator"  # the kill switch
    RECONCILIATION = "reconciliation"  # a managed position is not at the exchange: a person looks


HALTING = frozenset({Cause.DRAWDOWN, Cause.CHAIN, Cause.OPERATOR, Cause.RECONCILIATION})
BY_A_PERSON = HALTING  # nothing else may be ended early: a limit is not talked away
RELEASE_WAIT = timedelta(hours=24)  # of a drawdown, from its opening
TITLES = {
    Cause.DAY_LOSS: "Daily loss",
    Cause.WEEK_LOSS: "Weekly loss",
    Cause.HEAT: "Portfolio heat",
    Cause.LOSING_STREAK: "Losing streak",
    Cause.STOP_OUTS: "Stop-outs",
    Cause.DRAWDOWN: "Drawdown",
    Cause.CHAIN: "Decision log",
    Cause.OPERATOR: "Operator's stop",
    Cause.RECONCILIATION: "Reconciliation",
}


class Phase(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """One cause on one account, as stored."""

    cause: Cause
    phase: Phase = Phase.CLOSED
    opened_at: datetime | None = None
    until: datetime | None = None  # when it moves on by itself; None: only by a person
    reason: str = ""
    recovered_r: Decimal = ZERO  # since it became half-open
    recovered_trades: int = 0  # in-plan trades since it became half-open


def trading_state(breakers: Iterable[Breaker]) -> TradingState:
    """HALTED by any open halting cause, REDUCING by any other open one, else ACTIVE."""
    causes = {breaker.cause for breaker in breakers if breaker.phase is Phase.OPEN}
    if causes & HALTING:
        return "halted"
    return "reducing" if causes else "active"


def way_back(breaker: Breaker) -> str:
    """How this breaker ends, in sentences; empty while it is closed."""
    if breaker.phase is Phase.CLOSED:
        return ""
    if breaker.phase is Phase.HALF_OPEN:
        r_left = plain(max(RECOVERY_R - breaker.recovered_r, ZERO))
        left = RECOVERY_TRADES - breaker.recovered_trades
        trades = "one more trade" if left == 1 else f"{left} trades"
        return (
            f"Trades are at half size until they have made {r_left}R more, or until {trades} kept "
            "to the plan without a loss. A loss pauses them for another 24 hours."
        )
    return f"{_open_way_back(breaker)} {EXITS_GO_ON}"


def _open_way_back(breaker: Breaker) -> str:
    until = when(breaker.until)
    match breaker.cause:
        case Cause.DAY_LOSS:
            return f"New trades are taken again after the daily reset{until}."
        case Cause.WEEK_LOSS:
            return f"New trades are taken again after the weekly reset{until}."
        case Cause.HEAT:
            return (
                "New trades are taken again when less is at risk: close a position, tighten a "
                "stop or cancel a pending entry."
            )
        case Cause.LOSING_STREAK:
            return f"The pause ends{until or ' 24 hours after the last loss'}; then at half size."
        case Cause.STOP_OUTS:
            return f"The pause ends{until or ' by itself'}."
        case Cause.DRAWDOWN:
            ripe = breaker.opened_at + RELEASE_WAIT if breaker.opened_at else None
            return (
                f"Resume{when(ripe, 'from') or ' after 24 hours'} with your password and a reason. "
                "The peak then starts again from that moment."
            )
        case Cause.RECONCILIATION:
            return (
                "Look at the account on the exchange. When its positions are there, or closed "
                "here, resume with your password and a reason."
            )
        case Cause.CHAIN:
            return "An operator must repair the decision log, then resume with a reason."
        case _:
            return "Whoever stopped it resumes, with the password and a reason."
