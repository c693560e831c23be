"""The account socket: carries one account's numbered events to one page. It decides nothing.

Orders never go over it (B36). Every message has the number of its event in the account's stream;
a page that sees a gap resumes from the last number it has, or fetches the account again.
"""

import json
import sys
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import InterfaceError, OperationalError
from redis.exceptions import RedisError

from testudo.events.models import EventStream, OutboxEvent
from testudo.web.close_codes import NOT_FOUND, NOT_SIGNED_IN, TOO_MANY_FAULTS, TRY_AGAIN_LATER
from trading.api.present import trade as present_trade
from trading.models import ExchangeAccount, Trade

log = structlog.get_logger(__name__)

MOST_REPLAYED = 200  # further behind than this, the page fetches everything again
MOST_FAULTS = 5
LARGEST_FRAME = 4096  # bytes; all the client may say is short


def group_of(account_id: UUID | str) -> str:
    """The channel group of an account's pages: made by the server, never by the client (R29)."""
    return f"account.{account_id}"


class AccountConsumer(AsyncWebsocketConsumer):
    """One page's view of one account of its own trader."""

    account_id: UUID | None = None
    faults = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Without Redis or PostgreSQL there are no live events: the page is told to come again, and
        polls."""
        try:
            await super().__call__(scope, receive, send)
        except (RedisError, OSError, OperationalError, InterfaceError) as error:
            log.warning("page_without_events", error=repr(error))
            await send({"type": "websocket.close", "code": TRY_AGAIN_LATER})

    async def connect(self) -> None:
        user = self.scope.get("user")
        if user is None or not user.is_authenticated:
            await self.accept()
            return await self.close(code=NOT_SIGNED_IN)
        account_id = await self._own_account(user)
        await self.accept()
        if account_id is None:
            return await self.close(code=NOT_FOUND)
        self.account_id = account_id
        # Join first, read the number after: an event in between is sent twice, never missed.
        await self.channel_layer.group_add(group_of(account_id), self.channel_name)
        seq = await self._last_seq()
        await self._say({"type": "hello", "seq": seq, "account": str(account_id)})

    async def disconnect(self, code: int) -> None:
        if self.account_id is not None:
            await self.channel_layer.group_discard(group_of(self.account_id), self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        last = _read_resume(text_data)
        if isinstance(last, str):
            self.faults += 1
            await self._say({"type": "error", "code": "bad_message", "detail": last})
            if self.faults >= MOST_FAULTS:
                await self.close(code=TOO_MANY_FAULTS)
        elif last is not None and self.account_id is not None:
            await self._resume(last)

    async def account_event(self, message: dict[str, Any]) -> None:
        """From the channel layer: one event, already encoded."""
        await self.send(text_data=message["text"])

    async def account_risk(self, message: dict[str, Any]) -> None:
        """From the channel layer: the newest figures of the account's risk, unnumbered."""
        await self.send(text_data=message["text"])

    async def _resume(self, last_seq: int) -> None:
        missed = await self._missed(last_seq)
        if missed is None:
            return await self._say({"type": "refetch", "seq": await self._last_seq()})
        for text in missed:
            await self.send(text_data=text)

    async def _say(self, message: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(message))

    @database_sync_to_async
    def _own_account(self, user: Any) -> UUID | None:
        asked = parse_qs(self.scope["query_string"].decode("ascii", "replace")).get("account", [""])
        try:
            key = UUID(asked[0])
        except ValueError:
            return None
        own = ExchangeAccount.objects.for_principal(user).filter(pk=key)
        return own.values_list("pk", flat=True).first()

    @database_sync_to_async
    def _last_seq(self) -> int:
        stream = EventStream.objects.filter(name=str(self.account_id)).first()
        return stream.last_seq if stream else 0

    @database_sync_to_async
    def _missed(self, last_seq: int) -> list[str] | None:
        """The events after `last_seq`; None where the page had better fetch everything again."""
        stream = EventStream.objects.filter(name=str(self.account_id)).first()
        newest = stream.last_seq if stream else 0
        if last_seq > newest or newest - last_seq > MOST_REPLAYED:
            return None
        rows = OutboxEvent.objects.filter(stream=str(self.account_id), seq__gt=last_seq)
        return [encode(row.seq, row.name, row.payload) for row in rows.order_by("seq")]


def _read_resume(text: str | None) -> int | str | None:
    """The last number a page has; None for an ack; a sentence for what can't be read."""
    if text is None or len(text) > LARGEST_FRAME:
        return "Send short JSON texts only."
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return "This is not JSON."
    op = said.get("op") if isinstance(said, dict) else None
    if op == "ack":
        return None
    if op != "resume":
        known = '{"op":"resume","last_seq":n} and {"op":"ack","seq":n}'
        return f"Known here: {known}. Orders go over HTTP."
    last = said.get("last_seq")
    # What makes no sense as a number gets the whole anew, which always helps (B37).
    return last if type(last) is int and last >= 0 else sys.maxsize


def encode(seq: int, name: str, payload: dict[str, Any]) -> str:
    """One event as the page reads it, with the trade as it stands now."""
    trade_id = payload.get("trade_id")
    trade = Trade.objects.filter(pk=trade_id).first() if trade_id else None
    return json.dumps(
        {
            "type": "event",
            "seq": seq,
            "event": name,
            "text": payload.get("text", ""),
            "trade": present_trade(trade) if trade else None,
        }
    )
