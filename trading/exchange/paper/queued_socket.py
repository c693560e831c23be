"""One WebSocket, what waits to be written to it, how much its peer says and whether it is there.

A peer who falls behind is cut off: the queue is bounded and nobody waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Iterator

from aiohttp import WSCloseCode, WSMsgType, web

from trading.exchange.paper.socket_life import Pulse, Rate

log = logging.getLogger(__name__)


class QueuedSocket:
    """The server's end of one connection. `write()` must be running for anything to be sent."""

    def __init__(
        self,
        request: web.Request,
        *,
        most_waiting: int,
        most_body: int,
        control: Rate,
        requests: Rate,
    ) -> None:
        """`most_waiting` in characters, `most_body` in bytes. `control` counts ping and pong
        frames, `requests` the others; they may be one and the same."""
        self.request = request
        self.socket = web.WebSocketResponse(autoping=False, max_msg_size=most_body)
        self.warned = False  # of the end of its 24 hours
        self._loop = asyncio.get_running_loop()
        self._pulse = Pulse(self._loop.time())
        self._control, self._requests = control, requests
        self._waiting: deque[str | bytes] = deque()  # texts, and the payloads of pings
        self._size, self._most_waiting = 0, most_waiting
        self._wake = asyncio.Event()
        self._last_words: tuple[int, bytes] | None = None

    # -- what comes in ----------------------------------------------------------------------------

    async def receive(self) -> str | None:
        """The next request; None where the connection has ended. Pings are answered meanwhile."""
        async for message in self.socket:
            now = self._loop.time()
            if message.type in (WSMsgType.PING, WSMsgType.PONG):
                if not self._control.allows(now):
                    await self._leave(b"Too many ping or pong frames")
                    return None
                if message.type is WSMsgType.PING:
                    await self.socket.pong(message.data)
                else:
                    self._pulse.pong(bytes(message.data))
            elif message.type is not WSMsgType.TEXT:
                await self.socket.close(code=WSCloseCode.UNSUPPORTED_DATA)
                return None
            elif not self._requests.allows(now):
                await self._leave(b"Too many requests")
                return None
            else:
                return str(message.data)
        return None

    async def _leave(self, reason: bytes) -> None:
        await self.socket.close(code=WSCloseCode.POLICY_VIOLATION, message=reason)

    def check_pulse(self) -> None:
        """Ping the peer where that is due; break with one that does not answer any more.

        The ping queues behind what waits: nobody but the writer may wait for a slow peer.
        """
        now = self._loop.time()
        if self._pulse.is_gone(now):
            self.abort()
            return
        payload = self._pulse.ping(now)
        if payload is not None:
            self._waiting.append(payload)
            self._wake.set()

    # -- what goes out ----------------------------------------------------------------------------

    def offer_text(self, text: str) -> None:
        """Queue a frame, or cut off a peer who has let too many pile up."""
        self._waiting.append(text)
        self._size += len(text)
        self._wake.set()
        if self._size > self._most_waiting:
            log.warning("%s reader too slow, cut off", self.request.path)
            self.abort()

    def abort(self) -> None:
        """Break the connection now, without the courtesy that a stalled peer would not read."""
        self._waiting.clear()
        self._size = 0
        if self.request.transport is not None:
            self.request.transport.abort()

    @contextlib.contextmanager
    def or_aborted(self) -> Iterator[None]:
        """What goes wrong with one connection ends that connection, loudly, and no other."""
        try:
            yield
        except Exception:
            log.exception("%s reader failed, cut off", self.request.path)
            self.abort()

    def close_after(self, code: int, reason: bytes) -> None:
        """Close once everything queued so far is written."""
        self._last_words = code, reason
        self._wake.set()

    async def write(self) -> None:
        """Send what waits, in order, until the socket ends."""
        with contextlib.suppress(ConnectionError):  # the reading side ends the connection
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting:
                    item = self._waiting.popleft()
                    if isinstance(item, bytes):
                        await self.socket.ping(item)
                    else:
                        self._size -= len(item)
                        await self.socket.send_str(item)
                if self._last_words is not None:
                    code, reason = self._last_words
                    await self.socket.close(code=code, message=reason)
                    return
