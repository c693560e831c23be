"""Every connection of the WS API: requests, user events, its age, its end.

The sockets of one exchange, on one event loop. What a request means is in `ws_api.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import WSCloseCode, web

from trading.exchange.paper import timeunit
from trading.exchange.paper.accounts import ApiKey
from trading.exchange.paper.errors import KEY_CODES, BinanceError
from trading.exchange.paper.exchange import PaperExchange, UserEvent
from trading.exchange.paper.faults_desk import FaultDesk
from trading.exchange.paper.listen_sockets import ListenSockets
from trading.exchange.paper.socket_life import LIFE_MS, stage
from trading.exchange.paper.ws_api import Session
from trading.exchange.paper.ws_client import Client, encode

CONNECTING = 2  # what a connection to the WS API weighs
GOODBYE_SECONDS = 0.5


class ApiSockets:
    """Holds the clients of the WS API. `committed` waits until changes are durable."""

    def __init__(
        self,
        exchange: PaperExchange,
        *,
        now_ms: Callable[[], int],
        committed: Callable[[], Awaitable[None]],
        fault_seed: int,
    ) -> None:
        self.exchange = exchange
        self.life_ms = LIFE_MS
        self.faults = FaultDesk(
            exchange,
            deliver=self.deliver,
            forget=self.forget,
            revoke=self.revoke,
            seed=fault_seed,
        )
        self._now_ms, self._committed = now_ms, committed
        self._clients: set[Client] = set()
        self.listening = ListenSockets(exchange)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection until it ends. Mount on `/ws-api/v3`."""
        address = request.remote or ""
        try:
            self.exchange.limits.weigh(address, CONNECTING, self._now_ms())
            micros = timeunit.in_micros(request.query.get("timeUnit"))
        except BinanceError as error:
            return web.json_response(error.body(), status=error.status, headers=error.headers)
        session = Session(self.exchange, self._now_ms(), address, micros=micros)
        session.rate_limits = request.query.get("returnRateLimits") != "false"
        client = Client(session, request, self.exchange.engine.switches)
        await client.socket.prepare(request)
        self._clients.add(client)
        writer = asyncio.create_task(client.write())
        try:
            while (text := await client.receive()) is not None:
                await self._respond(client, text)
                while session.farewells:
                    client.offer(session.farewells.pop(0))
        finally:
            self._clients.discard(client)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return client.socket

    async def _respond(self, client: Client, text: str) -> None:
        if self.faults.armed:
            await self._respond_with_faults(client, text)
            return
        answer = await self._answer(client.session, text)
        client.offer(answer)
        client.answered(answer["status"])

    async def _answer(self, session: Session, text: str) -> dict[str, Any]:
        self.exchange.tick(self._now_ms())
        answer = session.answer(text)
        await self._committed()
        return answer

    async def _respond_with_faults(self, client: Client, text: str) -> None:
        session, before = client.session, set(client.session.subscriptions)
        owner = session.key.account if session.key else None

        def refused(status: int, code: int) -> None:
            client.answered(status)
            if code in KEY_CODES:
                session.forget_key()

        said = await self.faults.wire.frame(
            text,
            owner,
            lambda: self._answer(session, text),
            abort=client.abort,
            refused=refused,
        )
        made = [one for number, one in session.subscriptions.items() if number not in before]
        late = self.faults.at_subscribe(made[0]) if made else None
        if late is not None and late.options["when"] == "before":
            await self._strike_now(late, made[0])
        if said is not None:
            client.offer_text(said)
        if late is not None and late.options["when"] == "after":
            await self._strike_now(late, made[0])

    async def _strike_now(self, fault: Any, account: int) -> None:
        """Something happens to an account at this very moment; its events go out at once."""
        self.faults.market.happen(fault, account)
        await self._committed()

    # -- user events ------------------------------------------------------------------------------

    def deliver(self, events: Sequence[UserEvent]) -> None:
        """Send user events to whoever is subscribed to their accounts."""
        self.listening.deliver(events)
        for account, event in events:
            for client in self._clients:
                with client.or_aborted():
                    for frame in client.session.events_for(account, event):
                        client.offer(frame)

    def subscriptions(self) -> int:
        """How many user data streams are open."""
        return len(self.listening) + sum(
            len(client.session.subscriptions) for client in self._clients
        )

    def forget(self, account: int | None) -> None:
        """Lose subscriptions without a word."""
        self.listening.forget(account)
        for client in self._clients:
            for number, owner in list(client.session.subscriptions.items()):
                if account in (None, owner):
                    client.session.end_stream(number)

    def lose_key(self, key: ApiKey) -> None:
        """A key was revoked: the streams made with it end, and are told so."""
        self.listening.lose_key(key)
        for client in self._clients:
            for frame in client.session.end_streams(key=key.key):
                client.offer(frame)

    def revoke(self, account: int | None) -> None:
        """As if every key of an account (or of all) were revoked: a fault on command."""
        self.listening.revoke(account)
        for client in self._clients:
            for frame in client.session.end_streams(account=account):
                client.offer(frame)

    # -- age and end ------------------------------------------------------------------------------

    def age(self, now_ms: int) -> None:
        """Ping who is due; warn and then close the connections whose 24 hours are over."""
        self.listening.age(now_ms)
        for client in list(self._clients):
            with client.or_aborted():
                self._age(client, now_ms)

    def _age(self, client: Client, now_ms: int) -> None:
        client.check_pulse()
        match stage(client.session.connected_ms, now_ms, self.life_ms):
            case "over":
                client.close_after(WSCloseCode.GOING_AWAY, b"24 hours")
            case "warn" if not client.warned:
                client.warned = True
                client.offer(client.shutdown(now_ms))

    def drop(self) -> int:
        """Cut every connection without a goodbye, as a network would; returns how many."""
        clients = list(self._clients)
        for client in clients:
            client.abort()
        return len(clients) + self.listening.drop()

    async def close(self) -> None:
        """Tell every client that the server shuts down, then close."""
        await self.listening.close()
        saying = [
            asyncio.ensure_future(one.socket.send_str(encode(one.shutdown(self.exchange.now_ms))))
            for one in self._clients
        ]
        if saying:  # who does not take it in time goes without
            _, late = await asyncio.wait(saying, timeout=GOODBYE_SECONDS)
            for one in late:
                one.cancel()
            await asyncio.gather(*saying, return_exceptions=True)
        await asyncio.gather(
            *(
                client.socket.close(code=WSCloseCode.GOING_AWAY, message=b"serverShutdown")
                for client in list(self._clients)
            ),
            return_exceptions=True,
        )
