"""The hub: live prices from Redis to every page of this process.

One Redis subscription per (venue, symbol) in use, one frame per page and flush. A page whose last
frame is still being sent is skipped and gets the newest prices later (a slot per client and symbol,
no queue); a page that stops acknowledging is sent nothing more, then closed. Redis may restart.
"""

import asyncio
import contextlib
import random
import time
from collections import deque
from collections.abc import Coroutine, Iterable
from typing import Any, Protocol

import orjson
import redis.asyncio as aioredis
import structlog
from redis.exceptions import RedisError

from testudo import clock, redis_clients
from trading.market.driving import drive
from trading.market.prices import channel_of, key_of

log = structlog.get_logger(__name__)

FLUSH = 0.05  # seconds between two frames to one page
HEARTBEAT = 1.0  # seconds without news after which a page is told the age of what it shows
MOST_UNACKNOWLEDGED = 256 * 1024  # characters
PATIENCE = 5.0  # seconds a page may stay behind before it is closed
TOO_SLOW = 4408


Wish = tuple[str, frozenset[str]]  # a venue, and symbols of it


class Page(Protocol):
    """What the hub needs of a consumer."""

    async def send(self, text_data: str) -> None: ...

    async def close(self, code: int) -> None: ...


class Seat:
    """One page's place at the hub: what it wants, what it has not been told or not acknowledged."""

    def __init__(self, page: Page, venue: str) -> None:
        self.page, self.venue = page, venue
        self.symbols: frozenset[str] = frozenset()
        self.news: frozenset[str] = frozenset()  # changed, but not told with the others
        self.seq = 0
        self.sending: asyncio.Task[None] | None = None
        self.closing = False
        self._unacknowledged: deque[tuple[int, int]] = deque()  # (seq, size)
        self._size = 0
        self._behind_since: float | None = None
        self.told_at = 0.0

    def acknowledge(self, seq: int) -> None:
        """The page has seen every frame up to `seq`."""
        while self._unacknowledged and self._unacknowledged[0][0] <= seq:
            self._size -= self._unacknowledged.popleft()[1]

    def may_send(self, now: float) -> bool:
        """Whether the page keeps up. A page that does not is marked with the time since when."""
        busy = self.sending is not None and not self.sending.done()
        if self._size <= MOST_UNACKNOWLEDGED and not busy:
            self._behind_since = None
            return True
        if self._behind_since is None:
            self._behind_since = now
        return False

    def is_lost(self, now: float) -> bool:
        return self._behind_since is not None and now - self._behind_since > PATIENCE

    def sent(self, size: int, now: float) -> None:
        self._unacknowledged.append((self.seq, size))
        self._size += size
        self.told_at = now


