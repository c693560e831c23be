"""The Testudo Protocol's figures and the frozen values its rules read. Pure.

Fractions are of equity (0.01 is 1 %), money is in the account's reporting currency, prices in the
quote asset. Limits a trader may tighten carry a default and a cap nobody may exceed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

from risk.limits import CAPS, DEFAULTS, Limits
from risk.part_targets import PartTarget
from risk.sizing import Costs, Direction, Sizing
from risk.symbols import ZERO, Symbol
from risk.wording import plain

# Raised by one whenever a rule, a default or a cap changes: decision records carry it.
RULES_VERSION = "3"

__all__ = [
    "CAPS",
    "DEFAULTS",
    "RULES_VERSION",
    "Book",
    "Effect",
    "Limits",
    "Plan",
    "TraderTotals",
    "TradingState",
    "Verdict",
]

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
MAX_ACCOUNT_AGE = timedelta(seconds=30)
MAX_CLOCK_ERROR = timedelta(milliseconds=250)  # of the offset to exchange time, or a jump of it
MAX_UNPROTECTED = timedelta(seconds=3)  # then it is flattened; 5 s at most, all in all
MAX_LEVERAGE = Decimal(1)  # spot
BRACKET_ORDERS = 3  # an entry with both exits, as one list
BRACKET_ALGO_ORDERS = 2  # its STOP_LOSS and TAKE_PROFIT
STREAK_PAUSE = timedelta(hours=24)
RECOVERY_SHARE = Decimal("0.5")  # half size after a losing streak's pause
RECOVERY_R = Decimal(1)  # made at half size: the streak is over
RECOVERY_TRADES = 2  # or so many trades that kept to the plan, none of them a loss
POSITIONS_PER_SYMBOL = 1
WARN_SHARE = Decimal("0.8")  # of a limit used: say so


_PLAN_FIGURES = (
    "entry", "worst_entry", "stop", "target", "risk_fraction", "bid", "ask", "price",
)  # fmt: skip
_SIZING_FIGURES = ("quantity", "notional", "budget", "worst_loss")
_SIGNED_TOTALS = ("equity", "day_start_equity", "week_start_equity", "day_flows", "week_flows")
_SIGNED_FIGURES = ("equity", "cash", "day_start_equity", "day_flows", "week_flows")
_RISKS = ("heat", "open_risk", "pending_risk", "drawdown")
_COUNTS = (
    "open_positions", "positions_in_symbol", "losing_streak", "stop_outs", "trades_today",
    "algo_orders", "orders", "order_lists", "account_algo_orders", "account_orders",
    "account_order_lists",
)  # fmt: skip


def _refuse_what_is_no_number(
    owner: object, names: tuple[str, ...], *, least: Decimal | None = None
) -> None:
    """NaN compares with nothing and a float lies: neither may reach a rule."""
    for name in names:
        figure = getattr(owner, name)
        if not isinstance(figure, Decimal) or not figure.is_finite():
            raise ValueError(f"{name} is {figure!r}: give a finite Decimal.")
        if least is not None and figure < least:
            raise ValueError(f"{name} is {figure}: give {least} or more.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One drawn trade, sized, with the market it was drawn on.

    Raises: ValueError, naming the field, for a figure that is no finite Decimal.
    """

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
    setup: str = ""  # the trader's tag, for the lock of a losing setup
    position: Decimal = ZERO  # base asset held or being bought already (MAX_POSITION)
    # Bounds of the averages that PERCENT_PRICE and PRICE_RANGE compare with; None: not known,
    # `price` stands.
    average_low: Decimal | None = None
    average_high: Decimal | None = None
    targets: tuple[PartTarget, ...] = ()  # nearer ones, each with its share; `target` is the last

    def __post_init__(self) -> None:
        _refuse_what_is_no_number(self, _PLAN_FIGURES)
        if self.quoted_price is not None:
            _refuse_what_is_no_number(self, ("quoted_price",))
        _refuse_what_is_no_number(self.sizing, _SIZING_FIGURES, least=ZERO)

    @property
    def risk(self) -> Decimal:
        """The worst planned loss: what the plan adds to heat."""
        return self.sizing.worst_loss


