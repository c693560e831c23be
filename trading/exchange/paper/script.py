"""A scripted market: exact prices at exact times. `--feed script:FILE`, or in-process for tests.

JSON, a list of events, times in milliseconds from the start, amounts as decimal strings:

    [{"at": 0, "symbol": "BTCUSDT", "price": "65000.00", "quantity": "0.5", "side": "BUY"},
     {"at": 0, "symbol": "BTCUSDT", "bids": [["64999.99", "1"]], "asks": [["65000.01", "2"]]},
     {"at": 1500, "symbol": "BTCUSDT", "price": "64990.00"}]

or CSV with the titles `at,symbol,price,quantity,side` (the last two may be left out). A trade
needs `price`; `quantity` is 1 and `side` (the taker's) BUY without. A book stands until the next
one, less what takers ate; without any the market has a made-up one around its last price. Each
symbol's first trade is at 0. When the script is over the market stands still.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from math import gcd
from pathlib import Path
from typing import Any

from trading.exchange.paper.symbols import SYMBOLS
from trading.exchange.paper.synthetic_markets import Market
from trading.exchange.paper.tape_feed import TapeFeed
from trading.exchange.paper.tape_files import BadTape, amount
from trading.exchange.paper.tape_line import Tick
from trading.exchange.paper.values import E8, Book, Fill, Level

Event = Mapping[str, Any]
TRADE = frozenset({"at", "symbol", "price", "quantity", "side"})
BOOK = frozenset({"at", "symbol", "bids", "asks"})
LATEST_MS = 366 * 86_400_000
ScriptedBook = tuple[tuple[Level, ...], tuple[Level, ...]]  # bids, asks


def read_script(path: Path) -> list[Event]:
    """The events of a file. Raises: BadTape."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadTape(f"{path} cannot be read: {error}.") from None
    if path.suffix == ".csv":
        return [
            {name: value for name, value in row.items() if value}
            for row in csv.DictReader(text.splitlines())
        ]
    try:
        events = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadTape(f"{path.name} is no JSON: {error}.") from None
    if not isinstance(events, list):
        raise BadTape(f"{path.name} must be a list of events.")
    return events


