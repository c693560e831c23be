"""The market socket: carries live prices to one page. It decides nothing, holds no Redis line.

The page says {"op":"subscribe","symbols":[…]} and, each second, {"op":"ack","seq":n}.
"""

import json
import re
import time
from collections import deque
from typing import Any
from urllib.parse import parse_qs

from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from testudo.web.close_codes import NOT_FOUND, NOT_SIGNED_IN, TOO_MANY_FAULTS
from trading.market.hub import Seat, hub

MOST_SYMBOLS = 50
MOST_FAULTS = 5
MOST_MESSAGES = 20  # a second
LARGEST_FRAME = 4096  # characters
_SYMBOL = re.compile(r"[A-Z0-9]{2,20}", re.ASCII)


class BadWish(Exception):
    """A frame that is answered with an error: a code, and what to send instead."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


class MarketConsumer(AsyncWebsocketConsumer):
    """One page's live prices."""

    # The hub feeds us; an alias that exists would cost a Redis receive loop per page.
    channel_layer_alias = "none: the hub feeds this consumer"
    seat: Seat | None = None
    faults = 0

    async def dispatch(self, message: dict[str, Any]) -> None:
        """As Channels', without its trip to a thread that closes database connections.

        There are none here, and a thousand pages acknowledge every second.
        """
        handler = getattr(self, get_handler_name(message), None)
        if handler is None:
            raise ValueError(f"No handler for a message of type {message['type']}.")
        await handler(message)

    async def connect(self) -> None:
        await self.accept()  # a refusal before would hide its code from the page
        user = self.scope.get("user")
        if user is None or not user.is_authenticated:
            await self.close(code=NOT_SIGNED_IN)
            return
        query = parse_qs(self.scope["query_string"].decode("ascii", "replace"))
        venue = query.get("venue", ["paper"])[0]
        if venue not in settings.VENUES:
            await self.close(code=NOT_FOUND)
            return
        self._times: deque[float] = deque(maxlen=MOST_MESSAGES)
        self.seat = hub.join(self, venue)

    async def disconnect(self, code: int) -> None:
        if self.seat is not None:
            hub.leave(self.seat)
            self.seat = None

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.seat is None:
            return
        try:
            self._pace()
            self._obey(self.seat, text_data)
        except BadWish as bad:
            self.faults += 1
            error = {"type": "error", "code": bad.code, "detail": bad.detail}
            await self.send(text_data=json.dumps(error))
            if self.faults >= MOST_FAULTS:
                await self.close(code=TOO_MANY_FAULTS)

    def _pace(self) -> None:
        now = time.monotonic()
        if len(self._times) == MOST_MESSAGES and now - self._times[0] < 1.0:
            raise BadWish("too_fast", f"Send at most {MOST_MESSAGES} messages a second.")
        self._times.append(now)

    @staticmethod
    def _obey(seat: Seat, text: str | None) -> None:
        wish = _read(text)
        match wish.get("op"):
            case "ack":
                seq = wish.get("seq")
                if type(seq) is not int or not 0 <= seq <= seat.seq:
                    raise BadWish(
                        "bad_ack", f"Acknowledge the number of a frame you got: 0 to {seat.seq}."
                    )
                seat.acknowledge(seq)
            case "subscribe":
                hub.want(seat, _symbols(wish.get("symbols")))
            case _:
                raise BadWish(
                    "unknown_op",
                    'Known here: {"op":"subscribe","symbols":["BTCUSDT"]} and '
                    '{"op":"ack","seq":1}. Orders go over HTTP.',
                )


def _read(text: str | None) -> dict[str, Any]:
    if text is None or len(text) > LARGEST_FRAME:
        raise BadWish("bad_frame", f"Send JSON texts of at most {LARGEST_FRAME} characters.")
    try:
        wish = json.loads(text)
    except (ValueError, RecursionError):
        wish = None
    if not isinstance(wish, dict):
        raise BadWish("bad_frame", 'This is no JSON object. Send {"op":"subscribe",…}.')
    return wish


def _symbols(value: object) -> list[str]:
    good = isinstance(value, list) and all(
        isinstance(symbol, str) and _SYMBOL.fullmatch(symbol) for symbol in value
    )
    if not good or not isinstance(value, list):
        raise BadWish("bad_symbols", 'Name symbols as a list of texts like "BTCUSDT".')
    if len(set(value)) > MOST_SYMBOLS:
        raise BadWish("too_many_symbols", f"Follow at most {MOST_SYMBOLS} symbols at once.")
    return value
