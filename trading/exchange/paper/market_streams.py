"""The market WebSocket: `/ws`, `/ws/<s1>/<s2>`, `/stream?streams=<s1>/<s2>`, as Binance serves it.

After every tick the server calls `on_prints(prints)`, then `await flush()`. Each event is encoded
once per stream. A reader who falls behind is cut off: its queue is bounded, nobody waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import orjson
from aiohttp import WSCloseCode, WSMsgType, web

from trading.exchange.paper.market_channels import Channel, Reference, open_channel
from trading.exchange.paper.values import Feed, Print

log = logging.getLogger(__name__)

MOST_STREAMS = 1024
MOST_MESSAGES = 5  # incoming, a second
MOST_WAITING = 1024 * 1024  # characters queued for one reader
PING_SECONDS = 20
LIFE_MS = 24 * 3600 * 1000
METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_TEXT_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")


class Refusal(Exception):
    """A request that is answered with an error object."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class _Reader:
    """One connected client and what waits to be written to it."""

    def __init__(self, request: web.Request, *, combined: bool, opened_ms: int) -> None:
        self.socket = web.WebSocketResponse(heartbeat=PING_SECONDS, max_msg_size=64 * 1024)
        self.request, self.combined, self.opened_ms = request, combined, opened_ms
        self.streams: dict[str, None] = {}  # a set that remembers its order
        self._waiting: deque[str] = deque()
        self._size = 0
        self._wake = asyncio.Event()

    def offer(self, text: str) -> None:
        """Queue a message, or cut the reader off who has let too many pile up."""
        self._waiting.append(text)
        self._size += len(text)
        self._wake.set()
        if self._size > MOST_WAITING:
            log.warning("market reader too slow, cut off", extra={"waiting": self._size})
            self.cut()

    async def write(self) -> None:
        """Send what waits, in order, until the socket ends."""
        with contextlib.suppress(ConnectionError):  # the reading side ends the connection
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting:
                    text = self._waiting.popleft()
                    self._size -= len(text)
                    await self.socket.send_str(text)

    def cut(self) -> None:
        """End the connection now, without the courtesy that a stalled peer would not read."""
        self._waiting.clear()
        self._size = 0
        if self.request.transport is not None:
            self.request.transport.abort()


class MarketStreams:
    """Every market reader of one exchange. Lives on one event loop."""

    def __init__(self, feed: Feed, now_ms: Callable[[], int]) -> None:
        """`now_ms` is the time of the feed's last advance: candles close by it."""
        self._feed, self._now_ms = feed, now_ms
        self.reference: Reference | None = None  # of the exchange; without it no @referencePrice
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
        reader = _Reader(request, combined=combined, opened_ms=self._now_ms())
        await reader.socket.prepare(request)
        self._readers.add(reader)
        writer = asyncio.create_task(reader.write())
        try:
            self._listen(reader, names)
            await self._read(reader)
        finally:
            self._ignore(reader, list(reader.streams))
            self._readers.discard(reader)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return reader.socket

    async def _read(self, reader: _Reader) -> None:
        loop, times = asyncio.get_running_loop(), deque[float](maxlen=MOST_MESSAGES)
        async for message in reader.socket:
            if message.type is not WSMsgType.TEXT:
                await reader.socket.close(code=WSCloseCode.UNSUPPORTED_DATA)
                return
            now = loop.time()
            if len(times) == MOST_MESSAGES and now - times[0] < 1.0:
                await reader.socket.close(
                    code=WSCloseCode.POLICY_VIOLATION, message=b"Too many requests"
                )
                return
            times.append(now)
            reader.offer(orjson.dumps(self._answer(reader, message.data)).decode())

    def _answer(self, reader: _Reader, text: str) -> dict[str, Any]:
        identity: object = None
        try:
            try:
                wish = orjson.loads(text)
            except orjson.JSONDecodeError as error:
                raise Refusal(
                    3, f"Invalid JSON: expected value at line {error.lineno} column {error.colno}"
                ) from error
            if not isinstance(wish, dict) or "method" not in wish:
                raise Refusal(
                    2, f"Invalid request: missing field `method` at line 1 column {len(text)}"
                )
            identity = _identity(wish.get("id"))
            if wish["method"] not in METHODS:
                raise Refusal(
                    2,
                    f"Invalid request: unknown variant {wish['method']}, expected one of "
                    f"{', '.join(f'`{name}`' for name in METHODS)} at line 1 column 28",
                )
            parameters = wish.get("params", [])
            if not isinstance(parameters, list):
                raise Refusal(2, "Invalid request: params must be a list")
            return {"result": self._obey(reader, wish["method"], parameters), "id": identity}
        except Refusal as refusal:
            return {"code": refusal.code, "msg": refusal.message, "id": identity}

    def _obey(self, reader: _Reader, method: str, parameters: list[Any]) -> object:
        if method == "LIST_SUBSCRIPTIONS":
            return list(reader.streams)
        if method in ("SUBSCRIBE", "UNSUBSCRIBE"):
            if not parameters or not all(isinstance(name, str) for name in parameters):
                raise Refusal(2, "Invalid request: params must be a list of stream names")
            if method == "UNSUBSCRIBE":
                self._ignore(reader, parameters)
            elif len(reader.streams.keys() | set(parameters)) > MOST_STREAMS:
                raise Refusal(2, "Invalid request: too many parameters")
            else:
                self._listen(reader, parameters)
            return None
        name, *value = parameters or [None]
        if not isinstance(name, str):
            raise Refusal(2, "Invalid request: property name must be a string")
        if name != "combined":
            raise Refusal(0, "Unknown property")
        if method == "GET_PROPERTY":
            return reader.combined
        if len(value) != 1 or not isinstance(value[0], bool):
            raise Refusal(1, "Invalid value type: expected Boolean")
        reader.combined = value[0]
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

    def on_prints(self, prints: Iterable[Print]) -> None:
        """Queue what new prints cause at once. Call after every tick, before `flush`."""
        by_symbol: dict[str, list[tuple[str, Channel]]] = {}
        for name, channel in self._channels.items():
            by_symbol.setdefault(channel.symbol, []).append((name, channel))
        now_ms = self._now_ms()
        for trade in prints:
            for name, channel in by_symbol.get(trade.symbol, ()):
                event = channel.on_print(trade, now_ms)
                if event is not None:
                    self._say(name, event)

    async def flush(self) -> None:
        """Queue what is due by time, and end connections that have lived a day."""
        now_ms = self._now_ms()
        for name, channel in list(self._channels.items()):
            for event in channel.due(now_ms):
                self._say(name, event)
        for reader in [r for r in self._readers if now_ms - r.opened_ms > LIFE_MS]:
            reader.cut()

    def _say(self, name: str, event: Any) -> None:
        raw = orjson.dumps(event).decode()
        wrapped = f'{{"stream":"{name}","data":{raw}}}'
        for reader in list(self._listeners.get(name, ())):
            reader.offer(wrapped if reader.combined else raw)

    def drop(self) -> int:
        """Cut every connection without a goodbye, as a network would; returns how many."""
        readers = list(self._readers)
        for reader in readers:
            reader.cut()
        return len(readers)


def _identity(value: object) -> object:
    """The request's id as it was sent. Raises: Refusal, when it is of no accepted kind."""
    if isinstance(value, bool) or not (value is None or isinstance(value, int | str)):
        raise Refusal(2, "Invalid request: request ID must be an unsigned integer")
    if isinstance(value, str) and not _TEXT_ID.fullmatch(value):
        raise Refusal(2, "Invalid request: request ID must be an unsigned integer")
    return value