class ScriptSource:
    """The events of a script, in order of time."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.trades: list[Tick] = []
        self.books: list[tuple[int, str, ScriptedBook]] = []
        for number, event in enumerate(events, 1):
            try:
                self._read(event)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise BadTape(f"Event {number} of the script: {error}.") from None
        if not self.trades:
            raise BadTape("The script has no trade in it.")
        self.trades.sort(key=lambda tick: tick.at_ms)
        self.books.sort(key=lambda entry: entry[0])
        self.first: dict[str, Tick] = {}
        for tick in self.trades:
            self.first.setdefault(tick.symbol, tick)
        for symbol, tick in self.first.items():
            if tick.at_ms:
                raise BadTape(f"The script's first trade of {symbol} is at {tick.at_ms}, not at 0.")
        for _, symbol, _ in self.books:
            if symbol not in self.first:
                raise BadTape(f"The script has a book of {symbol} and no trade.")
        self.begin(0)

    def _read(self, event: Event) -> None:
        unknown = event.keys() - (TRADE | BOOK)
        if unknown:
            raise ValueError(f"nobody knows {', '.join(sorted(unknown))}")
        symbol, text = event["symbol"], str(event["at"])
        if not (text.isascii() and text.isdigit() and int(text) <= LATEST_MS):
            raise ValueError(f"at is milliseconds from the start, 0 to {LATEST_MS}, not {text!r}")
        at = int(text)
        if "bids" in event or "asks" in event:
            bids, asks = (
                tuple(Level(amount(p), amount(q)) for p, q in event[side])
                for side in ("bids", "asks")
            )
            if not bids or not asks or bids[0].price >= asks[0].price:
                raise ValueError("a book has bids below asks, at least one of each")
            for side, sign in ((bids, -1), (asks, 1)):
                prices = [sign * level.price for level in side]
                if sorted(set(prices)) != prices or any(level.quantity <= 0 for level in side):
                    raise ValueError("a book's levels go from the best on, quantities above zero")
            self.books.append((at, symbol, (bids, asks)))
            return
        side = event.get("side", "BUY")
        if side not in ("BUY", "SELL"):
            raise ValueError(f"side is BUY or SELL, not {side!r}")
        price, quantity = amount(event["price"]), amount(event.get("quantity", "1"))
        if not price or not quantity:
            raise ValueError("price and quantity must be above zero")
        self.trades.append(Tick(symbol, at, price, quantity, side == "SELL"))

    def begin(self, started_ms: int) -> None:
        self.started_ms, self.ended_ms = started_ms, None
        self._next, self._next_book = 0, 0
        self.standing: dict[str, ScriptedBook] = {}

    ended_ms: int | None

    def until(self, to_ms: int) -> Iterator[Tick]:
        books, trades, started = self.books, self.trades, self.started_ms
        while self._next_book < len(books) and started + books[self._next_book][0] <= to_ms:
            _, symbol, book = books[self._next_book]
            self.standing[symbol] = book
            self._next_book += 1
        while self._next < len(trades) and started + trades[self._next].at_ms <= to_ms:
            tick = trades[self._next]
            self._next += 1
            yield tick._replace(at_ms=started + tick.at_ms)
        if self._next == len(trades) and self._next_book == len(books):
            self.ended_ms = max(
                [started + trades[-1].at_ms, *(started + at for at, _, _ in books[-1:])]
            )


class ScriptFeed(TapeFeed):
    """A script as a market."""

    kind = "script"

    def __init__(
        self, script: Path | Sequence[Event], *, now_ms: int, symbols: Sequence[str] = ()
    ) -> None:
        """`symbols`: only these. Raises: BadTape."""
        events = read_script(script) if isinstance(script, Path) else script
        if symbols:
            events = [e for e in events if not isinstance(e, Mapping) or e.get("symbol") in symbols]
        self._script = ScriptSource(events)
        self._script.begin(now_ms)
        self._bitten: dict[str, dict[int, int]] = {}
        self._of: dict[str, ScriptedBook] = {}
        markets = [self._market(symbol) for symbol in self._script.first]
        super().__init__(markets, self._script, self._script.first, now_ms=now_ms)

    def _market(self, symbol: str) -> Market:
        """Its grid: the listed one, else the finest the script uses."""
        first = self._script.first[symbol]
        known = SYMBOLS.get(symbol)
        tick, step = (known.tick, known.step) if known else (0, 0)
        for told in self._script.trades:
            if told.symbol == symbol:
                tick, step = gcd(tick, told.price), gcd(step, told.quantity)
        for _, name, book in self._script.books:
            for level in (*book[0], *book[1]) if name == symbol else ():
                tick, step = gcd(tick, level.price), gcd(step, level.quantity)
        day = max(1_000_000 * E8 * E8 // first.price, 25_000 * step)
        return Market(symbol, tick, step, first.price, 0.02, 1440, day)

    def identity(self) -> Any:
        return [[tick.symbol, tick.at_ms, tick.price] for tick in self._script.trades]

    def _reopen(self, started_ms: int) -> None:
        self._script.begin(started_ms)
        self._bitten.clear()

    def book(self, symbol: str, depth: int = 20) -> Book:
        """The book as scripted, less what takers ate of it; else a made-up one."""
        standing = self._script.standing.get(symbol)
        if standing is None:
            return super().book(symbol, depth)
        if self._of.get(symbol) is not standing:
            self._of[symbol] = standing
            self._bitten[symbol] = {}
        bitten = self._bitten[symbol]
        bids, asks = (
            tuple(
                Level(level.price, level.quantity - bitten.get(level.price, 0))
                for level in side
                if level.quantity > bitten.get(level.price, 0)
            )[:depth]
            for side in standing
        )
        return Book(symbol, self._update_id(), bids, asks)

    def take(
        self, symbol: str, side: str, limit: int | None, quantity: int, at_ms: int
    ) -> list[Fill]:
        """A scripted level that was eaten does not stand again before the next scripted book."""
        fills = super().take(symbol, side, limit, quantity, at_ms)
        if symbol in self._script.standing:
            bitten = self._bitten[symbol]
            for fill in fills:
                bitten[fill.price] = bitten.get(fill.price, 0) + fill.quantity
        return fills
