"""A trader's own limits: defaults, caps, and which way is tighter. Pure.

Fractions are of equity (0.01 is 1 %). Source: the Protocol, section 2.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from risk.wording import percent, plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """A trader's own limits, within the caps. The defaults are the protocol's.

    Raises: ValueError, naming the limit, for anything beyond its cap, NaN and infinity included.
    """

    max_risk: Decimal = Decimal("0.01")  # per trade, fees in
    max_heat: Decimal = Decimal("0.03")
    max_day_loss: Decimal = Decimal("0.03")
    max_week_loss: Decimal = Decimal("0.06")
    max_drawdown: Decimal = Decimal("0.10")  # from the peak NAV
    min_reward_to_risk: Decimal = Decimal("2.0")  # net
    max_spread_share: Decimal = Decimal("0.10")  # of the distance to the stop
    max_slippage_r: Decimal = Decimal("0.10")  # expected slippage of the entry, in R
    max_positions: int = 5
    max_losing_streak: int = 3
    max_trades_a_day: int = 10
    max_stop_outs: int = 4  # in 24 hours
    stop_out_pause_hours: int = 4
    symbol_cooldown_minutes: int = 30  # after a loss in the symbol
    lock_losing_symbols: bool = False  # -2R over the last 4 trades of a symbol: 24 h without it
    lock_losing_setups: bool = False  # likewise for a setup tag

    def __post_init__(self) -> None:
        for name, (least, most) in CAPS.items():
            value = getattr(self, name)
            # A float or a text has no place here, nor has True where a number is meant.
            known = type(value) is type(least) or (type(value) is int and type(least) is Decimal)
            if known and isinstance(value, Decimal):
                known = value.is_finite()
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
    "max_week_loss": (Decimal("0.0001"), Decimal("0.08")),
    "max_drawdown": (Decimal("0.0001"), Decimal("0.10")),
    "min_reward_to_risk": (Decimal("1.0"), Decimal("100")),
    "max_spread_share": (Decimal("0.0001"), Decimal("0.33")),
    "max_slippage_r": (Decimal("0.0001"), Decimal("0.5")),
    "max_positions": (1, 8),
    "max_losing_streak": (1, 3),
    "max_trades_a_day": (1, 20),
    "max_stop_outs": (1, 20),
    "stop_out_pause_hours": (1, 168),
    "symbol_cooldown_minutes": (0, 10_080),
    "lock_losing_symbols": (False, True),
    "lock_losing_setups": (False, True),
}
DEFAULTS = Limits()

# Which way a limit gets stricter. Whoever adds a limit must say so here.
TIGHTER: dict[str, Literal["lower", "higher"]] = {
    name: "higher"
    if name
    in {
        "min_reward_to_risk",
        "stop_out_pause_hours",
        "symbol_cooldown_minutes",
        "lock_losing_symbols",
        "lock_losing_setups",
    }
    else "lower"
    for name in CAPS
}

PRESETS: dict[str, Limits] = {
    "conservative": Limits(
        max_risk=Decimal("0.005"),
        max_heat=Decimal("0.02"),
        max_day_loss=Decimal("0.02"),
        max_week_loss=Decimal("0.04"),
        max_drawdown=Decimal("0.06"),
        max_positions=3,
        max_losing_streak=2,
        max_trades_a_day=5,
        max_stop_outs=3,
        stop_out_pause_hours=12,
        symbol_cooldown_minutes=120,
        lock_losing_symbols=True,
    ),
    "standard": DEFAULTS,
}


def is_tighter(name: str, wanted: Any, current: Any) -> bool:
    """Whether `wanted` is stricter than, or the same as, `current`."""
    return bool(wanted <= current if TIGHTER[name] == "lower" else wanted >= current)


def split_change(current: Limits, wanted: Mapping[str, Any]) -> tuple[Limits, dict[str, Any]]:
    """What of a wish acts at once (tighter), and what must wait (looser).

    Returns: the limits with every tightening in, and the loosenings by name.
    Raises: ValueError, naming the limit, for a wish beyond its cap; KeyError for an unknown name.
    """
    dataclasses.replace(current, **wanted)  # within the caps, or nothing of it is taken
    at_once = {n: v for n, v in wanted.items() if is_tighter(n, v, getattr(current, n))}
    waiting = {n: v for n, v in wanted.items() if n not in at_once}
    return dataclasses.replace(current, **at_once), waiting


# Loosening: the Protocol's last row.

LOOSENING_WAIT = timedelta(hours=24)
DRAWDOWN_SHARE = Decimal("0.5")  # of its limit: a trader deeper down loosens nothing
RESET_ZONE = "reset_zone"  # the account's, changed like any limit, in either direction


def earliest(asked_at: datetime, next_reset: datetime) -> datetime:
    """The first moment a loosening asked for then can take effect: 24 hours later, and not before
    the account's next reset."""
    return max(asked_at + LOOSENING_WAIT, next_reset)


