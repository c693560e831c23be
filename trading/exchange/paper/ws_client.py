"""One socket of the WS API and what waits to be written to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import deque
from typing import Any

import orjson
from aiohttp import web

from trading.exchange.paper.ws_api import Session

log = logging.getLogger(__name__)

PING_SECONDS = 20
MOST_WAITING = 4 * 1024 * 1024  # characters queued for one client before it is cut off
MOST_BODY = 64 * 1024


def encode(frame: dict[str, Any]) -> str:
    """JSON text. An id echoed unchanged may be larger than orjson's 64 bits."""
    try:
        return orjson.dumps(frame).decode()
    except TypeError:
        return json.dumps(frame, separators=(",", ":"))


class Client:
    """One WS API connection: its session and what waits to be written to it."""

    def __init__(self, session: Session, request: web.Request) -> None:
        self.session, self.request = session, request
        self.socket = web.WebSocketResponse(heartbeat=PING_SECONDS, max_msg_size=MOST_BODY)
        self._waiting: deque[str] = deque()
        self._size = 0
        self.warned = False  # of the end of its 24 hours
        self._wake = asyncio.Event()

    def offer(self, frame: dict[str, Any]) -> None:
        """Queue a frame; a client that lets too many pile up is cut off."""
        self.offer_text(encode(frame))

    def abort(self) -> None:
        """Break the connection as a network would."""
        if self.request.transport is not None:
            self.request.transport.abort()

    def offer_text(self, text: str) -> None:
        """Queue what is text already."""
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
