"""A market that stands still until it is told to move: cheap, exact, the same for one script.

Implements the paper exchange's feed. Every symbol counts its trades from one, so that trade ids of
two symbols meet: whoever tells fills apart by the id alone loses one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trading.exchange.paper.symbols import SYMBOLS
from trading.exchange.paper.values import E8, Book, Fill, Kline, Level, Print, to_e8

KEPT = 200  # prints a symbol, for whoever asks for recent ones
STEP_MS = 250  # between two prints of a walk
DEPTH = 10_000 * E8


class StandingMarket:
    """Prices in the quote asset; a spread of two ticks; a book that is never empty."""

    def __init__(self, prices: Mapping[str, str], *, now_ms: int) -> None:
        self._last: dict[str, Print] = {}
        self._ids: dict[str, int] = dict.fromkeys(prices, 0)
        self._kept: dict[str, deque[Print]] = {name: deque(maxlen=KEPT) for name in prices}
        self._coming: list[tuple[int, int, str, int, int, bool, bool]] = []
        self._number = 0
        self._now = now_ms
        for name, price in prices.items():
            self._print(now_ms, name, to_e8(price), E8, maker=False, own=False)

    @property
    def symbols(self) -> Sequence[str]:
        return tuple(self._last)

    def grid(self, symbol: str) -> tuple[int, int]:
        return SYMBOLS[symbol].tick, SYMBOLS[symbol].step

    def advance(self, to_ms: int) -> list[Print]:
        due = sorted(each for each in self._coming if each[0] <= to_ms)
        self._coming = [each for each in self._coming if each[0] > to_ms]
        self._now = max(self._now, to_ms)
        return [
            self._print(at, name, price, quantity, maker=maker, own=own)
            for at, _, name, price, quantity, maker, own in due
        ]

    def move(self, symbol: str, price: int, *, at_ms: int, over_ms: int) -> None:
        """Walk there in equal steps; over 0 ms it jumps."""
        tick, start = SYMBOLS[symbol].tick, self._last[symbol].price
        steps = max(1, over_ms // STEP_MS)
        for step in range(1, steps + 1):
            at = at_ms + over_ms * step // steps
            there = (start + (price - start) * step // steps) // tick * tick
            self._come(at, symbol, there, DEPTH, maker=price < start, own=False)

    def take(
        self, symbol: str, side: str, limit: int | None, quantity: int, at_ms: int
    ) -> list[Fill]:
        book = self.book(symbol)
        level = book.asks[0] if side == "BUY" else book.bids[0]
        beyond = limit is not None and (
            level.price > limit if side == "BUY" else level.price < limit
        )
        if beyond or not quantity:
            return []
        got = min(quantity, level.quantity)
        self._come(at_ms, symbol, level.price, got, maker=side == "SELL", own=True)
        return [Fill(at_ms, level.price, got, side == "SELL")]

    def cross(
        self, symbol: str, price: int, quantity: int, *, buyer_is_maker: bool, at_ms: int
    ) -> int:
        self._come(at_ms, symbol, price, quantity, maker=buyer_is_maker, own=True)
        return at_ms

    def book(self, symbol: str, depth: int = 20) -> Book:
        price, tick = self._last[symbol].price, SYMBOLS[symbol].tick
        bids, asks = (Level(price - tick, DEPTH),), (Level(price + tick, DEPTH),)
        return Book(symbol, self._now, bids, asks)

    def last(self, symbol: str) -> Print:
        return self._last[symbol]

    def recent(self, symbol: str, limit: int) -> list[Print]:
        return list(self._kept[symbol])[-limit:]

    def history(
        self,
        symbol: str,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        from_id: int | None = None,
        limit: int,
    ) -> list[Print]:
        return self.recent(symbol, limit)

    def klines(
        self,
        symbol: str,
        interval: str,
        start_ms: int | None,
        end_ms: int | None,
        limit: int,
        offset_ms: int = 0,
    ) -> list[Kline]:
        return []

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        raise ValueError("A standing market is not kept.")

    def recover(self, symbol: str, fills: Iterable[Fill]) -> None:
        raise ValueError("A standing market is not kept.")

    def _come(
        self, at: int, symbol: str, price: int, quantity: int, *, maker: bool, own: bool
    ) -> None:
        self._number += 1
        self._coming.append((at, self._number, symbol, price, quantity, maker, own))

    def _print(
        self, at: int, symbol: str, price: int, quantity: int, *, maker: bool, own: bool
    ) -> Print:
        self._ids[symbol] += 1
        told = Print(symbol, self._ids[symbol], price, quantity, at, maker, own)
        if not own or symbol not in self._last:
            self._last[symbol] = told
        self._kept[symbol].append(told)
        return told
