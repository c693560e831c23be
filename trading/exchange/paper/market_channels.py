"""What each market stream says, and when: one channel per stream name in use. No sockets here.

Cadence as Binance's: trades at once, touch on change, klines every 2 s (1s candles every second)
and at their close, tickers every second, depth every second or 100 ms.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol

from trading.exchange.paper import market_windows
from trading.exchange.paper import market_wire as wire
from trading.exchange.paper.klines import DAY, HOUR, INTERVALS, MINUTE, floor
from trading.exchange.paper.public_book import PublicMarket
from trading.exchange.paper.values import Level, Print, from_e8

SECOND = 1000
WINDOWS = {"1h": HOUR, "4h": 4 * HOUR, "1d": DAY}
ZONES = {"": 0, "+08:00": 8 * HOUR}  # the only other one Binance streams candles by
Reference = Callable[[str], int]  # the reference price of a symbol, e8


class Channel(Protocol):
    """A stream of JSON-able events about one symbol (or all)."""

    symbol: str

    def on_print(self, trade: Print, now_ms: int) -> Any | None:
        """The event a print causes at once, if any."""

    def due(self, now_ms: int) -> list[Any]:
        """The events to send now; called after every tick."""


class _Quiet:
    """A channel that says nothing until a subclass does."""

    def __init__(self, feed: PublicMarket, symbol: str) -> None:
        self.feed, self.symbol = feed, symbol

    def on_print(self, trade: Print, now_ms: int) -> Any | None:
        return None

    def due(self, now_ms: int) -> list[Any]:
        return []


class Trades(_Quiet):
    def on_print(self, trade: Print, now_ms: int) -> Any:
        return wire.trade_event(trade, now_ms)


class Aggregates(_Quiet):
    def on_print(self, trade: Print, now_ms: int) -> Any:
        return wire.aggregate_event(trade, now_ms)


class Touch(_Quiet):
    """bookTicker: every change of the best bid or ask."""

    _seen: tuple[tuple[Level, ...], tuple[Level, ...]] | None = None

    def due(self, now_ms: int) -> list[Any]:
        book = self.feed.book(self.symbol, 1)
        touch = (book.bids[:1], book.asks[:1])  # a side may be eaten up
        if touch == self._seen:
            return []
        self._seen = touch
        return [wire.touch_event(book)]


class _Paced(_Quiet):
    """Something said every `every` ms."""

    def __init__(self, feed: PublicMarket, symbol: str, every: int = SECOND) -> None:
        super().__init__(feed, symbol)
        self.every, self._next = every, 0

    def _is_time(self, now_ms: int) -> bool:
        if now_ms < self._next:
            return False
        self._next = now_ms - now_ms % self.every + self.every
        return True


class Ticker(_Paced):
    def due(self, now_ms: int) -> list[Any]:
        if not self._is_time(now_ms):
            return []
        return [wire.ticker_event(self.feed, self.symbol, now_ms)]


class MiniTicker(_Paced):
    def due(self, now_ms: int) -> list[Any]:
        if not self._is_time(now_ms):
            return []
        return [wire.mini_ticker_event(self.feed, self.symbol, now_ms)]


class _Changes(_Paced):
    """Every second one list with the rows of all symbols, of those only that changed."""

    def __init__(self, feed: PublicMarket, row: Callable[[str, int], dict[str, Any]]) -> None:
        super().__init__(feed, "")
        self._row = row
        self._seen: dict[str, tuple[int, int]] = {}  # the last trade and minute told, by symbol

    def due(self, now_ms: int) -> list[Any]:
        if not self._is_time(now_ms):
            return []
        told = []
        for symbol in self.feed.symbols:
            # A row follows from the trades and from the minute that its window begins with.
            now = self.feed.last(symbol).id, now_ms // MINUTE
            if self._seen.get(symbol) != now:
                self._seen[symbol] = now
                told.append(self._row(symbol, now_ms))
        return [told] if told else []


class AveragePrice(_Paced):
    def due(self, now_ms: int) -> list[Any]:
        if not self._is_time(now_ms):
            return []
        return [wire.average_event(self.feed, self.symbol, now_ms)]


class RollingTicker(_Paced):
    """`@ticker_1h` and its like."""

    def __init__(self, feed: PublicMarket, symbol: str, window: str) -> None:
        super().__init__(feed, symbol)
        self.window = window

    def due(self, now_ms: int) -> list[Any]:
        if not self._is_time(now_ms):
            return []
        return [_rolling(self.feed, self.symbol, self.window, now_ms)]


def _rolling(feed: PublicMarket, symbol: str, window: str, now_ms: int) -> dict[str, Any]:
    start = (now_ms - WINDOWS[window]) // MINUTE * MINUTE
    row = market_windows.row(feed, symbol, start, now_ms, now_ms)
    return wire.rolling_event(window, row, now_ms)


class ReferencePrices(_Paced):
    """What the PRICE_RANGE rule measures by, every second."""

    def __init__(self, feed: PublicMarket, symbol: str, reference: Reference) -> None:
        super().__init__(feed, symbol)
        self._reference = reference

    def due(self, now_ms: int) -> list[Any]:
        if not self._is_time(now_ms):
            return []
        price = from_e8(self._reference(self.symbol))
        return [{"e": "referencePrice", "s": self.symbol, "r": price, "t": now_ms}]


class PartialDepth(_Paced):
    def __init__(self, feed: PublicMarket, symbol: str, every: int, levels: int) -> None:
        super().__init__(feed, symbol, every)
        self.levels = levels

    def due(self, now_ms: int) -> list[Any]:
        if not self._is_time(now_ms):
            return []
        return [wire.depth(self.feed.book(self.symbol, self.levels), self.levels)]


class Depth(_Paced):
    """Diffs of the whole book. The next event's U is this one's u + 1; u is REST's lastUpdateId."""

    def __init__(self, feed: PublicMarket, symbol: str, every: int) -> None:
        super().__init__(feed, symbol, every)
        self._watch = feed.watch(symbol)
        self._last_id = self._watch.number

    def due(self, now_ms: int) -> list[Any]:
        if not self._is_time(now_ms):
            return []
        bids, asks = self._watch.changes()
        if not (bids or asks):
            return []
        number = self._watch.number
        event = {
            "e": "depthUpdate", "E": now_ms, "s": self.symbol,
            "U": self._last_id + 1, "u": number, "b": wire.levels(bids), "a": wire.levels(asks),
        }  # fmt: skip
        self._last_id = number
        return [event]


