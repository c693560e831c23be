"""The paper exchange on one port: REST, WS API, market streams and the admin API, on wall time.

One event loop owns the exchange, so nothing in it needs a lock. Answers wait for `Committer`,
which makes durable in one go whatever the requests of a moment changed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from trading.exchange.paper import timeunit
from trading.exchange.paper.accounts import ApiKey
from trading.exchange.paper.admin import Admin
from trading.exchange.paper.committing import Committer
from trading.exchange.paper.errors import BinanceError
from trading.exchange.paper.exchange import PaperExchange, UserEvent
from trading.exchange.paper.faults_desk import FaultDesk
from trading.exchange.paper.market_streams import MarketStreams
from trading.exchange.paper.rest import Response
from trading.exchange.paper.ws_api import Session
from trading.exchange.paper.ws_client import MOST_BODY, PING_SECONDS, Client, encode

log = logging.getLogger(__name__)

TICK_SECONDS = 0.05
LIFE_MS = 24 * 3600 * 1000  # of a connection
GOODBYE_SECONDS = 0.5
WARNING_MS = 10 * 60_000  # before its end comes serverShutdown


def wall_ms() -> int:
    """Server time is always wall time."""
    return time.time_ns() // 1_000_000


class PaperServer:
    """Serves one exchange until stopped."""

    def __init__(
        self, exchange: PaperExchange, *, admin_token: str = "", fault_seed: int = 1
    ) -> None:
        self.exchange = exchange
        self.faults = FaultDesk(
            exchange, deliver=self._deliver, forget=self._forget, seed=fault_seed
        )
        self.failure: BaseException | None = None
        self.life_ms = LIFE_MS
        self._stopped = False
        self._loop_tasks: set[asyncio.Future[None]] = set()  # sends under way to old clients
        self._stopping = asyncio.Event()
        self._committer = Committer(exchange, self._fail)
        self._streams = MarketStreams(exchange.feed, lambda: exchange.now_ms)
        self._streams.reference = lambda symbol: exchange.engine.reference(symbol).at(
            exchange.now_ms
        )
        self._clients: set[Client] = set()
        self._runner: web.AppRunner | None = None
        self._ticking: asyncio.Task[None] | None = None
        exchange.autocommit = False
        exchange.print_listeners.append(self._streams.on_prints)
        exchange.event_listeners.append(self._send_events)
        exchange.key_listeners.append(self._lose_key)
        self._listening: dict[web.WebSocketResponse, tuple[int, str, bool]] = {}
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
            self.app.router.add_get(path, self._stream)
        admin.mount(self.app)
        admin.mount_faults(self.app, self.faults)
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
        """Close every socket, write everything down. Again, it does nothing."""
        if self._stopped:
            return
        self._stopped = True
        if self._ticking:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
        goodbye = encode(self._shutdown())
        saying = [asyncio.ensure_future(one.socket.send_str(goodbye)) for one in self._clients]
        if saying:  # who does not take it in time goes without
            _, late = await asyncio.wait(saying, timeout=GOODBYE_SECONDS)
            for one in late:
                one.cancel()
            await asyncio.gather(*saying, return_exceptions=True)
        self._streams.drop()
        await asyncio.gather(
            *(one.close() for one in list(self._listening)), return_exceptions=True
        )
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
                await self._age(self.exchange.now_ms)
                await asyncio.sleep(TICK_SECONDS)
        except Exception as error:  # a market that stands still would go unnoticed
            self._fail(error)

    # -- requests ---------------------------------------------------------------------------------

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        # Bytes that are no UTF-8 must not come out as half characters, which nothing can encode.
        target = request.raw_path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        path, _, query = target.partition("?")
        body = await request.read()

        async def run() -> Response:
            done = self.exchange.handle(
                request.method,
                path,
                query,
                body.decode("utf-8", errors="replace"),
                request.headers,
                wall_ms(),
                address=request.remote or "",
            )
            await self._committer.done()
            return done

        if self.faults.armed:
            return await self.faults.wire.rest(request, path, run)
        answer = await run()
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    def _refuse(self, request: web.Request) -> web.Response | None:
        """The answer to one connection too many from an address."""
        try:
            self.exchange.limits.connect(request.remote or "", wall_ms())
        except BinanceError as error:
            return web.json_response(error.body(), status=error.status)
        return None

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """The market streams; a listenKey in their place, where old clients may use one."""
        refused = self._refuse(request)
        if refused is not None:
            return refused
        combined = request.path == "/stream"
        name = request.query.get("streams", "") if combined else request.path.removeprefix("/ws/")
        owner = self.exchange.listen_keys.owner(name, wall_ms())
        if owner is None:
            return await self._streams.handle(request)
        socket = web.WebSocketResponse(heartbeat=PING_SECONDS, max_msg_size=MOST_BODY)
        await socket.prepare(request)
        self._listening[socket] = owner, name, combined
        try:
            async for _ in socket:
                pass  # it only listens
        finally:
            del self._listening[socket]
        return socket

    async def _ws_api(self, request: web.Request) -> web.StreamResponse:
        refused = self._refuse(request)
        if refused is not None:
            return refused
        try:
            micros = timeunit.in_micros(request.query.get("timeUnit"))
        except BinanceError as error:
            return web.json_response(error.body(), status=error.status)
        session = Session(self.exchange, wall_ms(), request.remote or "", micros=micros)
        session.rate_limits = request.query.get("returnRateLimits") != "false"
        client = Client(session, request)
        await client.socket.prepare(request)
        self._clients.add(client)
        writer = asyncio.create_task(client.write())
        try:
            async for message in client.socket:
                if message.type is not WSMsgType.TEXT:
                    await client.socket.close(code=WSCloseCode.UNSUPPORTED_DATA)
                    break
                if self.faults.armed:
                    await self._fail_at(client, message.data)
                else:
                    client.offer(await self._answer(session, message.data))
                while session.farewells:
                    client.offer(session.farewells.pop(0))
        finally:
            self._clients.discard(client)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return client.socket

    async def _answer(self, session: Session, text: str) -> dict[str, Any]:
        self.exchange.tick(wall_ms())
        answer = session.answer(text)
        await self._committer.done()
        return answer

    async def _fail_at(self, client: Client, text: str) -> None:
        """Answer a frame while faults are armed."""
        owner = client.session.key.account if client.session.key else None
        said = await self.faults.wire.frame(
            text, owner, lambda: self._answer(client.session, text), abort=client.abort
        )
        if said is not None:
            client.offer_text(said)

    def _shutdown(self) -> dict[str, Any]:
        return {"event": {"e": "serverShutdown", "E": self.exchange.now_ms}}

    async def _age(self, now_ms: int) -> None:
        """Warn and then close the connections whose 24 hours are over."""
        for client in list(self._clients):
            left = client.session.connected_ms + self.life_ms - now_ms
            if left <= 0:
                await client.socket.close(code=WSCloseCode.GOING_AWAY, message=b"24 hours")
            elif left <= min(WARNING_MS, self.life_ms // 2) and not client.warned:
                client.warned = True
                client.offer(self._shutdown())

    def _lose_key(self, key: ApiKey) -> None:
        for client in self._clients:
            for frame in client.session.lost_key(key):
                client.offer(frame)

    def _send_events(self, events: Sequence[UserEvent]) -> None:
        for socket, (owner, name, combined) in list(self._listening.items()):
            for account, event in events:
                if account == owner:
                    told = {"stream": name, "data": event} if combined else event
                    self._loop_tasks.add(task := asyncio.ensure_future(socket.send_json(told)))
                    task.add_done_callback(self._loop_tasks.discard)
        if self.faults.armed:
            self.faults.events(events)
        else:
            self._deliver(events)

    def _forget(self, account: int | None) -> None:
        """Lose subscriptions without a word."""
        for client in self._clients:
            for number, owner in list(client.session.subscriptions.items()):
                if account in (None, owner):
                    del client.session.subscriptions[number]

    def _deliver(self, events: Sequence[UserEvent]) -> None:
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
