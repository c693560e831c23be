"""The market as everybody sees it: the feed's book, and in it what paper orders show. Pure.

A level shows the feed's quantity and the resting orders' together, of an iceberg its visible part.
Matching never reads this: takers meet the feed's book and the queues of `waiting.py` apart.

The book is never crossed. A resting order that the market has passed, and that waits for prints to
fill it, is not shown until the market is back: a price that nobody could trade at would lie, and
one account's order must not hide the market from the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trading.exchange.paper.shown_levels import ShownLevels
from trading.exchange.paper.values import Book, Kline, Level, MarketData, Print
from trading.exchange.paper.waiting import Waiting

WHOLE = 5000  # levels a side: all that REST shows, and that diffs cover of the feed

Levels = Mapping[int, int]  # key → quantity


class PublicMarket:
    """Implements `values.MarketData` over a feed and the resting orders of its symbols."""

    def __init__(self, feed: MarketData, waiting: Mapping[str, Waiting] | None = None) -> None:
        self._feed = feed
        self._waiting = waiting or {}
        self._ids: dict[str, tuple[tuple[int, int], int]] = {}
        self._nothing = Waiting()

    @property
    def symbols(self) -> Sequence[str]:
        return self._feed.symbols

    def book(self, symbol: str, depth: int = 20) -> Book:
        """The best levels, at least `depth` a side where there are so many."""
        fed = self._feed.book(symbol, depth)
        number = self._number(symbol, fed.update_id)
        waiting = self._waiting.get(symbol, self._nothing)
        if not (len(waiting.bids) or len(waiting.asks)):
            same = fed.update_id == number
            return fed if same else Book(symbol, number, fed.bids, fed.asks)
        return Book(
            symbol,
            number,
            _merged(fed.bids, waiting.bids, fed.asks, depth),
            _merged(fed.asks, waiting.asks, fed.bids, depth),
        )

    def watch(self, symbol: str) -> BookWatch:
        """Begin to follow a book."""
        return BookWatch(self, symbol)

    def sides(self, symbol: str) -> tuple[int, Book, tuple[ShownLevels, ShownLevels]]:
        """The number of the book as it is now, the feed's part and the paper orders' of it."""
        fed = self._feed.book(symbol, WHOLE)
        waiting = self._waiting.get(symbol, self._nothing)
        return self._number(symbol, fed.update_id), fed, (waiting.bids, waiting.asks)

    def _number(self, symbol: str, fed: int) -> int:
        """The update id: higher wherever anything may have changed since it was last told.

        It follows the feed's, which follows time, so that it rises over a restart too.
        """
        waiting = self._waiting.get(symbol, self._nothing)
        state = fed, waiting.bids.version + waiting.asks.version
        known, number = self._ids.get(symbol, (state, fed))
        if state != known:
            number = max(fed, number + 1)
        self._ids[symbol] = state, number
        return number

    # -- the rest is the feed's -------------------------------------------------------------------

    def last(self, symbol: str) -> Print:
        return self._feed.last(symbol)

    def klines(
        self,
        symbol: str,
        interval: str,
        start_ms: int | None,
        end_ms: int | None,
        limit: int,
        offset_ms: int = 0,
    ) -> list[Kline]:
        ahead = {"offset_ms": offset_ms} if offset_ms else {}
        return self._feed.klines(symbol, interval, start_ms, end_ms, limit, **ahead)

    def recent(self, symbol: str, limit: int) -> list[Print]:
        return self._feed.recent(symbol, limit)

    def history(
        self,
        symbol: str,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        from_id: int | None = None,
        limit: int,
    ) -> list[Print]:
        return self._feed.history(
            symbol, start_ms=start_ms, end_ms=end_ms, from_id=from_id, limit=limit
        )


class BookWatch:
    """One book followed from change to change, for the diffs of the depth streams.

    A step looks at the feed's levels and at the paper levels that changed, not at all of these.
    """

    def __init__(self, market: PublicMarket, symbol: str) -> None:
        self._market, self._symbol = market, symbol
        self.number, fed, shown = market.sides(symbol)
        self._sides = (
            _Side(fed.bids, fed.asks, shown[0]),
            _Side(fed.asks, fed.bids, shown[1]),
        )

    def changes(self) -> tuple[list[Level], list[Level]]:
        """Bids and asks that are not as they last were, a quantity of 0 where one is gone.

        `number` is the book's own afterwards.
        """
        self.number, fed, _ = self._market.sides(self._symbol)
        bids, asks = self._sides
        return bids.step(fed.bids, fed.asks), asks.step(fed.asks, fed.bids)


class _Side:
    """One side of a book as it was last told: every level by its key."""

    def __init__(self, fed: Sequence[Level], against: Sequence[Level], shown: ShownLevels) -> None:
        self._shown = shown
        self._fed: dict[int, int] = {}
        self._fed_levels: Sequence[Level] = ()
        self._first: int | None = None
        self._version = -1
        self._told: dict[int, int] = {}
        self.step(fed, against)

    def step(self, fed: Sequence[Level], against: Sequence[Level]) -> list[Level]:
        shown, sign = self._shown, self._shown.sign
        first = against[0].price * sign if against else None
        keys: set[int] = set()
        if fed is not self._fed_levels:
            now = {level.price * sign: level.quantity for level in fed}
            keys = {key for key, _ in now.items() ^ self._fed.items()}
            self._fed, self._fed_levels = now, fed
        changed = shown.changed_since(self._version) if self._version >= 0 else None
        if changed is None:
            keys.update(shown.keys(), self._told)
        else:
            keys.update(changed)
            if first != self._first:  # the market moved: it comes to paper orders, or leaves them
                low, high = _ordered(self._first, first)
                keys.update(shown.best(low, len(shown), until=high))
        self._first, self._version = first, shown.version
        levels = []
        for key in sorted(keys):
            quantity = self._fed.get(key, 0)
            if first is None or key > first:
                quantity += shown.quantity(key)
            if quantity != self._told.get(key, 0):
                levels.append(Level(key * sign, quantity))
            if quantity:
                self._told[key] = quantity
            else:
                self._told.pop(key, None)
        return levels


def _ordered(one: int | None, other: int | None) -> tuple[int | None, int | None]:
    """Two limits, the farther last; None, where there is no limit, comes before all."""
    if one is None or other is None:
        return None, other if one is None else one
    return min(one, other), max(one, other)


def _merged(
    fed: Sequence[Level], shown: ShownLevels, against: Sequence[Level], depth: int
) -> tuple[Level, ...]:
    """The feed's levels and the paper orders' in front of the other side's best, best first."""
    sign = shown.sign
    keys = shown.best(against[0].price * sign if against else None, depth)
    if not keys:
        return tuple(fed)
    quantities = dict.fromkeys(keys, 0) | {level.price * sign: level.quantity for level in fed}
    for key in keys:
        quantities[key] += shown.quantity(key)
    return tuple(Level(key * sign, quantities[key]) for key in sorted(quantities)[:depth])
