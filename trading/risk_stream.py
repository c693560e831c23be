"""The loop of the risk monitor: ticks and changes in, risk to the pages, crossings to PostgreSQL.

One for all accounts of a process, so the work is done once an account, however many pages look.
Redis, PostgreSQL or the channel layer may vanish: each part goes on when they are back.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import redis.asyncio as aioredis
import structlog
from channels.layers import get_channel_layer
from django.db import Error as DatabaseError
from redis.exceptions import RedisError

from risk.nav import Nav
from testudo import redis_clients
from trading import monitor
from trading.book_stamp import stamps_of
from trading.consumers import group_of
from trading.market.prices import Quote, channel_of, key_of, read_quote
from trading.monitor import Reading, Watched
from trading.points import minute_of
from trading.risk_hint import CHANNEL
from trading.risk_live import LIVE_FOR, live_key

log = structlog.get_logger(__name__)

READ_GAP = 0.1  # seconds between two readings of one account that hints ask for, at least
GAP = 0.05  # seconds between two frames of one account, at least
SHORTEST = 0.001  # seconds
POLL_EVERY = 1.0  # seconds; what no hint told of is found then
READ_AGAIN_AFTER = 10.0  # seconds: limits, switches and venues change without a stamp
SWEEP_GAP = 1.0
TICKS_SHARE = 0.1  # of its time it prices ticks for; the newest value waits, whatever is many
HEARTBEAT = 5.0  # seconds after which unchanged figures are sent again

InThread = Callable[..., Awaitable[Any]]


class Seen:
    """What the loop knows of one account. All of it can be read again."""

    def __init__(self, watched: Watched, now: float) -> None:
        self.watched, self.read_at = watched, now
        self.sent_at = self.swept_at = float("-inf")
        self.figures: dict[str, Any] = {}
        self.highest: Nav | None = None  # NAV above the stored peak
        self.minute: datetime | None = None


class RiskStream:
    """Watches the accounts that `account_ids` names, for ever."""

    def __init__(self, account_ids: Callable[[], list[UUID]], in_thread: InThread) -> None:
        self._account_ids, self._in_thread = account_ids, in_thread
        self._seen: dict[UUID, Seen] = {}
        self._quotes: dict[tuple[str, str], Quote] = {}
        self._channels: dict[str, tuple[str, str]] = {}  # channel → (venue, symbol)
        self._changed: set[UUID] = set()  # read them again
        self._dirty: set[UUID] = set()  # price them again
        self._fresh: set[UUID] = set()  # of those, read since: they wait for no ticks of others
        self._ticks_from = float("-inf")  # monotonic
        self._stir = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Ends only by cancellation."""
        loops = [self._keep(loop) for loop in (self._hear, self._read, self._show)]
        await asyncio.gather(*loops)

    async def _keep(self, loop: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await loop()
            except (RedisError, OSError, DatabaseError) as error:
                log.warning("risk_stream_waits", part=loop.__name__, error=str(error).strip())
            except Exception as error:
                log.exception("risk_stream_failed", part=loop.__name__, error=repr(error))
            await asyncio.sleep(1.0)

    # In: ticks and hints from Redis.

    async def _hear(self) -> None:
        client = redis_clients.listening()
        try:
            async with client.pubsub() as pubsub:
                async with asyncio.timeout(redis_clients.UNHURRIED):
                    await pubsub.subscribe(CHANNEL)
                heard: set[str] = set()
                while True:
                    wanted = set(self._channels)
                    if fresh := wanted - heard:
                        async with asyncio.timeout(redis_clients.UNHURRIED):
                            await pubsub.subscribe(*fresh)
                        await self._look_up(client, fresh)
                    if gone := heard - wanted:
                        async with asyncio.timeout(redis_clients.UNHURRIED):
                            await pubsub.unsubscribe(*gone)
                    heard = wanted
                    redis_clients.still_there(pubsub)
                    message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=GAP)
                    if message is not None and message["type"] == "message":
                        self.take_in(message["channel"].decode(), message["data"])
        finally:
            with contextlib.suppress(RedisError, OSError):  # it is gone either way
                await client.aclose()

    async def _look_up(self, client: aioredis.Redis, channels: set[str]) -> None:
        for channel in channels:
            named = self._channels.get(channel)
            if named is None:
                continue
            async with asyncio.timeout(redis_clients.UNHURRIED):
                raw = await client.get(key_of(*named))
            if raw is not None:
                self.take_in(channel, raw)

    def take_in(self, channel: str, raw: bytes) -> None:
        """One message: a tick, or the key of an account that changed."""
        if channel == CHANNEL:
            with contextlib.suppress(ValueError):
                self._changed.add(UUID(raw.decode()))
                self._stir.set()
            return
        named = self._channels.get(channel)
        quote = read_quote(*named, raw) if named else None
        if named is None or quote is None:
            return
        self._quotes[named] = quote
        self._dirty |= {key for key, seen in self._seen.items() if named in seen.watched.symbols}
        self._stir.set()

    # What PostgreSQL says.

    async def _read(self) -> None:
        while True:
            await self.read_stale(await self._in_thread(self._stale))
            await asyncio.sleep(POLL_EVERY)

    def _stale(self) -> set[UUID]:
        """Accounts whose book is not the one in hand. Forgets those that are gone."""
        keys = self._account_ids()
        for gone in self._seen.keys() - set(keys):
            del self._seen[gone]
        stamps = stamps_of(keys)
        now = time.monotonic()
        return {
            key
            for key in keys
            if key in stamps
            and (
                key not in self._seen
                or self._seen[key].watched.facts.stamp != stamps[key]
                or now - self._seen[key].read_at > READ_AGAIN_AFTER
            )
        }

    async def read_stale(self, keys: set[UUID]) -> None:
        """Read these accounts again, and show them."""
        for key in keys:
            seen = self._seen.get(key)
            known = None if seen is None else seen.watched.account
            watched = await self._in_thread(monitor.watch, key, known)
            if seen is None:
                self._seen[key] = Seen(watched, time.monotonic())
            else:
                seen.watched, seen.read_at = watched, time.monotonic()
        self._channels = {
            channel_of(*named): named
            for seen in self._seen.values()
            for named in seen.watched.symbols
        }
        self._fresh |= keys & self._seen.keys()
        self._dirty |= self._fresh
        self._stir.set()

    # Out: frames to the pages, crossings to PostgreSQL.

    async def _show(self) -> None:
        client = redis_clients.async_commands()
        try:
            while True:
                self._stir.clear()
                if changed := self._to_read():
                    await self.read_stale(changed)
                await self.show_dirty(client)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stir.wait(), self._pause())
        finally:
            with contextlib.suppress(RedisError, OSError):
                await client.aclose()

    def _to_read(self) -> set[UUID]:
        """Those that changed and may be read again: an order's fill comes in a burst of changes."""
        self._changed &= self._seen.keys()
        now = time.monotonic()
        ready = {key for key in self._changed if now - self._seen[key].read_at >= READ_GAP}
        self._changed -= ready
        return ready

    def _pause(self) -> float:
        """Seconds until the first of the accounts that changed may be read, or that moved be shown,
        again."""
        seen = self._seen
        due = [self._shown_from(key) for key in self._dirty if key in seen]
        due += [seen[key].read_at + READ_GAP for key in self._changed if key in seen]
        if not due:
            return POLL_EVERY
        return max(min(due) - time.monotonic(), SHORTEST)

    def _shown_from(self, key: UUID) -> float:
        soonest = self._seen[key].sent_at + GAP
        return soonest if key in self._fresh else max(soonest, self._ticks_from)

    async def show_dirty(self, client: aioredis.Redis) -> None:
        """Price every account that moved and may be shown again; the newest value wins.

        Where very many move at each tick they are shown more rarely, each at the newest price: the
        streams and books of all accounts are followed in this process, too.
        """
        now = time.monotonic()
        self._dirty &= self._seen.keys()  # an account may be gone since
        ready = {key for key in self._dirty if now >= self._shown_from(key)}
        if not ready:
            return
        by_ticks = bool(ready - self._fresh)
        self._dirty -= ready
        self._fresh -= ready
        for key in ready:
            seen = self._seen.get(key)
            if seen is None:
                continue
            reading = monitor.read(seen.watched, quote_of=self._quote_of)
            self._follow_up(seen, reading, now)
            await self._send(client, seen, reading, now)
        if by_ticks:
            over = time.monotonic()
            self._ticks_from = over + (over - now) * (1 - TICKS_SHARE) / TICKS_SHARE

    def _quote_of(self, venue: str, symbol: str) -> Quote | None:
        return self._quotes.get((venue, symbol))

    async def _send(self, client: aioredis.Redis, seen: Seen, reading: Reading, now: float) -> None:
        frame = reading.frame()
        figures = {name: value for name, value in frame["risk"].items() if name != "at"}
        if figures == seen.figures and now - seen.sent_at < HEARTBEAT:
            return
        seen.figures, seen.sent_at = figures, now
        account_id, text = seen.watched.account.pk, orjson.dumps(frame).decode()
        message = {"type": "account.risk", "text": text}
        await get_channel_layer().group_send(group_of(account_id), message)
        await client.set(live_key(account_id), text, ex=LIVE_FOR)

    def _follow_up(self, seen: Seen, reading: Reading, now: float) -> None:
        """Crossings, peaks and the minute's point: written in a thread, at most once a second."""
        if reading.nav.peak > max(
            monitor.peak_of(seen.watched), seen.highest.peak if seen.highest else 0
        ):
            seen.highest = reading.nav
        if now - seen.swept_at >= SWEEP_GAP:
            if reading.needs_sweep:
                seen.swept_at = now
                quotes = dict(self._quotes)
                self._start(self._in_thread(monitor.sweep_at, seen.watched, quotes))
            elif seen.highest is not None:
                seen.swept_at = now
                highest, seen.highest = seen.highest, None
                self._start(self._in_thread(monitor.note_peak, seen.watched, highest))
        minute = minute_of(reading.book.at)
        if seen.watched.facts.stakes and seen.minute != minute:
            seen.minute = minute
            self._start(self._in_thread(monitor.note_point, seen.watched, reading, minute))

    def _start(self, work: Awaitable[Any]) -> None:
        task = asyncio.ensure_future(self._quietly(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _quietly(self, work: Awaitable[Any]) -> None:
        """What failed is done again: by the next tick, or by the guard."""
        try:
            await work
        except DatabaseError as error:
            log.warning("risk_not_written", error=str(error).strip())
