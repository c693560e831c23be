"""The paper exchange on one port: REST, WS API, market streams and the admin API, on wall time.

One event loop owns the exchange, so nothing in it needs a lock. Answers wait for `Committer`,
which makes durable in one go whatever the requests of a moment changed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterator, Sequence

from aiohttp import web

from trading.exchange.paper.admin import Admin
from trading.exchange.paper.committing import Committer
from trading.exchange.paper.errors import BinanceError
from trading.exchange.paper.exchange import PaperExchange, UserEvent
from trading.exchange.paper.market_streams import MarketStreams
from trading.exchange.paper.rest import Response
from trading.exchange.paper.ws_client import MOST_BODY
from trading.exchange.paper.ws_sockets import ApiSockets

log = logging.getLogger(__name__)

TICK_SECONDS = 0.05


def wall_ms() -> int:
    """Server time is always wall time."""
    return time.time_ns() // 1_000_000


@contextlib.contextmanager
def _or_logged(what: str) -> Iterator[None]:
    """The streams drop what breaks in them; should even that fail, the market goes on."""
    try:
        yield
    except Exception:
        log.exception("%s", what)


class PaperServer:
    """Serves one exchange until stopped."""

    def __init__(
        self, exchange: PaperExchange, *, admin_token: str = "", fault_seed: int = 1
    ) -> None:
        self.exchange = exchange
        self.failure: BaseException | None = None
        self._stopped = False
        self._stopping = asyncio.Event()
        self._committer = Committer(exchange, self._fail)
        self.sockets = ApiSockets(
            exchange, now_ms=wall_ms, committed=self._committer.done, fault_seed=fault_seed
        )
        self.faults = self.sockets.faults
        self._streams = MarketStreams(exchange.public, lambda: exchange.now_ms)
        self._streams.reference = lambda symbol: exchange.engine.reference(symbol).at(
            exchange.now_ms
        )
        self._runner: web.AppRunner | None = None
        self._ticking: asyncio.Task[None] | None = None
        exchange.autocommit = False
        exchange.print_listeners.append(self._streams.on_prints)
        exchange.event_listeners.append(self._send_events)
        exchange.key_listeners.append(self.sockets.lose_key)
        admin = Admin(
            exchange,
            token=admin_token,
            committed=self._committer.done,
            drop=self.drop_connections,
            subscriptions=self.sockets.subscriptions,
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
        self._runner = web.AppRunner(
            self.app, access_log=None, handle_signals=False, shutdown_timeout=2
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
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
        await self.sockets.close()
        await self._streams.close()
        if self._runner:
            await self._runner.cleanup()
        if self.failure is None:
            self.exchange.close()
        else:  # what was acknowledged is on the disk; what was under way is not to be trusted
            self.exchange.store.abandon()

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
        """Memory and disk may disagree: stop, and say why. What comes later follows from it."""
        if self.failure is None:
            log.critical("the exchange cannot go on: stopping", exc_info=error)
            self.failure = error
            self._stopping.set()

    async def _tick_forever(self) -> None:
        while True:
            try:
                self.exchange.tick(wall_ms())
                await self._committer.done()
            except Exception as error:  # torn books must not be served, nor a market stand still
                self._fail(self.exchange.failure or error)
                return
            with _or_logged("the market streams were not looked after at this tick"):
                await self._streams.flush()
            with _or_logged("the user streams were not looked after at this tick"):
                self.sockets.age(self.exchange.now_ms)
            await asyncio.sleep(TICK_SECONDS)

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
        return await self.sockets.listening.handle(
            request, owner=owner, key=name, combined=combined
        )

    async def _ws_api(self, request: web.Request) -> web.StreamResponse:
        refused = self._refuse(request)
        return refused if refused is not None else await self.sockets.handle(request)

    def _send_events(self, events: Sequence[UserEvent]) -> None:
        # They are committed: what goes wrong from here is the sockets' trouble, not the engine's.
        with _or_logged("user events were not delivered"):
            if self.faults.armed:
                self.faults.events(events)
            else:
                self.sockets.deliver(events)

    # -- administration ---------------------------------------------------------------------------

    async def drop_connections(self, kind: str) -> int:
        """Close sockets as a failing network would: "user", "market", "all". Returns how many."""
        dropped = self._streams.drop() if kind in ("market", "all") else 0
        return dropped + (self.sockets.drop() if kind in ("user", "all") else 0)
