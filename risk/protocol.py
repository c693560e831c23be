"""The Testudo Protocol's figures and the frozen values its rules read. Pure.

Fractions are of equity (0.01 is 1 %), money is in the account's reporting currency, prices in the
quote asset. Limits a trader may tighten carry a default and a cap nobody may exceed.
"""

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

from risk.sizing import Costs, Direction, Sizing
from risk.symbols import ZERO, Symbol
from risk.wording import plain

# Raised by one whenever a rule, a default or a cap changes: decision records carry it.
RULES_VERSION = "1"

TradingState = Literal["active", "reducing", "halted"]

# The protocol's own thresholds: no trader's to set.
ADVICE_RISK = Decimal("0.02")  # above: advice
ACKNOWLEDGED_RISK = Decimal("0.03")  # above: the trader must acknowledge it (Tharp)
SMALLEST_RISK = Decimal("0.005")  # below: advice only
MIN_STOP_FRACTION = Decimal("0.001")  # of the entry
MIN_STOP_TICKS = 3
MIN_STOP_SPREADS = 3
MAX_STOP_FRACTION = Decimal("0.15")
MAX_DRIFT_R = Decimal("0.25")
MAX_MARKET_AGE = timedelta(seconds=5)
STREAK_PAUSE = timedelta(hours=24)
RECOVERY_SHARE = Decimal("0.5")  # half size after a losing streak's pause
POSITIONS_PER_SYMBOL = 1
WARN_SHARE = Decimal("0.8")  # of a limit used: say so


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """A trader's own limits, within the caps. The defaults are the protocol's.

    Raises: ValueError, naming the limit, for anything beyond its cap, NaN and infinity included.
    """

    max_risk: Decimal = Decimal("0.01")  # per trade, fees in
    max_heat: Decimal = Decimal("0.03")
    max_day_loss: Decimal = Decimal("0.03")
    min_reward_to_risk: Decimal = Decimal("2.0")  # net
    max_positions: int = 5
    max_losing_streak: int = 3
    max_trades_a_day: int = 10

    def __post_init__(self) -> None:
        for name, (least, most) in CAPS.items():
            value = getattr(self, name)
            known = not isinstance(value, Decimal) or value.is_finite()
            if not known or not least <= value <= most:
                raise ValueError(
                    f"{name} is {value}: the protocol allows {least} to {most}. "
                    "Choose a value in that range."
                )


# name: (least, most); the caps stand on the loose side, sanity on the other.
CAPS: dict[str, tuple[Any, Any]] = {
    "max_risk": (Decimal("0.0001"), Decimal("0.06")),
    "max_heat": (Decimal("0.0001"), Decimal("0.10")),
    "max_day_loss": (Decimal("0.0001"), Decimal("0.05")),
    "min_reward_to_risk": (Decimal("1.0"), Decimal("100")),
    "max_positions": (1, 8),
    "max_losing_streak": (1, 3),
    "max_trades_a_day": (1, 20),
}
DEFAULTS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One drawn trade, sized, with the market it was drawn on."""

    symbol: Symbol
    direction: Direction
    entry: Decimal
    worst_entry: Decimal
    stop: Decimal
    target: Decimal
    risk_fraction: Decimal  # of equity, as asked for
    sizing: Sizing
    costs: Costs
    bid: Decimal  # best prices now
    ask: Decimal
    price: Decimal  # the price now, of the same kind as `quoted_price`
    quoted_price: Decimal | None = None  # the price the trader saw; None while previewing
    market_age: timedelta | None = None  # since the stream was last proved alive; None: unknown

    @property
    def risk(self) -> Decimal:
        """The worst planned loss: what the plan adds to heat."""
        return self.sizing.worst_loss


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """An account at one moment, in running totals: nothing here grows with the positions."""

    at: datetime  # the moment it was read
    currency: str
    equity: Decimal  # quote balances + managed positions at mark
    cash: Decimal  # free quote balance, reservations taken off
    day_start_equity: Decimal  # the higher of balance and equity at the day's start
    heat: Decimal = ZERO  # risk at the stops from the entries, pending entries at full plan risk
    open_risk: Decimal = ZERO  # from the mark to the stops, exit fees in
    pending_risk: Decimal = ZERO  # plan risk of entries not yet filled
    open_positions: int = 0  # pending entries count
    positions_in_symbol: int = 0  # in the plan's symbol, pending entries count
    losing_streak: int = 0  # losses in a row, the latest included
    streak_until: datetime | None = None  # end of the pause after the streak's last loss
    trades_today: int = 0
    day_ends_at: datetime | None = None  # the account's next reset
    state: TradingState = "active"
    state_reason: str = ""
    reconciled: bool = True  # False until the start-up or reconnect reconciliation is done
    shorts_allowed: bool = False  # False on spot
    algo_orders: int = 0  # open STOP_LOSS*/TAKE_PROFIT* orders of the plan's symbol
    orders: int = 0  # all open orders of the plan's symbol
    order_lists: int = 0  # open lists of the plan's symbol


class Effect(StrEnum):
    BLOCK = "block"  # no new risk; exits go on
    ADVISE = "advise"  # a warning; see Verdict.needs_acknowledgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One rule's answer. `margin` is the room left, negative where the rule is broken."""

    code: str  # stable: for tests, logs and acknowledgements
    title: str
    measured: Decimal
    limit: Decimal
    margin: Decimal
    unit: str  # the currency, "R", "positions", ...
    ok: bool
    effect: Effect
    message: str
    needs_acknowledgement: bool = False  # an advice that must be acknowledged to go on

    def as_dict(self) -> dict[str, Any]:
        """For JSON: figures as plain strings."""
        facts = dataclasses.asdict(self)
        for name in ("measured", "limit", "margin"):
            facts[name] = plain(facts[name])
        facts["effect"] = self.effect.value
        return facts
