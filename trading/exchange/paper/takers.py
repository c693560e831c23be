"""What takers of ours do to a market: they eat its book, which fills up again, and leave prints.

Shared by all feeds. No clock: times in milliseconds, amounts in e8.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from trading.exchange.paper.synthetic_book import DEEPEST
from trading.exchange.paper.values import Book, Fill, Level

LONGEST_MOVE_MS = 24 * 3_600_000
REPLENISH_MS = 3000  # eaten levels stand again after this
DEPTHS = (20, DEEPEST)  # the whole book costs most of a millisecond
MOST_TAKES = 9  # in one moment: a book's number has one digit for them


class Extra(NamedTuple):
    """A print of ours among the market's: a trade of our own traders, or a step of a move."""

    at: int
    price: int
    quantity: int
    maker: bool  # the buyer was the maker
    own: bool  # a trade of our traders: the market's own price did not move


class Takers:
    """What our takers ate, by symbol, and how often since the last advance."""

    def __init__(self) -> None:
        self._eaten: dict[str, dict[tuple[str, int], tuple[int, int]]] = {}
        self.takes = 0  # counted up to MOST_TAKES

    def clear(self) -> None:
        """Forget it all."""
        self._eaten.clear()
        self.takes = 0

    def missing(self, symbol: str, now_ms: int) -> dict[tuple[str, int], int]:
        """What was eaten in the last seconds, by (taker's side, price)."""
        eaten = self._eaten.get(symbol)
        if not eaten:
            return {}
        for level in [key for key, (_, at) in eaten.items() if at + REPLENISH_MS < now_ms]:
            del eaten[level]
        return {level: quantity for level, (quantity, _) in eaten.items()}

    def take(
        self,
        book: Callable[[str, int], Book],
        symbol: str,
        side: str,
        limit: int | None,
        quantity: int,
        *,
        at_ms: int,
        now_ms: int,
    ) -> list[Fill]:
        """Eat the book down to `limit` (None: any price): fills, best first.

        `book(symbol, depth)` is the market's as of `now_ms`, its last advance. What it lacks stays
        unfilled. The fills print after all that was told so far.
        """
        reached: list[Level] = []
        for depth in DEPTHS:
            reached = _reach(book(symbol, depth), side, limit, quantity)
            if len(reached) < depth:
                break
        eaten, at = self._eaten.setdefault(symbol, {}), time_of_print(at_ms, now_ms)
        for level in reached:
            before, _ = eaten.get((side, level.price), (0, 0))
            eaten[side, level.price] = (before + level.quantity, now_ms)
        if reached:
            self.takes = min(MOST_TAKES, self.takes + 1)
        return [Fill(at, level.price, level.quantity, side == "SELL") for level in reached]


def time_of_print(at_ms: int, now_ms: int) -> int:
    """When a trade of ours prints: after all that the market has told."""
    return max(at_ms, now_ms + 1)


def walk_of(
    price: int, tick: int, *, at_ms: int, over_ms: int, now_ms: int
) -> tuple[int, int, int]:
    """An admin's walk of the market: its end, snapped to the tick, and from when to when it goes.

    Raises: ValueError, a price or a duration out of bounds.
    """
    target = (price + tick // 2) // tick * tick
    if target <= 0:
        raise ValueError(f"The price must be at least one tick above zero, not {price}.")
    if not 0 <= over_ms <= LONGEST_MOVE_MS:
        raise ValueError(f"over_ms must be 0 to {LONGEST_MOVE_MS}, not {over_ms}.")
    begin = max(at_ms, now_ms + 1)
    return target, begin, max(begin, at_ms + over_ms)


def as_extra(fill: Fill) -> Extra:
    """The print of a fill of our traders."""
    return Extra(fill.at_ms, fill.price, fill.quantity, fill.buyer_is_maker, own=True)


def _reach(book: Book, side: str, limit: int | None, quantity: int) -> list[Level]:
    """The levels a taker meets before its limit, the last one cut to what it still wants."""
    reached: list[Level] = []
    for level in book.asks if side == "BUY" else book.bids:
        worse = limit is not None and (
            level.price > limit if side == "BUY" else level.price < limit
        )
        if quantity <= 0 or worse:
            break
        reached.append(Level(level.price, min(quantity, level.quantity)))
        quantity -= level.quantity
    return reached
