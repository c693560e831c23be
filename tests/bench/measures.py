"""What a benchmark hands back: numbers with their limits."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measure:
    """One number. `most` and `least` bound it; without either it is for information."""

    name: str
    value: float
    unit: str
    least: float | None = None
    most: float | None = None

    @property
    def holds(self) -> bool:
        return (self.least is None or self.value >= self.least) and (
            self.most is None or self.value <= self.most
        )

    def line(self) -> str:
        """For people."""
        bound = "" if self.least is None else f"  (at least {self.least:g})"
        bound += "" if self.most is None else f"  (at most {self.most:g})"
        return (
            f"{'ok  ' if self.holds else 'MISS'}  {self.name}: {self.value:.4g} {self.unit}{bound}"
        )


def percentile(values: Sequence[float], hundredth: int) -> float:
    """The value below which so many hundredths lie."""
    return statistics.quantiles(values, n=100, method="inclusive")[hundredth - 1]
