"""How a position is managed once it is open: rules chosen with the plan, frozen with it. Pure.

Every rule only ever tightens the stop. Prices are in the quote asset; R is the distance from the
plan's entry to its stop, so that a moved stop does not change what a step is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, localcontext
from typing import Any, Literal

from risk.costs import ONE, Direction, PlanImpossible
from risk.listing import FIGURE
from risk.part_targets import MOST_NEARER, PartTarget
from risk.size_models import MOST_PERIOD
from risk.symbols import EXACT, ZERO, ceil_to_tick, floor_to_tick

FIELD = "management"
STEP_R = Decimal("0.25")  # a trailing stop moves by no less
TRAIL_EVERY = timedelta(seconds=30)  # and no more often
AFTER_A_REFUSAL = timedelta(minutes=5)  # the exchange refused a move: no rule tries for so long
HALF = Decimal("0.5")  # of the way to the target: break-even
ATR_PERIOD, ATR_INTERVAL = 14, "1h"
MOST_R = Decimal(100)
MOST_RATCHETS = 10
MOST_MINUTES = 60 * 24 * 92
LEAST_PERCENT, MOST_PERCENT = Decimal("0.1"), Decimal(20)  # as TRAILING_DELTA counts, 10 to 2000
_UP = Context(prec=60, rounding=ROUND_CEILING)
_DOWN = Context(prec=60, rounding=ROUND_FLOOR)

Why = Literal["break_even", "trailing", "ratchet"]


@dataclass(frozen=True, slots=True)
class Ratchet:
    """At so many R of profit the stop goes to so many R from the entry."""

    at: Decimal
    to: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Management:
    """The rules of one trade. Raises: PlanImpossible, for figures that make no rule."""

    break_even: bool = False
    break_even_r: Decimal | None = None  # at so many R of profit; None: half way to the target
    trail_r: Decimal | None = None  # distance behind the price, in R
    trail_percent: Decimal | None = None  # the same in percent of the price
    trail_atr: Decimal | None = None  # the same in average true ranges
    atr_period: int = ATR_PERIOD
    atr_interval: str = ATR_INTERVAL
    ratchets: tuple[Ratchet, ...] = ()
    close_after_minutes: int | None = None  # of holding it: the time stop
    targets: tuple[PartTarget, ...] = ()  # nearer ones; where they may lie, the plan says

    def __post_init__(self) -> None:
        if self.trail_r is not None and not STEP_R <= self.trail_r <= MOST_R:
            raise _no(f"A stop trails {STEP_R} to {MOST_R} R behind the price. Choose a distance.")
        if self.trail_atr is not None and not STEP_R <= self.trail_atr <= MOST_R:
            raise _no(f"A stop trails {STEP_R} to {MOST_R} ATR behind the price. Choose one.")
        percent = self.trail_percent
        if percent is not None and not LEAST_PERCENT <= percent <= MOST_PERCENT:
            raise _no(f"A stop trails {LEAST_PERCENT} to {MOST_PERCENT} % behind the price.")
        if sum(each is not None for each in (self.trail_r, percent, self.trail_atr)) > 1:
            raise _no("A stop trails by R, by percent or by ATR. Choose one.")
        at = self.break_even_r
        if at is not None and not (self.break_even and STEP_R <= at <= MOST_R):
            raise _no(f"The stop goes to break-even at {STEP_R} to {MOST_R} R of profit.")
        if len(self.targets) > MOST_NEARER:
            raise _no(f"Give at most {MOST_NEARER} nearer targets.")
        if not 1 <= self.atr_period <= MOST_PERIOD:
            raise _no(f"An ATR is taken over 1 to {MOST_PERIOD} candles. Choose a period.")
        if len(self.ratchets) > MOST_RATCHETS:
            raise _no(f"At most {MOST_RATCHETS} ratchet steps. Leave some out.")
        former: Ratchet | None = None
        for step in self.ratchets:
            if not (step.at.is_finite() and step.to.is_finite() and ZERO < step.at <= MOST_R):
                raise _no(f"A ratchet step lies above 0 and up to {MOST_R} R of profit.")
            if not -ONE < step.to < step.at:
                raise _no(
                    f"At {step.at} R the stop can go to a place between -1 and {step.at} R, not to "
                    f"{step.to} R."
                )
            if former is not None and not (step.at > former.at and step.to > former.to):
                raise _no("Each ratchet step lies higher than the one before. Put them in order.")
            former = step
        minutes = self.close_after_minutes
        if minutes is not None and not 1 <= minutes <= MOST_MINUTES:
            raise _no(f"A time stop takes 1 to {MOST_MINUTES} minutes.")

    @property
    def moves_stops(self) -> bool:
        return self.break_even or self.trails or bool(self.ratchets)

    @property
    def trails(self) -> bool:
        return any(each is not None for each in (self.trail_r, self.trail_percent, self.trail_atr))

    def as_dict(self) -> dict[str, Any]:
        """As stored and as the API has it; empty for no rule at all."""
        found: dict[str, Any] = {}
        if self.break_even:
            found["break_even"] = True
        if self.break_even_r is not None:
            found["break_even_r"] = f"{self.break_even_r:f}"
        if self.trail_r is not None:
            found["trail_r"] = f"{self.trail_r:f}"
        if self.trail_percent is not None:
            found["trail_percent"] = f"{self.trail_percent:f}"
        if self.trail_atr is not None:
            found["trail_atr"] = f"{self.trail_atr:f}"
            found["atr_period"], found["atr_interval"] = str(self.atr_period), self.atr_interval
        if self.ratchets:
            found["ratchets"] = [{"at": f"{r.at:f}", "to": f"{r.to:f}"} for r in self.ratchets]
        if self.close_after_minutes is not None:
            found["close_after_minutes"] = str(self.close_after_minutes)
        if self.targets:
            found["targets"] = [
                {"price": f"{part.price:f}", "share": f"{part.share:f}"} for part in self.targets
            ]
        return found


NONE = Management()


def read(stored: Mapping[str, Any]) -> Management:
    """A stored `as_dict` again. Raises: PlanImpossible, ValueError: it is none."""
    minutes = stored.get("close_after_minutes")
    return Management(
        break_even=stored.get("break_even") is True,
        break_even_r=_maybe(stored.get("break_even_r")),
        trail_r=_maybe(stored.get("trail_r")),
        trail_percent=_maybe(stored.get("trail_percent")),
        trail_atr=_maybe(stored.get("trail_atr")),
        atr_period=int(stored.get("atr_period", ATR_PERIOD)),
        atr_interval=stored.get("atr_interval", ATR_INTERVAL),
        ratchets=tuple(
            Ratchet(_figure(step["at"]), _figure(step["to"])) for step in stored.get("ratchets", ())
        ),
        close_after_minutes=None if minutes is None else int(minutes),
        targets=tuple(
            PartTarget(_figure(part["price"]), _figure(part["share"]))
            for part in stored.get("targets", ())
        ),
    )


def _maybe(text: object) -> Decimal | None:
    return None if text is None else _figure(text)


def _figure(text: object) -> Decimal:
    if not isinstance(text, str) or not FIGURE.fullmatch(text.removeprefix("-")):
        raise ValueError(f"{text!r} is no plain decimal in a string.")
    return Decimal(text)


def _no(message: str) -> PlanImpossible:
    return PlanImpossible(message, field=FIELD)


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


def ratchets_of(steps: Sequence[Mapping[str, Decimal]]) -> tuple[Ratchet, ...]:
    """The steps of a form."""
    return tuple(Ratchet(step["at"], step["to"]) for step in steps)
