"""The size models: how much each would trade by itself, before the protocol caps it. Pure.

Percent risk is the default. Percent volatility, units per sum and equal units are Van Tharp's other
models (PROTOCOL 1.1); fixed money risks the same sum each time. Whatever a model asks for,
`sizing.size` gives at most what loses one R at the stop.

Prices and money are in the quote asset, quantities in the base asset.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from itertools import pairwise
from typing import Literal, NamedTuple

from risk.bounds import Share
from risk.costs import ONE, Costs, Direction, PlanImpossible, loss_per_unit
from risk.sizing import Model
from risk.symbols import EXACT, ZERO
from risk.wording import plain

FIELD = "size_model"  # what a refusal names
PRICE_PLACES = Decimal("1E-18")
MOST_PERIOD = 200
_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)

CeilingName = Literal["kelly", "half_kelly", "quarter_kelly", "optimal_f"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeModel:
    """A model with its own figures; those of other models stay at their defaults.

    Raises: PlanImpossible (field "size_model"), for a figure that is missing or makes no sense.
    """

    name: Model = "percent_risk"
    money: Decimal | None = None  # fixed_money: what to risk, quote
    sum: Decimal | None = None  # units_per_sum: one unit for each such sum of equity
    unit: Decimal = ONE  # units_per_sum: what one unit is, base asset
    units: int | None = None  # equal_units: into how many equal parts the equity goes
    volatility_fraction: Decimal | None = None  # percent_volatility: of equity; None: the risk's
    atr_multiple: Decimal = ONE  # percent_volatility: k
    atr_period: int = 14
    atr_interval: str = "1h"
    ceiling: CeilingName | None = None

    def __post_init__(self) -> None:
        needed = {"fixed_money": "money", "units_per_sum": "sum", "equal_units": "units"}
        if (name := needed.get(self.name)) and getattr(self, name) is None:
            raise _refused(f"{self.name} needs {name}. Give it as a string above 0.")
        for name in ("money", "sum", "unit", "volatility_fraction", "atr_multiple"):
            figure = getattr(self, name)
            if figure is not None and not (figure.is_finite() and figure > 0):
                raise _refused(f"{name} is {figure}. Give a number above 0.")
        if self.volatility_fraction is not None and self.volatility_fraction > 1:
            raise _refused(
                f"volatility_fraction is {self.volatility_fraction}. Give a fraction up to 1; 0.01 "
                "is 1 %."
            )
        if self.units is not None and self.units < 1:
            raise _refused(f"units is {self.units}. Give a whole number from 1.")
        if not 1 <= self.atr_period <= MOST_PERIOD:
            raise _refused(f"atr_period is {self.atr_period}. Give 1 to {MOST_PERIOD}.")


class Range(NamedTuple):
    """A candle, as far as its true range needs it."""

    high: Decimal
    low: Decimal
    close: Decimal


def wanted_quantity(
    model: SizeModel,
    *,
    direction: Direction,
    entry: Decimal,
    stop: Decimal,
    equity: Decimal,
    risk_fraction: Decimal,
    costs: Costs,
    atr: Decimal | None = None,
) -> Share | None:
    """What the model alone would trade, as `(amount, per)`; None for percent risk, whose wish is
    the budget itself.

    `entry` is the worst entry. Percent volatility sizes by a stop k average true ranges away,
    whatever the drawn one: B / (k*ATR + fE*E + fS*(E - d*k*ATR) + slip), fees as in quote.

    Raises: PlanImpossible (field "size_model").
    """
    with localcontext(EXACT):
        match model.name:
            case "percent_risk":
                return None
            case "fixed_money":
                loss, per = loss_per_unit(direction, entry, stop, costs)
                return _given(model.money) * per, loss
            case "units_per_sum":
                return max(equity, ZERO) // _given(model.sum) * model.unit, ONE
            case "equal_units":
                return max(equity, ZERO), _given(model.units) * entry
            case "percent_volatility":
                swing = model.atr_multiple * _positive(atr)
                away = entry - swing if direction == "long" else entry + swing
                if away <= 0:
                    raise _refused(
                        f"{plain(model.atr_multiple)} average true ranges are {plain(swing)}, more "
                        f"than the price {plain(entry)}. Lower atr_multiple or atr_interval."
                    )
                fraction = model.volatility_fraction or risk_fraction
                return (
                    max(equity, ZERO) * fraction,
                    swing + costs.entry * entry + costs.exit * away + costs.slippage,
                )


def average_true_range(candles: Sequence[Range], period: int) -> Decimal:
    """Wilder's average true range over closed candles, oldest first; quote, 18 decimals.

    The true range is the largest of high - low, |high - close before| and |low - close before|. The
    first average is plain, over `period` ranges; each later candle moves it by a `period`-th.

    Raises: ValueError, for fewer than `period` + 1 candles.
    Source: J. Welles Wilder, New Concepts in Technical Trading Systems, 1978.
    """
    if len(candles) < period + 1:
        raise ValueError(f"{period + 1} candles are needed for ATR({period}); {len(candles)} came.")
    ranges = [
        max(now.high, before.close) - min(now.low, before.close)
        for before, now in pairwise(candles)
    ]
    with localcontext(_WIDE):
        average = sum(ranges[:period], ZERO) / period
        for each in ranges[period:]:
            average += (each - average) / period
        return average.quantize(PRICE_PLACES)


def _given(figure: Decimal | int | None) -> Decimal:
    assert figure is not None  # SizeModel refuses to be without it
    return Decimal(figure)


def _positive(atr: Decimal | None) -> Decimal:
    if atr is None or not atr.is_finite() or atr <= 0:
        raise _refused("There is no average true range of this symbol. Size by percent risk.")
    return atr


def _refused(message: str) -> PlanImpossible:
    return PlanImpossible(message, field=FIELD)
