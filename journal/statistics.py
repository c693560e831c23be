"""What a series of trades says, in R. Pure: no Django, no clock.

Definitions: the Protocol, 1.2. Where a measure has no meaning (no trades, no losses) it is None,
never 0 or infinity.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal

BREAK_EVEN = Decimal("0.05")  # |R| below it counts as neither won nor lost, for the win rate
PLACES = Decimal("1E-8")
_WIDE = Context(prec=80, rounding=ROUND_HALF_EVEN)
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Ratios are rounded at 8 decimals; sums are exact."""

    trades: int
    wins: int  # R at or above the break-even band
    losses: int
    break_evens: int
    total_r: Decimal
    expectancy: Decimal | None  # mean R, break-even trades in
    win_rate: Decimal | None  # wins / trades
    average_win: Decimal | None  # R, by sign
    average_loss: Decimal | None  # R, by sign; negative
    payoff: Decimal | None  # average win / |average loss|
    profit_factor: Decimal | None  # sum of wins / |sum of losses|, by sign
    best: Decimal | None
    worst: Decimal | None


def statistics(r_multiples: Iterable[Decimal]) -> Statistics:
    """Measure closed trades by their R-multiples, in any order."""
    series = list(r_multiples)
    won = [r for r in series if r > 0]
    lost = [r for r in series if r < 0]
    total, gained, given = _sum(series), _sum(won), _sum(lost)
    wins = sum(r >= BREAK_EVEN for r in series)
    losses = sum(r <= -BREAK_EVEN for r in series)
    average_win, average_loss = _ratio(gained, len(won)), _ratio(given, len(lost))
    return Statistics(
        trades=len(series),
        wins=wins,
        losses=losses,
        break_evens=len(series) - wins - losses,
        total_r=total,
        expectancy=_ratio(total, len(series)),
        win_rate=_ratio(Decimal(wins), len(series)),
        average_win=average_win,
        average_loss=average_loss,
        payoff=_payoff(gained, len(won), given, len(lost)),
        profit_factor=_ratio(gained, -given),
        best=max(series, default=None),
        worst=min(series, default=None),
    )


def _payoff(gained: Decimal, wins: int, given: Decimal, losses: int) -> Decimal | None:
    """(gained / wins) / (|given| / losses), with the only division last."""
    if not wins or not losses:
        return None
    return _ratio(_WIDE.multiply(gained, losses), _WIDE.multiply(-given, wins))


def _sum(series: list[Decimal]) -> Decimal:
    total = ZERO
    for r in series:
        total = _WIDE.add(total, r)
    return total


def _ratio(amount: Decimal, by: Decimal | int) -> Decimal | None:
    if not by:
        return None
    return _WIDE.divide(amount, Decimal(by)).quantize(PLACES, context=_WIDE)
