"""The rules a trader chooses for an open position, as figures: checked, kept and read. Pure.

Prices are in the quote asset; R is the distance from the plan's entry to its stop. What the rules
do is `risk.manage_rules`'s.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from risk.costs import ONE, PlanImpossible
from risk.listing import FIGURE
from risk.part_targets import MOST_NEARER, PartTarget
from risk.size_models import MOST_PERIOD
from risk.symbols import ZERO

FIELD = "management"
STEP_R = Decimal("0.25")  # a trailing stop moves by no less
ATR_PERIOD, ATR_INTERVAL = 14, "1h"
MOST_R = Decimal(100)
LEAST_PERCENT, MOST_PERCENT = Decimal("0.1"), Decimal(20)
MOST_RATCHETS = 10
MOST_MINUTES = 60 * 24 * 92


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
        if self.trail_r is not None and not _within(self.trail_r, STEP_R, MOST_R):
            raise _no(f"A stop trails {STEP_R} to {MOST_R} R behind the price. Choose a distance.")
        if self.trail_atr is not None and not _within(self.trail_atr, STEP_R, MOST_R):
            raise _no(f"A stop trails {STEP_R} to {MOST_R} ATR behind the price. Choose one.")
        percent = self.trail_percent
        if percent is not None and not _within(percent, LEAST_PERCENT, MOST_PERCENT):
            raise _no(f"A stop trails {LEAST_PERCENT} to {MOST_PERCENT} % behind the price.")
        if sum(each is not None for each in (self.trail_r, percent, self.trail_atr)) > 1:
            raise _no("A stop trails by R, by percent or by ATR. Choose one.")
        at = self.break_even_r
        if at is not None and not (self.break_even and _within(at, STEP_R, MOST_R)):
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


def _within(figure: Decimal, least: Decimal, most: Decimal) -> bool:
    return figure.is_finite() and least <= figure <= most


def _no(message: str) -> PlanImpossible:
    return PlanImpossible(message, field=FIELD)


def ratchets_of(steps: Sequence[Mapping[str, Decimal]]) -> tuple[Ratchet, ...]:
    """The steps of a form."""
    return tuple(Ratchet(step["at"], step["to"]) for step in steps)
