"""The price-crossing index: which of many prices a tick has reached, without looking at each. Pure.

Per symbol the levels stand sorted by price, those that wait for a rise apart from those that wait
for a fall: a tick looks at the nearest of each, and takes what it has reached.
"""

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Level:
    """A price that something waits for. One waits for the market to be at it or beyond."""

    key: UUID  # what waits: a trade
    purpose: str  # why: a key of `armed.PURPOSES`
    symbol: str
    price: Decimal
    rising: bool  # it lies above the market; else below


class _Waiting(NamedTuple):
    """Ordered so that the level a price meets first stands last."""

    order: Decimal
    id: tuple[UUID, str]
    level: Level


class Crossings:
    """The levels of one venue."""

    def __init__(self) -> None:
        self._sides: dict[tuple[str, bool], list[_Waiting]] = {}
        self._known: dict[tuple[UUID, str], Level] = {}

    def __len__(self) -> int:
        return len(self._known)

    def set(self, levels: Iterable[Level]) -> list[Level]:
        """Make these the levels, all of them. Returns those that are new or have moved."""
        wanted = {(level.key, level.purpose): level for level in levels}
        fresh = [level for id_, level in wanted.items() if self._known.get(id_) != level]
        for id_, level in list(self._known.items()):
            if wanted.get(id_) != level:
                self._remove(id_, level)
        for level in fresh:
            self._add(level)
        return fresh

    def reached(self, symbol: str, price: Decimal) -> list[Level]:
        """Take out and return what this price has reached, the nearest first."""
        found = []
        for rising in (True, False):
            side = self._sides.get((symbol, rising))
            while side and _is_reached(side[-1].level, price):
                level = side.pop().level
                del self._known[level.key, level.purpose]
                found.append(level)
        return found

    def _add(self, level: Level) -> None:
        id_ = (level.key, level.purpose)
        self._known[id_] = level
        insort(self._sides.setdefault((level.symbol, level.rising), []), _waiting(level))

    def _remove(self, id_: tuple[UUID, str], level: Level) -> None:
        del self._known[id_]
        side = self._sides[level.symbol, level.rising]
        side.remove(_waiting(level))


def _waiting(level: Level) -> _Waiting:
    order = -level.price if level.rising else level.price
    return _Waiting(order, (level.key, level.purpose), level)


def _is_reached(level: Level, price: Decimal) -> bool:
    return price >= level.price if level.rising else price <= level.price