class Candles(_Paced):
    """The candle under way, and each one once more when it has closed (`x` true)."""

    def __init__(self, feed: PublicMarket, symbol: str, interval: str, offset_ms: int = 0) -> None:
        super().__init__(feed, symbol, SECOND if interval == "1s" else 2 * SECOND)
        self.interval, self.offset_ms = interval, offset_ms
        self._open: int | None = None  # opening time of the candle not yet told to be closed

    def due(self, now_ms: int) -> list[Any]:
        opening = floor(self.interval, now_ms, self.offset_ms)
        turned = self._open is not None and opening > self._open
        if not self._is_time(now_ms) and not turned:
            return []
        start = opening if self._open is None else min(self._open, opening)
        ahead = {"offset_ms": self.offset_ms} if self.offset_ms else {}
        candles = self.feed.klines(self.symbol, self.interval, start, now_ms, 1000, **ahead)
        told, last_id = [], self.feed.last(self.symbol).id
        for candle in reversed(candles):  # ids count back from the newest trade
            told.append(wire.kline_event(self.symbol, self.interval, candle, last_id, now_ms))
            last_id -= candle.trades
        self._open = opening
        return told[::-1]


_DEPTH = re.compile(r"depth(5|10|20)?(?:@(100|1000)ms)?")
_ALL_ROLLING = re.compile(r"!ticker_(1h|4h|1d)@arr")
_PLAIN = {
    "trade": Trades,
    "aggTrade": Aggregates,
    "bookTicker": Touch,
    "ticker": Ticker,
    "miniTicker": MiniTicker,
    "avgPrice": AveragePrice,
}


def open_channel(
    feed: PublicMarket, name: str, reference: Reference | None = None
) -> Channel | None:
    """The channel of a stream name; None for one that says nothing (as Binance, without a word)."""
    if name == "!miniTicker@arr":
        return _Changes(feed, lambda symbol, now: wire.mini_ticker_event(feed, symbol, now))
    every_symbol = _ALL_ROLLING.fullmatch(name)
    if every_symbol:
        window = every_symbol[1]
        return _Changes(feed, lambda symbol, now: _rolling(feed, symbol, window, now))
    lower, _, kind = name.partition("@")
    symbol = lower.upper()
    if lower != lower.lower() or symbol not in feed.symbols:
        return None
    if kind in _PLAIN:
        return _PLAIN[kind](feed, symbol)
    if kind == "referencePrice" and reference is not None:
        return ReferencePrices(feed, symbol, reference)
    if kind.startswith("ticker_") and kind[7:] in WINDOWS:
        return RollingTicker(feed, symbol, kind[7:])
    interval, _, zone = kind.removeprefix("kline_").partition("@")
    if kind.startswith("kline_") and interval in INTERVALS and zone in ZONES:
        return Candles(feed, symbol, interval, ZONES[zone])
    match = _DEPTH.fullmatch(kind)
    if match is None:
        return None
    every = int(match[2] or SECOND)
    return (
        PartialDepth(feed, symbol, every, int(match[1])) if match[1] else Depth(feed, symbol, every)
    )
