"""One symbol of a told market (a tape, a script, the live market): prints, candles and book so far.

The market itself comes from outside. Added here are our own takers' fills and admin moves, at their
times among the market's prints, and the trade ids, which follow one another.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from trading.exchange.paper.candles import Candles
from trading.exchange.paper.synthetic_book import ladder
from trading.exchange.paper.synthetic_markets import Market
from trading.exchange.paper.takers import Extra
from trading.exchange.paper.values import Book, Print

MOST_PRINTS = 20_000  # prints a symbol's history goes back
MOST_EXTRAS = 20_000  # prints of ours that the state remembers
NO_FACTOR = Fraction(1)


class Tick(NamedTuple):
    """A print of the market outside. Amounts e8; `id` None: the next one."""

    symbol: str
    at_ms: int
    price: int
    quantity: int
    buyer_is_maker: bool
    id: int | None = None


class Shift(NamedTuple):
    """The price's factor goes from `before` to `after`, in a straight line, between two times."""

    start: int
    end: int
    before: Fraction
    after: Fraction


class Line:
    """What one symbol has told so far."""

    def __init__(self, market: Market, first_id: int) -> None:
        self.market = market
        self.candles = Candles()
        self.prints: list[Print] = []
        self.next_id = first_id
        self.anchor: Print | None = None  # the last print that was the market's own
        self.waiting: list[Extra] = []  # in order of time
        self.kept: list[Extra] = []  # every extra, for the state
        self.forgotten = 0
        self.shifts: list[Shift] = []

    # -- prints -----------------------------------------------------------------------------------

    def tell(self, tick: Tick) -> list[Print]:
        """The market's next print, after those of ours that were due before it."""
        told = self.due(tick.at_ms - 1)
        price = self.shown(tick.price, tick.at_ms)
        one = self._print(tick.at_ms, price, tick.quantity, tick.buyer_is_maker, tick.id)
        self.anchor = one
        told.append(one)
        return told

    def due(self, to_ms: int) -> list[Print]:
        """Our prints up to a time."""
        told: list[Print] = []
        while self.waiting and self.waiting[0].at <= to_ms:
            at, price, quantity, maker, own = self.waiting.pop(0)
            told.append(self._print(at, price, quantity, maker, None, own=own))
            if not own:
                self.anchor = told[-1]
        return told

    def _print(
        self,
        at_ms: int,
        price: int,
        quantity: int,
        maker: bool,
        number: int | None,
        *,
        own: bool = False,
    ) -> Print:
        if number is not None:
            self.next_id = number
        one = Print(self.market.symbol, self.next_id, price, quantity, at_ms, maker, own)
        self.next_id += 1
        self.candles.add(one)
        self.prints.append(one)
        if len(self.prints) > 2 * MOST_PRINTS:
            del self.prints[:-MOST_PRINTS]
        return one

    def add(self, extra: Extra) -> None:
        """Put a print of ours in. It must lie in the future of what has been told."""
        insort(self.waiting, extra, key=lambda known: known.at)
        insort(self.kept, extra, key=lambda known: known.at)
        if len(self.kept) > 2 * MOST_EXTRAS:
            self.forgotten += len(self.kept) - MOST_EXTRAS
            del self.kept[:-MOST_EXTRAS]

    def history(
        self, start_ms: int | None, end_ms: int, from_id: int | None, limit: int
    ) -> list[Print]:
        prints = self.prints
        if from_id is not None:
            begin = bisect_left(prints, from_id, key=lambda one: one.id)
            return prints[begin : begin + limit]
        end = bisect_left(prints, end_ms + 1, key=lambda one: one.at_ms)
        if start_ms is None:
            return prints[max(0, end - limit) : end]
        begin = bisect_left(prints, start_ms, key=lambda one: one.at_ms)
        return prints[begin : min(end, begin + limit)]

    # -- moves ------------------------------------------------------------------------------------

    def factor(self, at_ms: int) -> Fraction:
        """What the market's price is multiplied by at a time."""
        for shift in reversed(self.shifts):
            if at_ms >= shift.end:
                return shift.after
            if at_ms >= shift.start:
                along = Fraction(at_ms - shift.start, shift.end - shift.start)
                return shift.before + (shift.after - shift.before) * along
        return NO_FACTOR

    def shown(self, price: int, at_ms: int) -> int:
        if not self.shifts:
            return price
        tick = self.market.tick
        return max(tick, round(price * self.factor(at_ms) / tick) * tick)

    def walk(self, target: int, begin: int, end: int) -> None:
        """Let the price walk to `target` (e8, on the tick) from one time to another."""
        assert self.anchor is not None, "a line begins with a print"
        before = self.factor(begin)
        unmoved = self.anchor.price / self.factor(self.anchor.at_ms)
        self.shifts = [s for s in self.shifts if s.end <= begin][-1:]
        self.shifts.append(Shift(begin, max(end, begin + 1), before, Fraction(target) / unmoved))
        self.waiting = [extra for extra in self.waiting if extra.own or extra.at < begin]
        self.kept = [extra for extra in self.kept if extra.own or extra.at < begin]
        start, tick = self.anchor.price, self.market.tick
        steps = min(40, max(1, (end - begin) // 50))
        size = max(1, self.market.volume_a_day // self.market.step // 50_000) * self.market.step
        for number in range(1, steps + 1):
            at = begin + (end - begin) * number // steps
            price = (start + (target - start) * number // steps) // tick * tick
            self.add(Extra(at, max(tick, price), size, target < start, own=False))

    # -- the book ---------------------------------------------------------------------------------

    def book(
        self, now_ms: int, depth: int, update_id: int, eaten: Mapping[tuple[str, int], int]
    ) -> Book:
        """A made-up book around the last print, less what our takers ate."""
        assert self.anchor is not None, "a line begins with a print"
        bids, asks = ladder(self.market, self.anchor, now_ms, depth, eaten)
        return Book(self.market.symbol, update_id, bids, asks)

    # -- over a restart ---------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        return {
            "extras": [list(extra) for extra in self.kept],
            "forgotten": self.forgotten,
            "shifts": [[s.start, s.end, str(s.before), str(s.after)] for s in self.shifts],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Before anything is told."""
        self.kept = [Extra(*fields) for fields in state["extras"]]
        self.waiting = list(self.kept)
        self.forgotten = state["forgotten"]
        self.next_id += self.forgotten
        self.shifts = [
            Shift(start, end, Fraction(before), Fraction(after))
            for start, end, before, after in state["shifts"]
        ]
