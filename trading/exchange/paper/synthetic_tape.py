"""One synthetic symbol as it is seen: the tree's market, shifted by admin moves, plus our takers.

A move multiplies the price by a factor that walks to its new value and stays. Candles outside of
moved or taken minutes are the tree's, scaled: rounding to the tick is monotone, so they still equal
their prints exactly. A *touched* minute (one that a move crosses or a taker traded in) is counted
from its prints; its candle is kept for good, the prints of our takers for a day.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from itertools import accumulate
from operator import attrgetter
from typing import Any, NamedTuple

from trading.exchange.paper.klines import merge, of_prints
from trading.exchange.paper.synthetic_tree import MINUTE_MS, SIZES, Node, Tape, Tree
from trading.exchange.paper.values import E8, Kline, Print

KEPT_MS = 24 * 60 * MINUTE_MS
MOST_EXTRAS = 20_000  # prints of ours remembered per symbol one by one, whole minutes of them
MOST_MINUTES = 5000  # touched candles remembered per symbol; older ones fall back to the tree's


# A minute, its prints in order, and which of them are our own takers'.
Merged = tuple[int, list[Print], list[bool]]


class Shift(NamedTuple):
    """The price's factor goes from `before` to `after` between two times (geometrically)."""

    start: int
    end: int
    before: float
    after: float


class Extra(NamedTuple):
    """A print that the tree does not know: a step of a move, or a fill of our own taker."""

    at: int
    price: int
    quantity: int
    maker: bool
    own: bool  # a taker of ours: the market's price did not move


