"""One synthetic symbol as it is seen: the tree's market with the overlay of what was done to it.

Candles outside of touched minutes are the tree's, scaled by the overlay's factor: rounding to the
tick is monotone, so they still equal their prints exactly. A touched minute is counted from its
prints.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from operator import attrgetter
from typing import Any

from trading.exchange.paper.klines import merge, of_prints
from trading.exchange.paper.synthetic_overlay import Overlay
from trading.exchange.paper.synthetic_tree import MINUTE_MS, SIZES, Node, Tree
from trading.exchange.paper.takers import Extra
from trading.exchange.paper.values import E8, Kline, Print


class SymbolTape:
    """Prints and candles of one symbol for any span of time."""

    def __init__(self, tree: Tree) -> None:
        self.tree, self.market = tree, tree.market
        self.overlay = Overlay()
        self._cached: tuple[int, list[Print]] | None = None  # a minute and its prints

    # -- prices -----------------------------------------------------------------------------------

    def shown(self, ticks: int, factor: float) -> int:
        """The tree's ticks as a price e8."""
        moved = ticks if factor == 1.0 else max(1, round(ticks * factor))
        return moved * self.market.tick

    def price_at(self, at_ms: int) -> int:
        """The market's price at a time, e8."""
        return self.shown(self._ticks_at(at_ms), self.overlay.factor(at_ms))

    def _ticks_at(self, at_ms: int) -> int:
        """The tree's own price (unshifted) at a time, in ticks."""
        minute = at_ms // MINUTE_MS
        tape = self.tree.tape(minute)
        place = bisect_right(tape.times, at_ms)
        return tape.prices[place - 1] if place else self.tree.node(1, minute - 1).close

    # -- prints -----------------------------------------------------------------------------------

    def minute(self, minute: int) -> list[Print]:
        """All prints of a minute, in order."""
        if self._cached is None or self._cached[0] != minute:
            self._cached = (minute, self._merged(minute))
        return self._cached[1]

    def _merged(self, minute: int) -> list[Print]:
        symbol, step, overlay = self.market.symbol, self.market.step, self.overlay
        tape = self.tree.tape(minute)
        identity = self.tree.node(1, minute).first_id + overlay.extras_before(minute)
        prints: list[Print] = []
        steady = None if overlay.is_touched(minute, 1) else overlay.factor(tape.times[0])
        waiting = iter([*overlay.extras.get(minute, []), None])
        extra = next(waiting)
        for at, ticks, lots, maker in zip(*tape, strict=True):
            while extra and extra.at < at:
                prints.append(self._print(extra, identity + len(prints)))
                extra = next(waiting)
            price = self.shown(ticks, overlay.factor(at) if steady is None else steady)
            prints.append(Print(symbol, identity + len(prints), price, lots * step, at, maker))
        while extra:
            prints.append(self._print(extra, identity + len(prints)))
            extra = next(waiting)
        return prints

    def _print(self, extra: Extra, identity: int) -> Print:
        at, price, quantity, maker, own = extra
        return Print(self.market.symbol, identity, price, quantity, at, maker, own)

    def prints(self, after_ms: int, to_ms: int) -> Iterator[Print]:
        """Every print with after_ms < at <= to_ms."""
        for minute in range((after_ms + 1) // MINUTE_MS, to_ms // MINUTE_MS + 1):
            for one in self.minute(minute):
                if after_ms < one.at_ms <= to_ms:
                    yield one

    def minute_of(self, identity: int, first: int, last: int) -> int:
        """The minute between `first` and `last` that holds the trade of this id, or comes next."""
        while first < last:
            middle = (first + last + 1) // 2
            begins = self.tree.node(1, middle).first_id + self.overlay.extras_before(middle)
            first, last = (middle, last) if begins <= identity else (first, middle - 1)
        return first

    def sketch(self, size: int, start: int, end: int) -> Iterator[Print]:
        """At most four prints (open, extremes, close) per `size` minutes of [start, end).

        Their quantities add up to the candle's; touched minutes are told in full.
        """
        at = start
        while at < end:
            here = next(s for s in SIZES if s <= size and at % s == 0 and at + s <= end)
            while here > 1 and self.overlay.is_touched(at, here):
                here = SIZES[SIZES.index(here) + 1]
            if here == 1 and self.overlay.is_touched(at, 1):
                yield from self.minute(at)
            else:
                yield from self._corners(self.tree.node(here, at))
            at += here

    def _corners(self, node: Node) -> list[Print]:
        begin, span = node.start * MINUTE_MS, node.size * MINUTE_MS
        factor, step = self.overlay.factor(begin), self.market.step
        turns = (node.high, node.low) if self.tree.high_first(node) else (node.low, node.high)
        identity = node.first_id + self.overlay.extras_before(node.start)
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

    # -- candles ----------------------------------------------------------------------------------

    def candle(self, start_ms: int, end_ms: int, now_ms: int) -> Kline | None:
        """The candle of [start_ms, end_ms) as of `now_ms`; None if nothing traded in it."""
        until = min(end_ms, now_ms + 1)
        parts: list[Kline] = []
        minute, last = -(-start_ms // MINUTE_MS), until // MINUTE_MS
        if start_ms < minute * MINUTE_MS:
            self._loose(parts, start_ms, min(until, minute * MINUTE_MS))
        while minute < last:
            size = next(s for s in SIZES if minute % s == 0 and minute + s <= last)
            while size > 1 and self.overlay.is_touched(minute, size):
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
        start, kept = minute * MINUTE_MS, self.overlay.candles
        if size == 1 and self.overlay.is_touched(minute, 1):
            if minute not in kept:
                counted = of_prints(self.minute(minute), start, start + MINUTE_MS - 1)
                assert counted is not None, "every minute has prints"
                kept[minute] = counted
            return kept[minute]
        node, step = self.tree.node(size, minute), self.market.step
        factor = self.overlay.factor(start)
        opening, high = self.shown(node.open, factor), self.shown(node.high, factor)
        low, close = self.shown(node.low, factor), self.shown(node.close, factor)
        typical = (opening + high + low + close) // 4
        volume = (node.bought + node.sold) * step
        return Kline(
            start, start + size * MINUTE_MS - 1, opening, high, low, close,
            volume, volume * typical // E8,
            node.buys + node.sells, node.bought * step, node.bought * step * typical // E8,
        )  # fmt: skip

    # -- what is done to it -----------------------------------------------------------------------

    def add(self, extra: Extra) -> None:
        """Put a print of ours in. It must lie in the future of what has been served."""
        self.overlay.add(extra)
        if self._cached and self._cached[0] == extra.at // MINUTE_MS:
            self._cached = (self._cached[0], self._with(self._cached[1], extra))

    def _with(self, prints: list[Print], extra: Extra) -> list[Print]:
        """A merged minute with one more print; what comes after it moves up by one.

        (Merging it all again would cost more with every taker.)
        """
        place = bisect_right(prints, extra.at, key=attrgetter("at_ms"))
        identity = prints[place - 1].id + 1 if place else prints[0].id
        moved = [
            Print(p.symbol, p.id + 1, p.price, p.quantity, p.at_ms, p.buyer_is_maker, p.own)
            for p in prints[place:]
        ]
        return [*prints[:place], self._print(extra, identity), *moved]

    def shift(self, target: int, at_ms: int, end_ms: int) -> None:
        """Let the market walk so that it stands at `target` (e8) at `end_ms`."""
        self._cached = None
        self.overlay.drop_walk(at_ms)
        self.overlay.shift(at_ms, end_ms, target / (self._ticks_at(end_ms) * self.market.tick))

    def settle(self, now_ms: int) -> None:
        """Count the finished touched minutes, and let old details go. Once a minute is enough."""
        now = now_ms // MINUTE_MS
        for minute in self.overlay.touched:
            if minute < now and minute not in self.overlay.candles:
                self._whole(minute, 1)
        self.overlay.forget(now)

    def restore(self, state: dict[str, Any]) -> None:
        self.overlay.restore(state)
        self._cached = None
