"""How a position is managed once it is open: rules chosen with the plan, frozen with it. Pure.

Every rule only ever tightens the stop. Prices are in the quote asset; R is the distance from the
plan's entry to its stop, so that a moved stop does not change what a step is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, localcontext
from typing import Literal

from risk.costs import ONE, Direction
from risk.manage_plan import (
    MOST_MINUTES,
    NONE,
    STEP_R,
    Management,
    Ratchet,
    ratchets_of,
    read,
)
from risk.symbols import EXACT, ceil_to_tick, floor_to_tick

__all__ = ["MOST_MINUTES", "NONE", "STEP_R", "Management", "Ratchet", "Run", "Wanted", "next_price",
           "ratchets_of", "read", "time_is_over", "wanted_stop"]  # fmt: skip

TRAIL_EVERY = timedelta(seconds=30)  # and no more often
AFTER_A_REFUSAL = timedelta(minutes=5)  # the exchange refused a move: no rule tries for so long
HALF = Decimal("0.5")  # of the way to the target: break-even
_UP = Context(prec=60, rounding=ROUND_CEILING)
_DOWN = Context(prec=60, rounding=ROUND_FLOOR)

Why = Literal["break_even", "trailing", "ratchet"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """An open position as the rules look at it."""

    direction: Direction
    entry: Decimal  # average paid
    planned_entry: Decimal
    planned_stop: Decimal
    stop: Decimal  # where it is now
    target: Decimal  # of the plan
    fee_rate: Decimal
    tick: Decimal
    now: datetime
    atr: Decimal | None = None  # None: not known now, and nothing trails by it
    trailed_at: datetime | None = None  # the last move by trailing
    refused_at: datetime | None = None  # the last move of a rule that the exchange refused

    @property
    def sign(self) -> int:
        return 1 if self.direction == "long" else -1

    @property
    def r(self) -> Decimal:
        """One R as a distance in price."""
        return abs(self.planned_entry - self.planned_stop)


@dataclass(frozen=True, slots=True)
class Wanted:
    stop: Decimal
    why: Why


def wanted_stop(rules: Management, run: Run, *, price: Decimal) -> Wanted | None:
    """The tightest stop any rule asks for at this price, where it is tighter than the present one
    and the market has not passed it; None for no move."""
    if _paused(run):
        return None
    found = [
        each
        for each in _asked_for(rules, run, price)
        if _tighter(run, each.stop, run.stop) and _tighter(run, price, each.stop)
    ]
    return max(found, key=lambda each: each.stop * run.sign, default=None)


def next_price(rules: Management, run: Run) -> Decimal | None:
    """The nearest price at which a rule would move the stop; None while none would."""
    if _paused(run):
        return None
    prices = [reached for reached, stop in _lines(rules, run) if _tighter(run, stop, run.stop)]
    if (trail := _trail_price(rules, run)) is not None:
        prices.append(trail)
    return min(prices, key=lambda each: each * run.sign, default=None)


def break_even_stop(run: Run) -> Decimal:
    """Where selling brings back the entry with both fees, wherever the entry's was taken."""
    with localcontext(_UP):
        kept = (ONE - run.fee_rate) ** 2
        even = run.entry / kept if run.direction == "long" else run.entry * kept
    return ceil_to_tick(even, run.tick) if run.sign > 0 else floor_to_tick(even, run.tick)


def time_is_over(rules: Management, *, opened_at: datetime | None, now: datetime) -> bool:
    """Whether the time stop is due."""
    minutes = rules.close_after_minutes
    return (
        minutes is not None
        and opened_at is not None
        and now - opened_at >= timedelta(minutes=minutes)
    )


def _paused(run: Run) -> bool:
    return run.refused_at is not None and run.now - run.refused_at < AFTER_A_REFUSAL


def _asked_for(rules: Management, run: Run, price: Decimal) -> Iterator[Wanted]:
    for reached, stop in _lines(rules, run):
        if (price - reached) * run.sign >= 0:
            even = rules.break_even and stop == break_even_stop(run)
            yield Wanted(stop, "break_even" if even else "ratchet")
    trail = _trail_price(rules, run)
    if trail is not None and (price - trail) * run.sign >= 0:
        with localcontext(EXACT):
            behind = price - run.sign * _distance(rules, run, price)
        yield Wanted(_away(run, behind), "trailing")


def _lines(rules: Management, run: Run) -> Iterator[tuple[Decimal, Decimal]]:
    """(price that must be reached, stop that follows) of the rules with fixed lines."""
    with localcontext(EXACT):
        if rules.break_even:
            yield _break_even_at(rules, run), break_even_stop(run)
        for step in rules.ratchets:
            stop = run.entry + run.sign * step.to * run.r
            yield run.entry + run.sign * step.at * run.r, _away(run, stop)


def _break_even_at(rules: Management, run: Run) -> Decimal:
    """Where the stop goes to break-even: at the R asked for, else half way to the target; at the
    first of several targets where that comes sooner."""
    if rules.break_even_r is not None:
        return run.entry + run.sign * rules.break_even_r * run.r
    half_way = run.entry + (run.target - run.entry) * HALF
    if not rules.targets:
        return half_way
    return min(half_way, rules.targets[0].price, key=lambda each: each * run.sign)


def _trail_price(rules: Management, run: Run) -> Decimal | None:
    """The price at which the trailing stop has a whole step to go; None while it must wait."""
    if not _knows_its_distance(rules, run):
        return None
    if run.trailed_at is not None and run.now - run.trailed_at < TRAIL_EVERY:
        return None
    with localcontext(EXACT):
        step = max(STEP_R * run.r, run.tick)  # rounded to the tick, it is still a whole step
        next_stop = run.stop + run.sign * (step + run.tick)
        if rules.trail_percent is None:
            return next_stop + run.sign * _distance(rules, run, run.entry)
    share = rules.trail_percent / 100
    rough = _UP if run.sign > 0 else _DOWN
    return rough.divide(next_stop, ONE - run.sign * share)


def _knows_its_distance(rules: Management, run: Run) -> bool:
    """Whether a stop trails now; by a range that is not known, it does not."""
    return rules.trails and (rules.trail_atr is None or run.atr is not None)


def _distance(rules: Management, run: Run, price: Decimal) -> Decimal:
    """How far behind this price the stop trails; see `_knows_its_distance`."""
    with localcontext(EXACT):
        if rules.trail_r is not None:
            return rules.trail_r * run.r
        if rules.trail_percent is not None:
            return rules.trail_percent * price / 100
        assert rules.trail_atr is not None
        assert run.atr is not None
        return rules.trail_atr * run.atr


def _away(run: Run, price: Decimal) -> Decimal:
    """On the tick, and not nearer to the market than asked for."""
    if run.sign > 0:
        return floor_to_tick(price, run.tick)
    return ceil_to_tick(price, run.tick)


def _tighter(run: Run, price: Decimal, than: Decimal) -> bool:
    return (price - than) * run.sign > 0