@dataclass(frozen=True, slots=True, kw_only=True)
class TraderTotals:
    """All live accounts of one trader in one reporting currency, summed: the last wall. This
    account is one of them.

    Raises: ValueError, as `Book`.
    """

    equity: Decimal
    day_start_equity: Decimal
    week_start_equity: Decimal
    heat: Decimal = ZERO
    open_risk: Decimal = ZERO
    pending_risk: Decimal = ZERO
    day_flows: Decimal = ZERO
    week_flows: Decimal = ZERO
    drawdown: Decimal = ZERO  # fraction, from the peak of the summed NAV

    def __post_init__(self) -> None:
        _refuse_what_is_no_number(self, _SIGNED_TOTALS)
        _refuse_what_is_no_number(self, _RISKS, least=ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """An account at one moment, in running totals: nothing here grows with the positions.

    Raises: ValueError, naming the field, for a figure that is no finite Decimal, and for a risk or
    a count below 0: it would make room that is not there.
    """

    at: datetime  # the moment it was read
    currency: str
    equity: Decimal  # quote balances + managed positions at mark
    cash: Decimal  # free quote balance, reservations taken off
    # The higher of balance and equity at the start of the day and week: no deposit refreshes it.
    day_start_equity: Decimal
    week_start_equity: Decimal | None = None  # None: the day's
    day_flows: Decimal = ZERO  # deposits less withdrawals since then
    week_flows: Decimal = ZERO
    heat: Decimal = ZERO  # risk at the stops from the entries, pending entries at full plan risk
    open_risk: Decimal = ZERO  # from the mark to the stops, exit fees in
    pending_risk: Decimal = ZERO  # plan risk of entries not yet filled
    exposure: Decimal = ZERO  # gross notional at mark, pending entries in
    drawdown: Decimal = ZERO  # fraction, from the peak NAV
    open_positions: int = 0  # pending entries count
    positions_in_symbol: int = 0  # in the plan's symbol, pending entries count
    losing_streak: int = 0  # losses in a row, the latest included
    streak_until: datetime | None = None  # end of the pause after the streak's last loss
    half_size: bool = False  # the streak's breaker is half-open: recovery at half size
    stop_outs: int = 0  # in the window
    stop_outs_until: datetime | None = None  # end of their pause, where one runs
    symbol_cooldown_until: datetime | None = None  # after a loss in the plan's symbol
    symbol_locked_until: datetime | None = None  # -2R over four trades of the plan's symbol
    setup_locked_until: datetime | None = None  # of the plan's setup
    trades_today: int = 0
    day_ends_at: datetime | None = None  # the account's next reset
    week_ends_at: datetime | None = None
    state: TradingState = "active"
    state_reason: str = ""
    state_until: datetime | None = None  # when it ends by itself; None: it does not
    reconciled: bool = True  # False until the start-up or reconnect reconciliation is done
    account_age: timedelta | None = timedelta(0)  # since its stream was proved alive; None: unknown
    clock_uncertainty: timedelta | None = timedelta(0)  # RTT/2 of the last look; None: unknown
    clock_jump: timedelta = timedelta(0)  # between the last two looks
    exchange_breaker: Literal["closed", "open", "half_open"] = "closed"
    exchange_retry_at: datetime | None = None
    order_room: int | None = None  # orders the exchange still takes in its window; None: unknown
    shorts_allowed: bool = False  # False on spot
    algo_orders: int = 0  # open STOP_LOSS*/TAKE_PROFIT* orders of the plan's symbol
    orders: int = 0  # all open orders of the plan's symbol
    order_lists: int = 0  # open lists of the plan's symbol
    account_algo_orders: int = 0  # the same of all symbols (EXCHANGE_MAX_NUM_*)
    account_orders: int = 0
    account_order_lists: int = 0
    trader: TraderTotals | None = None  # None: a paper account, or the trader's only one

    def __post_init__(self) -> None:
        _refuse_what_is_no_number(self, _SIGNED_FIGURES)
        _refuse_what_is_no_number(self, (*_RISKS, "exposure"), least=ZERO)
        if self.week_start_equity is not None:
            _refuse_what_is_no_number(self, ("week_start_equity",))
        for name in _COUNTS:
            if type(getattr(self, name)) is not int or getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}: give a count of 0 or more.")


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
        return {
            "code": self.code,
            "title": self.title,
            "measured": plain(self.measured),
            "limit": plain(self.limit),
            "margin": plain(self.margin),
            "unit": self.unit,
            "ok": self.ok,
            "effect": self.effect.value,
            "message": self.message,
            "needs_acknowledgement": self.needs_acknowledgement,
        }
