"""Paper trading on the real market: Binance's public streams as a feed. `--feed binance`.

REST gives what came before and fills every gap by trade id; the streams give the rest. A lost
connection is opened again with growing pauses. Trades keep Binance's own ids and times; what our
takers eat is missing from our copy of the book for some seconds and never printed on the tape.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import requests
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from trading.exchange.paper.klines import HOUR, MINUTE, floor, merge
from trading.exchange.paper.live_book import BookGap, LocalBook
from trading.exchange.paper.synthetic_markets import Market
from trading.exchange.paper.tape_feed import TapeFeed
from trading.exchange.paper.tape_files import amount
from trading.exchange.paper.tape_line import Tick
from trading.exchange.paper.values import Book, Fill, Kline, Level

log = logging.getLogger(__name__)

SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds before a connection is tried again
SILENCE = 60.0  # seconds without a word: the connection is dead
PAGE = 1000
MOST_PAGES = 50  # of missed trades fetched one by one; a longer gap is told as lost


@dataclass(frozen=True)
class LiveVenue:
    """Where Binance is."""

    rest: str = "https://api.binance.com"
    streams: str = "wss://stream.binance.com:9443"


class LiveSource:
    """What the connection heard and the feed has not told yet."""

    ended_ms: int | None = None

    def __init__(self) -> None:
        self.heard: list[Tick] = []

    def until(self, to_ms: int) -> Iterator[Tick]:
        heard, self.heard = self.heard, []
        yield from heard


class LiveFeed(TapeFeed):
    """Binance's own market. `run()` must be running for it to move."""

    kind = "binance"

    def __init__(self, symbols: Sequence[str], *, venue: LiveVenue, now_ms: int) -> None:
        """Asks REST for the listings, the history and the books.

        Raises: ValueError, for a symbol Binance does not list, or a Binance that is not there.
        """
        self.venue, self._wire = venue, LiveSource()
        self.connections = self.filled = 0  # how often connected; trades fetched for gaps
        try:
            listed = self._get(
                "exchangeInfo", symbols=json.dumps(list(symbols), separators=(",", ":"))
            )
            trades = {symbol: self._get("trades", symbol=symbol, limit=PAGE) for symbol in symbols}
            markets = [_market(one, trades[one["symbol"]][-1]) for one in listed["symbols"]]
            self._heard = {symbol: int(trades[symbol][0]["id"]) - 1 for symbol in symbols}
            first = {symbol: _tick(symbol, trades[symbol][0]) for symbol in symbols}
            super().__init__(markets, self._wire, first, now_ms=now_ms)
            self._books = {symbol: LocalBook() for symbol in symbols}
            for symbol in symbols:
                self._load_candles(symbol, trades[symbol])
                self._books[symbol].load(self._get("depth", symbol=symbol, limit=PAGE))
        except (requests.RequestException, KeyError, IndexError, TypeError) as error:
            raise ValueError(f"No market data from {venue.rest}: {error}.") from error

    def _get(self, path: str, **params: Any) -> Any:
        answer = requests.get(f"{self.venue.rest}/api/v3/{path}", params=params, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def _load_candles(self, symbol: str, trades: Sequence[dict[str, Any]]) -> None:
        """History: whole hours, whole minutes, and the trades of the minute under way."""
        line = self._lines[symbol]
        minute = floor("1m", trades[-1]["time"])
        hour = floor("1h", minute)
        minutes = [_kline(r) for r in self._get("klines", symbol=symbol, interval="1m", limit=PAGE)]
        hours = [_kline(r) for r in self._get("klines", symbol=symbol, interval="1h", limit=PAGE)]
        for candle in hours:
            if candle.open_ms < hour:
                line.candles.put(HOUR, candle)
        for candle in minutes:
            if candle.open_ms < minute:
                line.candles.put(MINUTE, candle)
        running = merge(
            [one for one in minutes if hour <= one.open_ms < minute], hour, hour + HOUR - 1
        )
        if running:
            line.candles.put(HOUR, running)
        self._hear(symbol, [one for one in trades if one["time"] >= minute] or trades[-1:])
        self._pull(self._now)

    # -- listening --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Stay connected until cancelled."""
        pause = SHORTEST_PAUSE
        while True:
            before = self.connections
            try:
                await self._connected()
            except (OSError, WebSocketException, TimeoutError, requests.RequestException) as error:
                log.warning("lost Binance's market data: %s", error or type(error).__name__)
            except (ValueError, KeyError, TypeError):
                log.exception("Binance said something unheard of: connecting again")
            pause = SHORTEST_PAUSE if self.connections > before else min(2 * pause, LONGEST_PAUSE)
            await asyncio.sleep(pause * (0.5 + random.random() / 2))  # noqa: S311 (no secret)

    async def _connected(self) -> None:
        names = [f"{s.lower()}@{kind}" for s in self._books for kind in ("trade", "depth@100ms")]
        url = f"{self.venue.streams}/stream?streams={'/'.join(names)}"
        async with connect(url, open_timeout=10, ping_interval=20, ping_timeout=20) as socket:
            self.connections += 1
            for symbol in self._books:  # the stream is open: nothing falls between it and these
                await self._fill(symbol, None)
                await self._snapshot(symbol)
            await self._listen(socket)

    async def _listen(self, socket: ClientConnection) -> None:
        while True:
            async with asyncio.timeout(SILENCE):
                frame = json.loads(await socket.recv())
            event = frame.get("data", frame)
            if event.get("e") == "serverShutdown":
                log.info("Binance is about to close the stream: opening another one")
                return
            if event.get("e") == "trade":
                symbol, number = event["s"], event["t"]
                if number > self._heard[symbol] + 1:
                    await self._fill(symbol, number)
                self._hear(symbol, [event])
            elif event.get("e") == "depthUpdate":
                try:
                    self._books[event["s"]].apply(event)
                except BookGap as gap:
                    log.warning("a gap in the book of %s (%s): taking a new one", event["s"], gap)
                    await self._snapshot(event["s"])

    async def _snapshot(self, symbol: str) -> None:
        book = await asyncio.to_thread(self._get, "depth", symbol=symbol, limit=PAGE)
        self._books[symbol].load(book)

    async def _fill(self, symbol: str, until_id: int | None) -> None:
        """Fetch the trades after the last one heard, up to this one (None: up to now)."""
        for _ in range(MOST_PAGES):
            begin = self._heard[symbol] + 1
            if until_id is not None and begin >= until_id:
                return
            page = await asyncio.to_thread(
                self._get, "historicalTrades", symbol=symbol, fromId=begin, limit=PAGE
            )
            page = [one for one in page if until_id is None or one["id"] < until_id]
            self.filled += len(page)
            self._hear(symbol, page)
            if len(page) < PAGE:
                return
        log.error("%s: too many trades missed to fetch them all", symbol)

    def _hear(self, symbol: str, trades: Iterable[dict[str, Any]]) -> None:
        """Queue trades, each id once."""
        for trade in trades:
            tick = _tick(symbol, trade)
            if tick.id is not None and tick.id > self._heard[symbol]:
                self._heard[symbol] = tick.id
                self._wire.heard.append(tick)

    # -- the market -------------------------------------------------------------------------------

    def book(self, symbol: str, depth: int = 20) -> Book:
        """Binance's book as last heard, less what our takers ate in the last seconds."""
        eaten = self._takers.missing(symbol, self._now)
        bids, asks = self._books[symbol].sides(depth + len(eaten))
        left = (
            tuple(
                Level(level.price, level.quantity - eaten.get((taker, level.price), 0))
                for level in side
                if level.quantity > eaten.get((taker, level.price), 0)
            )[:depth]
            for taker, side in (("SELL", bids), ("BUY", asks))
        )
        return Book(symbol, self._update_id(), *left)

    def take(
        self, symbol: str, side: str, limit: int | None, quantity: int, at_ms: int
    ) -> list[Fill]:
        """Eat our copy of the book. Binance's tape shows none of it: its ids are not ours."""
        fills = self._eat(symbol, side, limit, quantity, at_ms)
        return [fill._replace(at_ms=0) for fill in fills]

    def cross(
        self, symbol: str, price: int, quantity: int, *, buyer_is_maker: bool, at_ms: int
    ) -> int:
        """Two of our orders met, and Binance's tape knows nothing of it."""
        return 0

    def move(self, symbol: str, price: int, *, at_ms: int, over_ms: int) -> None:
        """Raises: ValueError."""
        raise ValueError("Nobody moves the live market. Use --feed synthetic for that.")

    def recover(self, symbol: str, fills: Iterable[Fill]) -> None:
        """Our takers leave no print on the live market."""

    def state(self) -> dict[str, Any]:
        """Only what it is: Binance keeps the rest."""
        return {"feed": self.kind, "now": self._now}

    def restore(self, state: dict[str, Any]) -> None:
        """Raises: ValueError, when the state is another market's."""
        if state.get("feed") != self.kind:
            raise ValueError("The state file is of another feed: start with a new one (--state).")


def _tick(symbol: str, trade: dict[str, Any]) -> Tick:
    """A trade of REST or of the stream."""
    if "t" in trade:
        return Tick(
            symbol, trade["T"], amount(trade["p"]), amount(trade["q"]), trade["m"], trade["t"]
        )
    return Tick(
        symbol, trade["time"], amount(trade["price"]), amount(trade["qty"]),
        trade["isBuyerMaker"], trade["id"],
    )  # fmt: skip


def _market(listed: dict[str, Any], trade: dict[str, Any]) -> Market:
    filters = {one["filterType"]: one for one in listed["filters"]}
    tick = amount(filters["PRICE_FILTER"]["tickSize"])
    step = amount(filters["LOT_SIZE"]["stepSize"])
    return Market(
        listed["symbol"], tick, step, amount(trade["price"]), 0.02, 100_000, 25_000 * step
    )


def _kline(row: Sequence[Any]) -> Kline:
    opening, high, low, close, volume = (amount(text) for text in row[1:6])
    return Kline(
        row[0], row[6], opening, high, low, close, volume, amount(row[7]), row[8],
        amount(row[9]), amount(row[10]),
    )  # fmt: skip
