"""The market WebSocket: `/ws`, `/ws/<s1>/<s2>`, `/stream?streams=<s1>/<s2>`, as Binance serves it.

After every tick the server calls `on_prints(prints)`, then `await flush()`. Each event is encoded
once per stream and unit of time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from aiohttp import WSCloseCode, web

from trading.exchange.paper import market_requests, timeunit
from trading.exchange.paper.errors import BinanceError
from trading.exchange.paper.market_channels import Channel, Reference, open_channel
from trading.exchange.paper.market_requests import MOST_STREAMS, Refusal, Wish
from trading.exchange.paper.public_book import PublicMarket
from trading.exchange.paper.queued_socket import QueuedSocket
from trading.exchange.paper.socket_life import LIFE_MS, Rate, shutdown_event, stage
from trading.exchange.paper.values import MarketData, Print

log = logging.getLogger(__name__)

MOST_MESSAGES = 5  # incoming, a second; ping and pong frames are messages too
MOST_WAITING = 1024 * 1024  # characters queued for one reader
MOST_BODY = 64 * 1024
SHUTDOWN = "!serverShutdown"  # the name under which combined readers are told
GOODBYE_SECONDS = 0.5


class _Reader(QueuedSocket):
    """One connected client."""

    def __init__(
        self, request: web.Request, *, combined: bool, micros: bool, opened_ms: int
    ) -> None:
        rate = Rate(MOST_MESSAGES)
        super().__init__(
            request, most_waiting=MOST_WAITING, most_body=MOST_BODY, control=rate, requests=rate
        )
        self.combined, self.micros, self.opened_ms = combined, micros, opened_ms
        self.streams: dict[str, None] = {}  # a set that remembers its order
        self.handling = asyncio.current_task()


class MarketStreams:
    """Every market reader of one exchange. Lives on one event loop."""

    def __init__(self, feed: MarketData, now_ms: Callable[[], int]) -> None:
        """`now_ms` is the time of the feed's last advance: candles close by it."""
        self._feed = feed if isinstance(feed, PublicMarket) else PublicMarket(feed)
        self._now_ms = now_ms
        self.reference: Reference | None = None  # of the exchange; without it no @referencePrice
        self.life_ms = LIFE_MS
        self._readers: set[_Reader] = set()
        self._channels: dict[str, Channel] = {}
        self._listeners: dict[str, set[_Reader]] = {}

    def __len__(self) -> int:
        """How many are connected."""
        return len(self._readers)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection until it ends. Mount on `/ws`, `/ws/{streams:.*}` and `/stream`."""
        combined = request.path.startswith("/stream")
        asked = request.query.get("streams", "") if combined else request.path[len("/ws") :]
        # ccxt counts its connections `/ws/0`, `/ws/1`: digits are no stream.
        names = [name for name in asked.split("/") if name and not name.isdigit()]
        if len(names) > MOST_STREAMS:
            raise web.HTTPBadRequest(text=f"At most {MOST_STREAMS} streams a connection.")
        try:
            micros = timeunit.in_micros(request.query.get("timeUnit"))
        except BinanceError as error:
            return web.json_response(error.body(), status=error.status)
        reader = _Reader(request, combined=combined, micros=micros, opened_ms=self._now_ms())
        await reader.socket.prepare(request)
        self._readers.add(reader)
        writer = asyncio.create_task(reader.write())
        try:
            self._listen(reader, names)
            while (text := await reader.receive()) is not None:
                reader.offer_text(orjson.dumps(self._answer(reader, text)).decode())
        finally:
            self._ignore(reader, list(reader.streams))
            self._readers.discard(reader)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return reader.socket

    # -- requests ---------------------------------------------------------------------------------

    def _answer(self, reader: _Reader, text: str) -> dict[str, Any]:
        try:
            wish = market_requests.read(text)
            return {"result": self._obey(reader, wish), "id": wish.identity}
        except Refusal as refusal:
            return refusal.body()

    def _obey(self, reader: _Reader, wish: Wish) -> object:
        if wish.method == "LIST_SUBSCRIPTIONS":
            return list(reader.streams)
        if wish.method == "UNSUBSCRIBE":
            self._ignore(reader, market_requests.names_of(wish.parameters))
        elif wish.method == "SUBSCRIBE":
            names = market_requests.names_of(wish.parameters)
            market_requests.refuse_more(len(reader.streams.keys() | set(names)))
            self._listen(reader, names)
        else:
            combined = market_requests.property_of(wish)
            if combined is None:
                return reader.combined
            reader.combined = combined
        return None

    def _listen(self, reader: _Reader, names: Iterable[str]) -> None:
        for name in names:
            reader.streams[name] = None
            if name not in self._channels:
                channel = open_channel(self._feed, name, self.reference)
                if channel is None:
                    continue  # accepted and silent, as on Binance
                self._channels[name] = channel
            self._listeners.setdefault(name, set()).add(reader)

    def _ignore(self, reader: _Reader, names: Iterable[str]) -> None:
        for name in names:
            reader.streams.pop(name, None)
            listeners = self._listeners.get(name)
            if listeners is not None:
                listeners.discard(reader)
                if not listeners:
                    del self._listeners[name], self._channels[name]

    # -- events -----------------------------------------------------------------------------------

    def on_prints(self, prints: Iterable[Print]) -> None:
        """Queue what new prints cause at once. Call after every tick, before `flush`."""
        by_symbol: dict[str, list[tuple[str, Channel]]] = {}
        for name, channel in self._channels.items():
            by_symbol.setdefault(channel.symbol, []).append((name, channel))
        now_ms = self._now_ms()
        for trade in prints:
            for name, channel in by_symbol.get(trade.symbol, ()):
                if name in self._channels:  # it may have broken at the print before
                    with self._or_drop(name):
                        event = channel.on_print(trade, now_ms)
                        if event is not None:
                            self._say(name, event, self._listeners[name])

    async def flush(self) -> None:
        """Queue what is due by time; ping the readers, and end those who have lived a day."""
        now_ms = self._now_ms()
        for name, channel in list(self._channels.items()):
            with self._or_drop(name):
                for event in channel.due(now_ms):
                    self._say(name, event, self._listeners.get(name, ()))
        for reader in list(self._readers):
            with reader.or_aborted():
                self._age(reader, now_ms)

    def _age(self, reader: _Reader, now_ms: int) -> None:
        reader.check_pulse()
        match stage(reader.opened_ms, now_ms, self.life_ms):
            case "over":
                reader.close_after(WSCloseCode.GOING_AWAY, b"24 hours")
            case "warn" if not reader.warned:
                reader.warned = True
                self._say(SHUTDOWN, shutdown_event(now_ms), [reader])

    @contextmanager
    def _or_drop(self, name: str) -> Iterator[None]:
        """A stream that breaks ends alone. Its readers are closed: silence would look like calm."""
        try:
            yield
        except Exception:
            log.exception("the stream %s broke and is dropped", name)
            del self._channels[name]
            for reader in self._listeners.pop(name, ()):
                reader.close_after(WSCloseCode.INTERNAL_ERROR, b"stream failed")

    def _say(self, name: str, event: Any, readers: Iterable[_Reader]) -> None:
        raw: dict[bool, str] = {}  # by whether its times are in microseconds
        for reader in list(readers):
            text = raw.get(reader.micros)
            if text is None:
                told = timeunit.market_event(event) if reader.micros else event
                text = raw[reader.micros] = orjson.dumps(told).decode()
            with reader.or_aborted():
                reader.offer_text(
                    f'{{"stream":"{name}","data":{text}}}' if reader.combined else text
                )

    # -- the end ----------------------------------------------------------------------------------

    async def close(self) -> None:
        """Tell every reader that the server shuts down, then close."""
        self._say(SHUTDOWN, shutdown_event(self._now_ms()), self._readers)
        for reader in self._readers:
            reader.close_after(WSCloseCode.GOING_AWAY, b"serverShutdown")
        ending = [reader.handling for reader in self._readers if reader.handling is not None]
        if ending:
            await asyncio.wait(ending, timeout=GOODBYE_SECONDS)
        self.drop()  # who did not take it in time goes without

    def drop(self) -> int:
        """Cut every connection without a goodbye, as a network would; returns how many."""
        readers = list(self._readers)
        for reader in readers:
            reader.abort()
        return len(readers)
