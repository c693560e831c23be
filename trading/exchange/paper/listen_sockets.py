"""Sockets opened with a listenKey, where the switch lets old clients use one.

They only listen. They end as the others do: after 24 hours, before a shutdown, with the key that
made their listenKey, and with the listenKey itself (`listenKeyExpired`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson
from aiohttp import WSCloseCode, web

from trading.exchange.paper.accounts import ApiKey
from trading.exchange.paper.exchange import PaperExchange, UserEvent
from trading.exchange.paper.queued_socket import QueuedSocket
from trading.exchange.paper.socket_life import LIFE_MS, Rate, shutdown_event, stage

MOST_MESSAGES = 5  # incoming, a second, as on any stream socket
MOST_WAITING = 4 * 1024 * 1024  # characters queued for one client before it is cut off
MOST_BODY = 64 * 1024
GOODBYE_SECONDS = 0.5


class _Listener(QueuedSocket):
    """One connected client."""

    def __init__(
        self, request: web.Request, *, owner: int, key: str, combined: bool, opened_ms: int
    ) -> None:
        rate = Rate(MOST_MESSAGES)
        super().__init__(
            request, most_waiting=MOST_WAITING, most_body=MOST_BODY, control=rate, requests=rate
        )
        self.owner: int | None = owner  # None: its subscription was lost, a fault on command
        self.key, self.combined, self.opened_ms = key, combined, opened_ms
        self.ended = False
        self.handling = asyncio.current_task()

    def say(self, event: dict[str, Any]) -> None:
        told = {"stream": self.key, "data": event} if self.combined else event
        self.offer_text(orjson.dumps(told).decode())


class ListenSockets:
    """Every listenKey socket of one exchange."""

    def __init__(self, exchange: PaperExchange) -> None:
        self._exchange = exchange
        self.life_ms = LIFE_MS
        self._listeners: set[_Listener] = set()

    def __len__(self) -> int:
        """How many are connected."""
        return len(self._listeners)

    async def handle(
        self, request: web.Request, *, owner: int, key: str, combined: bool
    ) -> web.StreamResponse:
        """Serve one connection until it ends. `owner` is the listenKey's account."""
        listener = _Listener(
            request, owner=owner, key=key, combined=combined, opened_ms=self._exchange.now_ms
        )
        await listener.socket.prepare(request)
        self._listeners.add(listener)
        writer = asyncio.create_task(listener.write())
        try:
            while await listener.receive() is not None:
                pass  # it only listens
        finally:
            self._listeners.discard(listener)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return listener.socket

    def deliver(self, events: Sequence[UserEvent]) -> None:
        """Send user events to who listens to their accounts."""
        for listener in list(self._listeners):
            with listener.or_aborted():
                for account, event in events:
                    if account == listener.owner and not listener.ended:
                        listener.say(event)

    def forget(self, account: int | None) -> None:
        """Lose subscriptions without a word: of an account, or all."""
        for listener in self._listeners:
            if account in (None, listener.owner):
                listener.owner = None

    def lose_key(self, key: ApiKey) -> None:
        """A key was revoked: the listenKeys made with it are, too."""
        self._exchange.listen_keys.revoke(key.key)
        self._end_expired(self._exchange.now_ms)

    def revoke(self, account: int | None) -> None:
        """As if every key of an account (or of all) were revoked: a fault on command."""
        for listener in list(self._listeners):
            if account in (None, listener.owner):
                self._expire(listener, self._exchange.now_ms)

    def age(self, now_ms: int) -> None:
        """Ping who is due; end what is over: the 24 hours, or the listenKey."""
        self._end_expired(now_ms)
        for listener in list(self._listeners):
            with listener.or_aborted():
                listener.check_pulse()
                match stage(listener.opened_ms, now_ms, self.life_ms):
                    case "over":
                        listener.ended = True
                        listener.close_after(WSCloseCode.GOING_AWAY, b"24 hours")
                    case "warn" if not listener.warned:
                        listener.warned = True
                        listener.say(shutdown_event(now_ms))

    def _end_expired(self, now_ms: int) -> None:
        for listener in list(self._listeners):
            if self._exchange.listen_keys.owner(listener.key, now_ms) is None:
                self._expire(listener, now_ms)

    @staticmethod
    def _expire(listener: _Listener, now_ms: int) -> None:
        if listener.ended:
            return
        listener.ended = True
        with listener.or_aborted():
            listener.say({"e": "listenKeyExpired", "E": now_ms, "listenKey": listener.key})
            listener.close_after(WSCloseCode.OK, b"listenKey expired")

    def drop(self) -> int:
        """Cut every connection without a goodbye, as a network would; returns how many."""
        listeners = list(self._listeners)
        for listener in listeners:
            listener.abort()
        return len(listeners)

    async def close(self) -> None:
        """Tell every client that the server shuts down, then close."""
        for listener in self._listeners:
            listener.say(shutdown_event(self._exchange.now_ms))
            listener.close_after(WSCloseCode.GOING_AWAY, b"serverShutdown")
        ending = [one.handling for one in self._listeners if one.handling is not None]
        if ending:
            await asyncio.wait(ending, timeout=GOODBYE_SECONDS)
        self.drop()  # who did not take it in time goes without