def may_loosen(
    *,
    asked_at: datetime,
    now: datetime,
    day_resets_since: int,
    drawdown: Decimal,
    limit_drawdown: Decimal,
    open_positions: int,
) -> tuple[bool, tuple[str, ...]]:
    """Whether a loosening takes effect now, and else all it still waits for, in sentences.

    24 hours and the next reset must have passed (`day_resets_since` the asking: one or more); then
    the drawdown from the peak NAV must be at most half of its limit, the one in force, and no
    position or pending entry open. A change of the reset zone waits likewise.
    """
    waits = []
    if now < asked_at + LOOSENING_WAIT:
        waits.append(f"24 hours since it was asked for: {_moment(asked_at + LOOSENING_WAIT)}.")
    if day_resets_since < 1:
        waits.append("The account's next daily reset.")
    if not drawdown <= limit_drawdown * DRAWDOWN_SHARE:
        waits.append(
            f"A drawdown of at most {_percent(limit_drawdown * DRAWDOWN_SHARE)}, half of its "
            f"limit; it is {_percent(drawdown)}."
        )
    if open_positions:
        some = "1 is" if open_positions == 1 else f"{open_positions} are"
        waits.append(f"No open position or pending entry; {some} open.")
    return not waits, tuple(waits)


# What a limit is called, for people.


@dataclass(frozen=True, slots=True)
class Description:
    """A limit's name and unit on a page, and what it does in one sentence."""

    title: str
    unit: str  # "of equity", "R", "positions", ... ; empty for a switch
    text: str


_DESCRIPTIONS = {
    "max_risk": Description("Risk per trade", "of equity", "The most one trade may lose, fees in."),
    "max_heat": Description(
        "Portfolio heat", "of equity", "The most all open trades and pending entries may lose."
    ),
    "max_day_loss": Description(
        "Daily loss",
        "of the day's first equity",
        "The most a day may lose, open and planned risk in. No new trades beyond it.",
    ),
    "max_week_loss": Description(
        "Weekly loss",
        "of the week's first equity",
        "The most a week may lose, open and planned risk in. No new trades beyond it.",
    ),
    "max_drawdown": Description(
        "Drawdown", "of the peak", "Trading halts when the account is so far below its peak."
    ),
    "min_reward_to_risk": Description(
        "Reward to risk", "R", "The least a target must pay, net of fees."
    ),
    "max_spread_share": Description(
        "Spread", "of the stop distance", "The widest spread a trade may start in."
    ),
    "max_slippage_r": Description(
        "Slippage", "R", "How much worse than the best price an entry may fill."
    ),
    "max_positions": Description("Open positions", "positions", "Pending entries count."),
    "max_losing_streak": Description(
        "Losing streak",
        "losses in a row",
        "After so many, a pause of 24 hours, then half size until proven.",
    ),
    "max_trades_a_day": Description("Trades a day", "trades", "Placed between two resets."),
    "max_stop_outs": Description("Stop-outs", "in 24 hours", "After so many, a pause."),
    "stop_out_pause_hours": Description(
        "Pause after stop-outs", "hours", "How long no new trade is taken."
    ),
    "symbol_cooldown_minutes": Description(
        "Cooldown of a symbol", "minutes", "No new trade in a symbol so soon after a loss in it."
    ),
    "lock_losing_symbols": Description(
        "Lock losing symbols", "", "A symbol that lost 2R over four trades rests for 24 hours."
    ),
    "lock_losing_setups": Description(
        "Lock losing setups", "", "A setup that lost 2R over four trades rests for 24 hours."
    ),
    RESET_ZONE: Description(
        "Reset zone", "", "The time zone whose midnight begins the account's day."
    ),
}


def describe(name: str) -> Description:
    """Raises: KeyError, for a limit that does not exist."""
    return _DESCRIPTIONS[name]


def said(name: str, value: Any) -> str:
    """A limit's value as people say it: `1 % of equity`, `5 positions`, `on`."""
    unit = describe(name).unit
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Decimal) and unit.startswith("of "):
        return f"{_percent(value)} {unit}"
    text = plain(value) if isinstance(value, Decimal) else str(value)
    return f"{text} {unit}".rstrip()


def _percent(fraction: Decimal) -> str:
    return percent(fraction, Decimal(1))


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
