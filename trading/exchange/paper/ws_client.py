"""One socket of the WS API: its session, and what its answers mean to the connection."""

from __future__ import annotations

import json
from typing import Any

import orjson
from aiohttp import WSCloseCode, web

from trading.exchange.paper.queued_socket import QueuedSocket
from trading.exchange.paper.socket_life import Rate, shutdown_event
from trading.exchange.paper.switches import Switches
from trading.exchange.paper.ws_api import Session

MOST_WAITING = 4 * 1024 * 1024  # characters queued for one client before it is cut off
MOST_BODY = 64 * 1024
BANNED = 418


def encode(frame: dict[str, Any]) -> str:
    """JSON text. An id echoed unchanged may be larger than orjson's 64 bits."""
    try:
        return orjson.dumps(frame).decode()
    except TypeError:
        return json.dumps(frame, separators=(",", ":"))


class Client(QueuedSocket):
    """One WS API connection and its session."""

    def __init__(self, session: Session, request: web.Request, switches: Switches) -> None:
        super().__init__(
            request,
            most_waiting=MOST_WAITING,
            most_body=MOST_BODY,
            control=Rate(switches.ws_control_frames),
            requests=Rate(switches.ws_messages),
        )
        self.session = session

    def offer(self, frame: dict[str, Any]) -> None:
        """Queue a frame; a client that lets too many pile up is cut off."""
        self.offer_text(encode(frame))

    def shutdown(self, now_ms: int) -> dict[str, Any]:
        """The event that comes before the server ends this connection."""
        return {"event": self.session.timed(shutdown_event(now_ms))}

    def answered(self, status: int) -> None:
        """What the status of an answer means to the connection: who is banned is disconnected."""
        if status == BANNED:
            self.close_after(WSCloseCode.POLICY_VIOLATION, b"IP banned")