class SymbolTape:
    """Prints and candles of one symbol for any span of time."""

    def __init__(self, tree: Tree) -> None:
        self.tree, self.market = tree, tree.market
        self.shifts: list[Shift] = []
        self.extras: dict[int, list[Extra]] = {}  # by minute of the epoch, in time order
        self.candles: dict[int, Kline] = {}  # finished touched minutes
        self.touched: list[int] = []  # minutes, ascending
        self.forgotten = 0  # extras that are kept only as a count, in order of their ids
        self.counts: dict[int, int] = {}  # extras by minute; outlives the extras themselves
        self._before: list[int] | None = None
        self._keys: list[int] = []
        self._cached: Merged | None = None

    # Prices.

    def factor(self, at_ms: int) -> float:
        """What the tree's price is multiplied by at a time."""
        place = bisect_right(self.shifts, at_ms, key=lambda shift: shift.start)
        if not place:
            return self.shifts[0].before if self.shifts else 1.0
        shift = self.shifts[place - 1]
        if at_ms >= shift.end:
            return shift.after
        along = (at_ms - shift.start) / (shift.end - shift.start)
        return float(shift.before * (shift.after / shift.before) ** along)

    def shown(self, ticks: int, factor: float) -> int:
        """The tree's ticks as a price e8."""
        moved = ticks if factor == 1.0 else max(1, round(ticks * factor))
        return moved * self.market.tick

    def ticks_at(self, at_ms: int) -> int:
        """The tree's own price (unshifted) at a time, in ticks."""
        minute = at_ms // MINUTE_MS
        tape = self.tree.tape(minute)
        place = bisect_right(tape.times, at_ms)
        return tape.prices[place - 1] if place else self.tree.node(1, minute - 1).close

    # Prints.

    def minute(self, minute: int) -> tuple[list[Print], list[bool]]:
        """All prints of a minute, in order, and which of them are our own takers'."""
        if self._cached and self._cached[0] == minute:
            return self._cached[1], self._cached[2]
        tape = self.tree.tape(minute)
        identity = self.tree.node(1, minute).first_id + self.extras_before(minute)
        extras = self.extras.get(minute, [])
        prints = self._merged(tape, extras, identity)
        self._cached = (minute, [p for p, _ in prints], [own for _, own in prints])
        return self._cached[1], self._cached[2]

    def _merged(self, tape: Tape, extras: list[Extra], identity: int) -> list[tuple[Print, bool]]:
        symbol, step = self.market.symbol, self.market.step
        prints: list[tuple[Print, bool]] = []
        minute = tape.times[0] // MINUTE_MS
        steady = None if self.is_touched(minute, 1) else self.factor(tape.times[0])
        waiting = iter([*extras, None])
        extra = next(waiting)
        for at, ticks, lots, maker in zip(*tape, strict=True):
            while extra and extra.at < at:
                prints.append((self._print(extra, identity + len(prints)), extra.own))
                extra = next(waiting)
            price = self.shown(ticks, self.factor(at) if steady is None else steady)
            one = Print(symbol, identity + len(prints), price, lots * step, at, maker)
            prints.append((one, False))
        while extra:
            prints.append((self._print(extra, identity + len(prints)), extra.own))
            extra = next(waiting)
        return prints

    def _print(self, extra: Extra, identity: int) -> Print:
        return Print(
            self.market.symbol, identity, extra.price, extra.quantity, extra.at, extra.maker
        )

    def prints(self, after_ms: int, to_ms: int) -> Iterator[Print]:
        """Every print with after_ms < at <= to_ms."""
        for minute in range((after_ms + 1) // MINUTE_MS, to_ms // MINUTE_MS + 1):
            for one in self.minute(minute)[0]:
                if after_ms < one.at_ms <= to_ms:
                    yield one

    def minute_of(self, identity: int, first: int, last: int) -> int:
        """The minute between `first` and `last` that holds the trade of this id, or comes next."""
        while first < last:
            middle = (first + last + 1) // 2
            begins = self.tree.node(1, middle).first_id + self.extras_before(middle)
            first, last = (middle, last) if begins <= identity else (first, middle - 1)
        return first

    def sketch(self, size: int, start: int, end: int) -> Iterator[Print]:
        """At most four prints (open, extremes, close) per `size` minutes of [start, end).

        Their quantities add up to the candle's; touched minutes are told in full.
        """
        at = start
        while at < end:
            here = next(s for s in SIZES if s <= size and at % s == 0 and at + s <= end)
            while here > 1 and self.is_touched(at, here):
                here = SIZES[SIZES.index(here) + 1]
            if here == 1 and self.is_touched(at, 1):
                yield from self.minute(at)[0]
            else:
                yield from self._corners(self.tree.node(here, at))
            at += here

    def _corners(self, node: Node) -> list[Print]:
        begin, span = node.start * MINUTE_MS, node.size * MINUTE_MS
        factor, step = self.factor(begin), self.market.step
        turns = (node.high, node.low) if self.tree.high_first(node) else (node.low, node.high)
        identity = node.first_id + self.extras_before(node.start)
        last, some, more = identity + node.buys + node.sells - 1, node.bought // 2, node.sold // 2
        return [
            Print(self.market.symbol, trade, self.shown(ticks, factor), lots * step, at, maker)
            for ticks, trade, lots, at, maker in (
                (node.open, identity, some, begin, False),
                (turns[0], identity + 1, more, begin + span // 3, True),
                (turns[1], identity + 2, node.bought - some, begin + 2 * span // 3, False),
                (node.close, last, node.sold - more, begin + span - 1, True),
            )
        ]  # fmt: skip

    # Candles.

    def candle(self, start_ms: int, end_ms: int, now_ms: int) -> Kline | None:
        """The candle of [start_ms, end_ms) as of `now_ms`; None if nothing traded in it."""
        until = min(end_ms, now_ms + 1)
        parts: list[Kline] = []
        minute, last = -(-start_ms // MINUTE_MS), until // MINUTE_MS
        if start_ms < minute * MINUTE_MS:
            self._loose(parts, start_ms, min(until, minute * MINUTE_MS))
        while minute < last:
            size = next(s for s in SIZES if minute % s == 0 and minute + s <= last)
            while size > 1 and self.is_touched(minute, size):
                size = SIZES[SIZES.index(size) + 1]
            parts.append(self._whole(minute, size))
            minute += size
        if minute == last and last * MINUTE_MS < until:
            self._loose(parts, minute * MINUTE_MS, until)
        return merge(parts, start_ms, end_ms - 1)

    def _loose(self, parts: list[Kline], start_ms: int, end_ms: int) -> None:
        """Count part of a minute from its prints."""
        part = of_prints(self.prints(start_ms - 1, end_ms - 1), start_ms, end_ms - 1)
        if part:
            parts.append(part)

    def _whole(self, minute: int, size: int) -> Kline:
        start = minute * MINUTE_MS
        if size == 1 and self.is_touched(minute, 1):
            if minute not in self.candles:
                counted = of_prints(self.minute(minute)[0], start, start + MINUTE_MS - 1)
                assert counted is not None, "every minute has prints"
                self.candles[minute] = counted
            return self.candles[minute]
        node, step = self.tree.node(size, minute), self.market.step
        factor = self.factor(start)
        opening, high = self.shown(node.open, factor), self.shown(node.high, factor)
        low, close = self.shown(node.low, factor), self.shown(node.close, factor)
        typical = (opening + high + low + close) // 4
        volume = (node.bought + node.sold) * step
        return Kline(
            start, start + size * MINUTE_MS - 1, opening, high, low, close,
            volume, volume * typical // E8,
            node.buys + node.sells, node.bought * step, node.bought * step * typical // E8,
        )  # fmt: skip

    # What happened to it.

    def is_touched(self, minute: int, size: int) -> bool:
        place = bisect_left(self.touched, minute)
        return place < len(self.touched) and self.touched[place] < minute + size

    def touch(self, minute: int) -> None:
        if not self.is_touched(minute, 1):
            insort(self.touched, minute)
        self._cached = None

    def add(self, extra: Extra) -> None:
        """Put a print of ours in. It must lie in the future of what has been served."""
        minute, known = extra.at // MINUTE_MS, self._cached
        insort(self.extras.setdefault(minute, []), extra, key=lambda known: known.at)
        self.counts[minute] = self.counts.get(minute, 0) + 1
        self._before = None
        self.touch(minute)
        if known and known[0] == minute:  # merging it all again costs more with every taker
            self._cached = self._with(known, extra)

    def _with(self, known: Merged, extra: Extra) -> Merged:
        """A merged minute with one more print; what comes after it moves up by one."""
        minute, prints, own = known
        place = bisect_right(prints, extra.at, key=attrgetter("at_ms"))
        identity = prints[place - 1].id + 1 if place else prints[0].id
        moved = [
            Print(p.symbol, p.id + 1, p.price, p.quantity, p.at_ms, p.buyer_is_maker)
            for p in prints[place:]
        ]
        here = self._print(extra, identity)
        return (
            minute,
            [*prints[:place], here, *moved],
            [*own[:place], extra.own, *own[place:]],
        )

    def replace(self, minute: int, extras: list[Extra]) -> None:
        """Put other prints of ours in place of a minute's. None of them was served yet."""
        self.extras[minute], self.counts[minute] = extras, len(extras)
        self._before = None
        self.touch(minute)

    def extras_before(self, minute: int) -> int:
        """How many prints of ours came before this minute: what trade ids are ahead by."""
        if not self.counts:
            return self.forgotten
        if self._before is None:
            self.counts = dict(sorted(self.counts.items()))
            self._before = [0, *accumulate(self.counts.values())]
            self._keys = list(self.counts)
        return self.forgotten + self._before[bisect_left(self._keys, minute)]

    def shift(self, target: int, at_ms: int, end_ms: int) -> None:
        """Let the factor walk so that the market stands at `target` (e8) at `end_ms`."""
        factor = self.factor(at_ms)
        if self.shifts and self.shifts[-1].end > at_ms:  # interrupt the walk under way
            running = self.shifts.pop()
            if running.start < at_ms:
                self.shifts.append(running._replace(end=at_ms, after=factor))
        after = target / (self.ticks_at(end_ms) * self.market.tick)
        self.shifts.append(Shift(at_ms, end_ms, factor, after))
        for minute in range(at_ms // MINUTE_MS, end_ms // MINUTE_MS + 1):
            self.touch(minute)

    def settle(self, now_ms: int) -> None:
        """Count the finished touched minutes, and let old details go. Once a minute is enough."""
        now = now_ms // MINUTE_MS
        for minute in self.touched:
            if minute < now and minute not in self.candles:
                self._whole(minute, 1)
        kept = sum(map(len, self.extras.values()))
        for minute in sorted(m for m in self.extras if m < now):
            if minute >= now - KEPT_MS // MINUTE_MS and kept <= MOST_EXTRAS:
                break
            kept -= len(self.extras.pop(minute))  # its candle and its count stay
        for minute in self.touched[:-MOST_MINUTES]:
            self.candles.pop(minute, None)
            self.forgotten += self.counts.pop(minute, 0)
            self._before = None
        del self.touched[:-MOST_MINUTES]

    def state(self) -> dict[str, Any]:
        candle_fields = Kline.__dataclass_fields__
        return {
            "shifts": [list(shift) for shift in self.shifts],
            "extras": [list(extra) for minute in self.extras.values() for extra in minute],
            "candles": [[getattr(k, f) for f in candle_fields] for k in self.candles.values()],
            "touched": self.touched,
            "counts": [[minute, count] for minute, count in self.counts.items()],
            "forgotten": self.forgotten,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.shifts = [Shift(*shift) for shift in state["shifts"]]
        self.extras = {}
        for fields in state["extras"]:
            extra = Extra(*fields)
            self.extras.setdefault(extra.at // MINUTE_MS, []).append(extra)
        self.candles = {fields[0] // MINUTE_MS: Kline(*fields) for fields in state["candles"]}
        self.touched = list(state["touched"])
        self.counts = dict(state["counts"])
        self.forgotten = state["forgotten"]
        self._before = self._cached = None
