"""A seeded synthetic market: `SyntheticFeed`. The price at any time follows from the seed alone.

So months of history are there at once with nothing stored, and are the same after a restart;
`state()` holds only what was done to the market (admin moves, our own takers' trades).

Served candles equal the candles counted from the prints in open, high, low, close, volume, trades
and taker volume. Their quote volumes are volume at the mean of the four prices: near, not equal.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice
from operator import attrgetter
from typing import Any

from trading.exchange.paper.klines import INTERVALS, MINUTE, flat, following, openings
from trading.exchange.paper.synthetic_book import ladder
from trading.exchange.paper.synthetic_markets import MARKETS
from trading.exchange.paper.synthetic_tape import SymbolTape
from trading.exchange.paper.synthetic_tree import Tree
from trading.exchange.paper.takers import Extra, Takers, as_extra, time_of_print, walk_of
from trading.exchange.paper.values import Book, Fill, Kline, Print

LISTED_MS = 1_502_928_000_000  # 2017-08-17, when Binance's own BTCUSDT begins
# A gap longer than FULL_MS is told in outline: four prints a minute up to a day, else four an
# hour up to sixty days, else four a day; orders still meet every extreme, in the right order.
FULL_MS = 5 * MINUTE
OUTLINES = ((24 * 60 * MINUTE, 1), (60 * 24 * 60 * MINUTE, 60))
RECENT = 1000


class SyntheticFeed:
    """A market that nobody runs. Implements `values.Feed`."""

    def __init__(
        self,
        symbols: Sequence[str] = ("BTCUSDT", "ETHUSDT"),
        *,
        seed: int = 1,
        now_ms: int,
        prints_per_minute: int | None = None,
    ) -> None:
        """`prints_per_minute=4` outlines every minute (seeding); else all prints are told.

        Raises: ValueError, for a symbol that is not in MARKETS.
        """
        unknown = [symbol for symbol in symbols if symbol not in MARKETS]
        if unknown or not symbols:
            known = ", ".join(MARKETS)
            raise ValueError(f"No synthetic market for {unknown}. Choose from {known}.")
        if prints_per_minute not in (None, 4):
            raise ValueError("prints_per_minute is 4 (open, extremes, close) or left out (all).")
        self._symbols = tuple(symbols)
        self._seed, self._sketchy = seed, prints_per_minute == 4
        self._tapes = {s: SymbolTape(Tree(MARKETS[s], seed)) for s in self._symbols}
        self._takers = Takers()
        self._books: dict[str, tuple[object, Book]] = {}
        self._start(now_ms)

    @property
    def symbols(self) -> Sequence[str]:
        return self._symbols

    def _start(self, now_ms: int) -> None:
        self._now = now_ms
        self._recent: dict[str, deque[Print]] = {}
        self._anchors: dict[str, Print] = {}  # the last print that was the market's own
        for symbol, tape in self._tapes.items():
            minute = now_ms // MINUTE
            seen: deque[Print] = deque(maxlen=RECENT)
            for one in (minute - 1, minute):
                for trade in tape.minute(one):
                    if trade.at_ms <= now_ms:
                        seen.append(trade)
                        if not trade.own:
                            self._anchors[symbol] = trade
            self._recent[symbol] = seen
        self._takers.clear()
        self._books.clear()

    def advance(self, to_ms: int) -> list[Print]:
        """Every market print in (the last call's time, to_ms]. Long gaps in outline, see above."""
        if to_ms <= self._now:
            return []
        told: list[Print] = []
        for symbol, tape in self._tapes.items():
            prints = self._tell(tape, to_ms)
            if prints:
                told += prints
                self._recent[symbol].extend(prints)
                market = (p for p in reversed(prints) if not p.own)
                self._anchors[symbol] = next(market, self._anchors[symbol])
        if self._now // MINUTE != to_ms // MINUTE:
            for tape in self._tapes.values():
                tape.settle(to_ms)
        self._now, self._takers.takes = to_ms, 0
        if len(self._symbols) > 1:
            told.sort(key=attrgetter("at_ms"))  # stable: a symbol's own order stays
        return told

    def _tell(self, tape: SymbolTape, to_ms: int) -> list[Print]:
        now = self._now
        if now // MINUTE == to_ms // MINUTE and not self._sketchy:
            prints, at = tape.minute(now // MINUTE), attrgetter("at_ms")
            return prints[bisect_right(prints, now, key=at) : bisect_right(prints, to_ms, key=at)]
        if not self._sketchy and to_ms - now <= FULL_MS:
            return list(tape.prints(now, to_ms))
        size = 1 if self._sketchy else next((s for ms, s in OUTLINES if to_ms - now <= ms), 1440)
        first, last = now // MINUTE, to_ms // MINUTE
        if not self._sketchy:  # the ends of a gap in full
            return [
                *tape.prints(now, (first + 1) * MINUTE - 1),
                *tape.sketch(size, first + 1, last),
                *tape.prints(last * MINUTE - 1, to_ms),
            ]
        return [one for one in tape.sketch(1, first, last + 1) if now < one.at_ms <= to_ms]

    def last(self, symbol: str) -> Print:
        return self._recent[symbol][-1]

    def recent(self, symbol: str, limit: int) -> list[Print]:
        """The newest prints, at most RECENT of them, oldest first."""
        seen, tape = self._recent[symbol], self._tapes[symbol]
        minute = seen[0].at_ms // MINUTE
        while len(seen) < min(limit, RECENT) and not self._sketchy:  # after a start: look back
            older = [p for p in tape.minute(minute) if p.id < seen[0].id]
            seen.extendleft(reversed(older[len(seen) - RECENT :]))
            minute -= 1
        return list(seen)[-limit:] if limit > 0 else []

    def history(
        self,
        symbol: str,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        from_id: int | None = None,
        limit: int,
    ) -> list[Print]:
        """Prints of the past, oldest first: from an id, else from a time, else up to `end_ms`.

        Counted again from the seed: any of them, back to the listing, up to the last advance.
        """
        tape = self._tapes[symbol]
        end = self._now if end_ms is None else min(end_ms, self._now)
        if from_id is not None:
            start = tape.minute_of(from_id, LISTED_MS // MINUTE, end // MINUTE) * MINUTE
            after = (one for one in tape.prints(start - 1, end) if one.id >= from_id)
            return list(islice(after, limit))
        if start_ms is not None:
            return list(islice(tape.prints(max(start_ms, LISTED_MS) - 1, end), limit))
        found: list[Print] = []
        minute = end // MINUTE
        while len(found) < limit and minute * MINUTE >= LISTED_MS:
            found[:0] = [one for one in tape.minute(minute) if one.at_ms <= end]
            minute -= 1
        return found[-limit:]

    def klines(
        self,
        symbol: str,
        interval: str,
        start_ms: int | None,
        end_ms: int | None,
        limit: int,
        offset_ms: int = 0,
    ) -> list[Kline]:
        """Candles as of the last advance, the open one last. Raises: KeyError, bad interval."""
        tape, served = self._tapes[symbol], []
        first, now = LISTED_MS, self._now
        for open_ms in openings(
            interval, start_ms, end_ms, limit, first=first, now_ms=now, offset_ms=offset_ms
        ):
            end = following(interval, open_ms, 1, offset_ms)
            candle = tape.candle(open_ms, end, self._now)
            if candle is None and INTERVALS[interval] < MINUTE:
                before = tape.candle(open_ms // MINUTE * MINUTE, open_ms, self._now)
                before = before or tape.candle(open_ms - 2 * MINUTE, open_ms, self._now)
                candle = flat(before.close, open_ms, end - 1) if before else None
            if candle:
                served.append(candle)
        return served

    def book(self, symbol: str, depth: int = 20) -> Book:
        """The book as of the last advance; `update_id` follows from its time."""
        anchor = self._anchors[symbol]
        eaten = self._takers.missing(symbol, self._now)
        key = (anchor.id, self._now // 500, depth, tuple(eaten.items()))
        known = self._books.get(symbol)
        update_id = self._now * 10 + self._takers.takes
        if known and known[0] == key:
            book = known[1]
            if book.update_id == update_id:
                return book
            fresh = Book(symbol, update_id, book.bids, book.asks)
        else:
            bids, asks = ladder(self._tapes[symbol].market, anchor, self._now, depth, eaten)
            fresh = Book(symbol, update_id, bids, asks)
        self._books[symbol] = (key, fresh)
        return fresh

    def take(
        self, symbol: str, side: str, limit: int | None, quantity: int, at_ms: int
    ) -> list[Fill]:
        """Eat the book down to `limit` (e8; None: any price). What it lacks stays unfilled."""
        fills = self._takers.take(
            self.book, symbol, side, limit, quantity, at_ms=at_ms, now_ms=self._now
        )
        self.recover(symbol, fills)
        return fills

    def cross(
        self, symbol: str, price: int, quantity: int, *, buyer_is_maker: bool, at_ms: int
    ) -> int:
        """Two of our orders met: a print of theirs. Returns its time."""
        at = time_of_print(at_ms, self._now)
        self._tapes[symbol].add(Extra(at, price, quantity, buyer_is_maker, own=True))
        return at

    def move(self, symbol: str, price: int, *, at_ms: int, over_ms: int) -> None:
        """Walk the market to `price` (snapped to the tick) between at_ms and at_ms + over_ms.

        Raises: KeyError, unknown symbol; ValueError, a price or a duration out of bounds.
        """
        tape = self._tapes[symbol]
        target, begin, end = walk_of(
            price, tape.market.tick, at_ms=at_ms, over_ms=over_ms, now_ms=self._now
        )
        tape.shift(target, begin, end)
        steps = min(40, max(1, over_ms // 50))
        quantity = max(1, tape.market.volume_a_day // tape.market.step // 50_000) * tape.market.step
        rising = target > self.last(symbol).price
        for number in range(1, steps + 1):
            at = begin + (end - begin) * number // steps
            here = target if number == steps else tape.price_at(at)
            tape.add(Extra(at, here, quantity, not rising, own=False))

    def grid(self, symbol: str) -> tuple[int, int]:
        """The smallest steps of price and of quantity, e8."""
        market = self._tapes[symbol].market
        return market.tick, market.step

    def recover(self, symbol: str, fills: Iterable[Fill]) -> None:
        """Prints of our traders: those that `state` had not seen when the process died."""
        for fill in fills:
            self._tapes[symbol].add(as_extra(fill))

    def state(self) -> dict[str, Any]:
        """What happened to the market, and when it was last advanced."""
        return {
            "feed": "synthetic",
            "seed": self._seed,
            "now": self._now,
            "symbols": {symbol: tape.overlay.state() for symbol, tape in self._tapes.items()},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from `state()`. Raises: ValueError, when it is another market's."""
        if state.get("feed") != "synthetic" or state.get("seed") != self._seed:
            raise ValueError(
                f"The state is of seed {state.get('seed')}, this market of seed {self._seed}: "
                "start with that seed, or with a new state file."
            )
        for symbol, kept in state["symbols"].items():
            if symbol in self._tapes:
                self._tapes[symbol].restore(kept)
        self._start(state["now"])
