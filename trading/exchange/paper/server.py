"""The paper exchange on one port: REST, WS API, market streams and the admin API, on wall time.

One event loop owns the exchange, so nothing in it needs a lock. Answers wait for `_Committer`,
which makes durable in one go whatever the requests of a moment changed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from aiohttp import WSCloseCode, WSMsgType, web

from trading.exchange.paper.admin import Admin
from trading.exchange.paper.exchange import PaperExchange, UserEvent
from trading.exchange.paper.market_streams import MarketStreams
from trading.exchange.paper.ws_api import Session

log = logging.getLogger(__name__)

TICK_SECONDS = 0.05
PING_SECONDS = 20
MOST_WAITING = 4 * 1024 * 1024  # characters queued for one client before it is cut off
MOST_BODY = 64 * 1024


def wall_ms() -> int:
    """Server time is always wall time."""
    return time.time_ns() // 1_000_000


class _Committer:
    """Group commit: whoever asks in one turn of the event loop shares one fsync."""

    def __init__(self, exchange: PaperExchange, failed: Callable[[BaseException], None]) -> None:
        self._exchange, self._failed = exchange, failed
        self._pending: asyncio.Future[None] | None = None

    async def done(self) -> None:
        """Wait until everything written so far is durable. Raises: what the disk says."""
        if self._pending is None:
            loop = asyncio.get_running_loop()
            self._pending = loop.create_future()
            loop.call_soon(self._commit)
        await asyncio.shield(self._pending)

    def _commit(self) -> None:
        pending, self._pending = self._pending, None
        if pending is None:
            return
        try:
            self._exchange.commit()
        except Exception as error:  # memory is ahead of the disk now: nobody may be answered
            pending.set_exception(error)
            self._failed(error)
        else:
            pending.set_result(None)


def _encode(frame: dict[str, Any]) -> str:
    """JSON text. An id echoed unchanged may be larger than orjson's 64 bits."""
    try:
        return orjson.dumps(frame).decode()
    except TypeError:
        return json.dumps(frame, separators=(",", ":"))


class _Client:
    """One WS API connection: its session and what waits to be written to it."""

    def __init__(self, session: Session, request: web.Request) -> None:
        self.session, self.request = session, request
        self.socket = web.WebSocketResponse(heartbeat=PING_SECONDS, max_msg_size=MOST_BODY)
        self._waiting: deque[str] = deque()
        self._size = 0
        self._wake = asyncio.Event()

    def offer(self, frame: dict[str, Any]) -> None:
        """Queue a frame; a client that lets too many pile up is cut off."""
        text = _encode(frame)
        self._waiting.append(text)
        self._size += len(text)
        self._wake.set()
        if self._size > MOST_WAITING and self.request.transport is not None:
            log.warning("user stream reader too slow, cut off")
            self.request.transport.abort()

    async def write(self) -> None:
        with contextlib.suppress(ConnectionError):  # the reading side ends the connection
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting:
                    text = self._waiting.popleft()
                    self._size -= len(text)
                    await self.socket.send_str(text)


class PaperServer:
    """Serves one exchange until stopped."""

    def __init__(self, exchange: PaperExchange, *, admin_token: str = "") -> None:
        self.exchange = exchange
        self.failure: BaseException | None = None
        self._stopping = asyncio.Event()
        self._committer = _Committer(exchange, self._fail)
        self._streams = MarketStreams(exchange.feed, lambda: exchange.now_ms)
        self._clients: set[_Client] = set()
        self._runner: web.AppRunner | None = None
        self._ticking: asyncio.Task[None] | None = None
        exchange.autocommit = False
        exchange.print_listeners.append(self._streams.on_prints)
        exchange.event_listeners.append(self._send_events)
        admin = Admin(
            exchange,
            token=admin_token,
            committed=self._committer.done,
            drop=self.drop_connections,
            subscriptions=self.subscriptions,
        )
        self.app = web.Application(client_max_size=MOST_BODY)
        self.app.router.add_get("/ws-api/v3", self._ws_api)
        for path in ("/ws", "/ws/{streams:.*}", "/stream"):
            self.app.router.add_get(path, self._streams.handle)
        admin.mount(self.app)
        self.app.router.add_route("*", "/{path:.*}", self._rest)

    # -- life -------------------------------------------------------------------------------------

    async def start(self, host: str, port: int) -> int:
        """Listen and begin to tick. Returns the port (chosen by the system for 0)."""
        self._runner = web.AppRunner(self.app, access_log=None, handle_signals=False)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, shutdown_timeout=2)
        await site.start()
        self._ticking = asyncio.create_task(self._tick_forever())
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Close every socket, write everything down."""
        if self._ticking:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
        self._streams.drop()
        await asyncio.gather(
            *(
                client.socket.close(code=WSCloseCode.GOING_AWAY, message=b"serverShutdown")
                for client in list(self._clients)
            ),
            return_exceptions=True,
        )
        if self._runner:
            await self._runner.cleanup()
        if self.failure is None:
            self.exchange.close()

    async def serve_until(self, stop: asyncio.Event) -> None:
        """Wait for the signal to stop, or a failure that leaves no choice. Raises: the latter."""
        waits = [asyncio.create_task(one.wait()) for one in (stop, self._stopping)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        await self.stop()
        if self.failure is not None:
            raise self.failure

    def _fail(self, error: BaseException) -> None:
        log.critical("cannot write the state down: stopping", exc_info=error)
        self.failure = error
        self._stopping.set()

    async def _tick_forever(self) -> None:
        try:
            while True:
                self.exchange.tick(wall_ms())
                await self._committer.done()
                await self._streams.flush()
                await asyncio.sleep(TICK_SECONDS)
        except Exception as error:  # a market that stands still would go unnoticed
            self._fail(error)

    # -- requests ---------------------------------------------------------------------------------

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        # Bytes that are no UTF-8 must not come out as half characters, which nothing can encode.
        target = request.raw_path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        path, _, query = target.partition("?")
        body = await request.read()
        answer = self.exchange.handle(
            request.method,
            path,
            query,
            body.decode("utf-8", errors="replace"),
            request.headers,
            wall_ms(),
            address=request.remote or "",
        )
        await self._committer.done()
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    async def _ws_api(self, request: web.Request) -> web.StreamResponse:
        session = Session(self.exchange, wall_ms(), request.remote or "")
        client = _Client(session, request)
        await client.socket.prepare(request)
        self._clients.add(client)
        writer = asyncio.create_task(client.write())
        try:
            async for message in client.socket:
                if message.type is not WSMsgType.TEXT:
                    await client.socket.close(code=WSCloseCode.UNSUPPORTED_DATA)
                    break
                self.exchange.tick(wall_ms())
                answer = session.answer(message.data)
                await self._committer.done()
                client.offer(answer)
        finally:
            self._clients.discard(client)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return client.socket

    def _send_events(self, events: Sequence[UserEvent]) -> None:
        for account, event in events:
            for client in self._clients:
                for frame in client.session.events_for(account, event):
                    client.offer(frame)

    # -- administration ---------------------------------------------------------------------------

    def subscriptions(self) -> int:
        """How many user data streams are open."""
        return sum(len(client.session.subscriptions) for client in self._clients)

    async def drop_connections(self, kind: str) -> int:
        """Close sockets as a failing network would: "user", "market", "all". Returns how many."""
        dropped = 0
        if kind in ("market", "all"):
            dropped += self._streams.drop()
        if kind in ("user", "all"):
            for client in list(self._clients):
                if client.request.transport is not None:
                    client.request.transport.abort()
                dropped += 1
        return dropped