class Hub:
    """Every page's prices in one process. Lives on the event loop of its first page."""

    def __init__(self) -> None:
        self._seats: set[Seat] = set()
        self._wanted: dict[str, int] = {}  # channel → pages that want it
        self._latest: dict[str, tuple[str, int]] = {}  # channel → (message, seen in ms)
        self._names: dict[str, tuple[str, str]] = {}  # channel → (venue, symbol)
        self._fresh: set[tuple[str, str]] = set()  # (venue, symbol) changed since the last flush
        self._changed = asyncio.Event()  # the set of wanted channels
        self._tasks: list[asyncio.Task[None]] = []
        self._failures = 0  # of Redis, in a row

    def __len__(self) -> int:
        """How many pages are seated."""
        return len(self._seats)

    def join(self, page: Page, venue: str) -> Seat:
        """Give a page its seat; it wants nothing yet."""
        seat = Seat(page, venue)
        self._seats.add(seat)
        if not self._tasks:
            self._changed = asyncio.Event()  # of this event loop
            self._tasks = [
                asyncio.create_task(self._keep(self._listen)),
                asyncio.create_task(self._keep(self._flush)),
            ]
        return seat

    def leave(self, seat: Seat) -> None:
        """The page is gone. The last one stops the hub."""
        self._seats.discard(seat)
        self.want(seat, ())
        if seat.sending is not None:
            seat.sending.cancel()
        if not self._seats:
            for task in self._tasks:
                task.cancel()
            self._tasks = []
            self._latest.clear()

    def want(self, seat: Seat, symbols: Iterable[str]) -> None:
        """Follow these symbols for the page, and no others."""
        wished = frozenset(symbols)
        for symbol in wished - seat.symbols:
            channel = channel_of(seat.venue, symbol)
            self._names[channel] = (seat.venue, symbol)
            self._wanted[channel] = self._wanted.get(channel, 0) + 1
            if channel in self._latest:
                seat.news |= {symbol}
        for symbol in seat.symbols - wished:
            channel = channel_of(seat.venue, symbol)
            self._wanted[channel] -= 1
            if not self._wanted[channel]:
                del self._wanted[channel], self._names[channel]
                self._latest.pop(channel, None)
        seat.news &= wished
        seat.symbols = wished
        seat.told_at = 0.0  # answer with a frame at once, were it only the age
        self._changed.set()

    async def _keep(self, loop: Any) -> None:
        """Run a loop again if it fails: one bad message must not silence every page."""
        while True:
            try:
                await loop()
            except Exception as error:
                log.exception("hub_loop_failed", loop=loop.__name__, error=repr(error))
                await asyncio.sleep(1)

    # From Redis.

    async def _listen(self) -> None:
        """Hear every wanted channel; start over, with back-off, whenever Redis goes away."""
        while True:
            client = redis_clients.listening()
            try:
                async with client.pubsub() as pubsub:
                    await self._hear(client, pubsub)
            except (RedisError, OSError) as error:
                if not self._failures:
                    log.warning("hub_lost_redis", error=repr(error))
                self._failures += 1
            finally:
                with contextlib.suppress(RedisError, OSError):  # it is gone either way
                    await client.aclose()
            wait = min(5.0, 0.1 * 2 ** min(self._failures, 6)) * random.uniform(0.5, 1)  # noqa: S311
            await asyncio.sleep(wait)

    async def _hear(self, client: aioredis.Redis, pubsub: Any) -> None:
        heard: set[str] = set()
        while True:
            self._changed.clear()
            wanted = set(self._wanted)
            if fresh := wanted - heard:
                async with asyncio.timeout(redis_clients.UNHURRIED):
                    await pubsub.subscribe(*fresh)
                await self._look_up(client, fresh)
            if gone := heard - wanted:
                async with asyncio.timeout(redis_clients.UNHURRIED):
                    await pubsub.unsubscribe(*gone)
            heard, self._failures = wanted, 0
            if not heard:
                await self._changed.wait()
                continue
            while not self._changed.is_set():
                redis_clients.still_there(pubsub)
                message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=FLUSH)
                if message is not None and message["type"] == "message":
                    self._note(message["channel"].decode(), message["data"])

    async def _look_up(self, client: aioredis.Redis, channels: Iterable[str]) -> None:
        """Start from the price that is there, rather than wait for the next change."""
        channels = [channel for channel in channels if channel in self._names]
        for channel in channels:
            async with asyncio.timeout(redis_clients.UNHURRIED):
                raw = await client.get(key_of(*self._names[channel]))
            if raw is not None:
                self._note(channel, raw)

    def _note(self, channel: str, raw: bytes | str) -> None:
        named = self._names.get(channel)
        if named is None:
            return
        try:
            seen = int(orjson.loads(raw)["seen"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            log.warning("tick_unreadable", channel=channel, error=repr(error))
            return
        self._latest[channel] = (raw if isinstance(raw, str) else raw.decode(), seen)
        self._fresh.add(named)

    # To the pages.

    async def _flush(self) -> None:
        while True:
            began = time.monotonic()
            self.flush(began)
            await asyncio.sleep(max(0.0, FLUSH - (time.monotonic() - began)))

    def flush(self, now: float) -> None:
        """One frame to every page that has news or has heard nothing for a while."""
        fresh, self._fresh = self._fresh, set()
        encoded: dict[Wish, str] = {}
        news_of: dict[Wish, frozenset[str]] = {}
        ages: dict[Wish, str] = {}
        for seat in list(self._seats):
            if seat.closing or not seat.symbols:
                continue
            wish = (seat.venue, seat.symbols)
            if wish not in news_of:  # once for all pages that show the same
                news_of[wish] = frozenset(s for s in seat.symbols if (seat.venue, s) in fresh)
                ages[wish] = self._age(*wish)
            news = news_of[wish] | seat.news if seat.news else news_of[wish]
            if not seat.may_send(now):
                seat.news = news
                if seat.is_lost(now):
                    seat.closing = True
                    log.info("page_too_slow", venue=seat.venue)
                    self._send(seat, seat.page.close(code=TOO_SLOW))
                continue
            if not news and now - seat.told_at < HEARTBEAT:
                continue
            key = (seat.venue, news)
            if key not in encoded:
                encoded[key] = self._prices(*key)
            seat.news = frozenset()
            seat.seq += 1
            text = (
                f'{{"type":"market","seq":{seat.seq},"prices":{encoded[key]},'
                f'"age_ms":{ages[wish]}}}'
            )
            seat.sent(len(text), now)
            self._send(seat, seat.page.send(text_data=text))

    def _send(self, seat: Seat, sending: Coroutine[Any, Any, None]) -> None:
        try:
            seat.sending = drive(sending)
        except Exception as error:  # this page's socket failed: its consumer will leave
            self._unreachable(seat, error)
            return
        if seat.sending is not None:
            seat.sending.add_done_callback(
                lambda task: (
                    None
                    if task.cancelled() or task.exception() is None
                    else self._unreachable(seat, task.exception())
                )
            )

    @staticmethod
    def _unreachable(seat: Seat, error: BaseException | None) -> None:
        log.info("page_unreachable", error=repr(error))
        seat.closing = True

    def _prices(self, venue: str, symbols: frozenset[str]) -> str:
        """Redis carries each message as the page wants it: no need to decode and encode again."""
        parts = []
        for symbol in sorted(symbols):
            latest = self._latest.get(channel_of(venue, symbol))
            if latest is not None:
                parts.append(f'"{symbol}":{latest[0]}')
        return "{" + ",".join(parts) + "}"

    def _age(self, venue: str, symbols: frozenset[str]) -> str:
        """How old the oldest of these prices is, in ms; null if one is unknown."""
        seen = [self._latest.get(channel_of(venue, symbol)) for symbol in symbols]
        if any(one is None for one in seen):
            return "null"
        return str(max(0, clock.now_ms() - min(one[1] for one in seen if one)))


hub = Hub()
