"""One venue's market, followed for ever: stream in, latest prices to Redis, candles to PostgreSQL.

Several loops share one board. The venue, Redis or PostgreSQL may vanish at any moment: each loop
then waits with back-off and goes on, the others are not held up. What the stream missed is fetched
by REST after every connect; a candle that could not be stored waits, or is fetched again later.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection
from decimal import Decimal
from typing import Any, ParamSpec, Protocol, TypeVar

import orjson
import redis.asyncio as aioredis
import structlog
import websockets
from django.db import DatabaseError, InterfaceError, OperationalError, connections
from redis.exceptions import RedisError

from testudo import clock, redis_clients
from trading.exchange.venues import VenueUrls
from trading.market.backfill import fill
from trading.market.board import Board
from trading.market.candles import Minute, upsert_candles
from trading.market.health import StreamHealth
from trading.market.prices import TTL, channel_of, key_of
from trading.market.symbols import store_execution_rules, store_rules
from trading.market.venue_rest import MarketUnavailable, VenueRest
from trading.rate_budget import budget_of

log = structlog.get_logger(__name__)

FLUSH = 0.05  # seconds between two words on one symbol
HEARTBEAT = 1.0  # seconds after which an unchanged price is said again, with a fresh `seen`
SILENCE = 20.0  # seconds without a message after which the stream counts as dead
STORE_EVERY = 0.25
MOST_WAITING = 5000  # candles kept while PostgreSQL is away
RULES_EVERY = 3600.0
LONGEST_WAIT = 30.0

P = ParamSpec("P")
T = TypeVar("T")


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row: doubling to a limit, with jitter."""
    longest = min(LONGEST_WAIT, 0.25 * 2.0 ** min(failures, 10))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311


async def in_thread(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking call that may use the database; its connections go back to the pool."""

    def run() -> T:
        try:
            return call(*args, **kwargs)
        finally:
            connections.close_all()

    return await asyncio.to_thread(run)


class Watch(Protocol):
    """Somebody who wants to see every trade of the venue."""

    def see(self, symbol: str, price: Decimal) -> None: ...

    async def run(self, in_thread: Callable[..., Awaitable[Any]]) -> None: ...


class MarketStream:
    """The process behind `manage.py stream_market`. `run()` ends only by cancellation."""

    def __init__(self, urls: VenueUrls, symbols: list[str], *, watch: Watch | None = None) -> None:
        self._watch = watch
        self.venue, self._urls, self._symbols = urls.name, urls, symbols
        self._board = Board(symbols)
        self._rest = VenueRest(urls, budget=budget_of(urls.name))
        self._closed: dict[tuple[str, int], Minute] = {}  # not stored yet
        self._gap = asyncio.Event()  # candles may be missing
        self._connected_ms = 0
        self._seen_ms = 0  # when the stream last proved alive
        self._health = StreamHealth(self.venue, silence=SILENCE)
        self._log = log.bind(venue=self.venue)

    async def run(self) -> None:
        """Follow the market. Raises: what no loop expects, a fault of ours."""
        loops = [self._follow, self._publish, self._store, self._fill, self._keep_rules, self._tell]
        if self._watch is not None:
            loops.append(self._notice)
        tasks = [asyncio.create_task(loop(), name=loop.__name__) for loop in loops]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                ended.result()
        finally:
            await _end(tasks)

    # The stream.

    async def _follow(self) -> None:
        kinds = ("trade", "bookTicker", "kline_1m")
        names = "/".join(f"{s.lower()}@{kind}" for s in self._symbols for kind in kinds)
        failures = 0
        while True:
            try:
                async with websockets.connect(
                    f"{self._urls.streams}/stream?streams={names}",
                    open_timeout=5,
                    close_timeout=1,
                    ping_interval=20,
                    ping_timeout=10,
                    max_queue=1024,
                    proxy=None if self.venue == "paper" else True,
                ) as socket:
                    self._log.info("market_connected", symbols=self._symbols)
                    self._connected_ms = clock.now_ms()
                    self._gap.set()
                    while True:
                        # Not `wait_for`: on Python 3.11 it swallows a cancellation that meets
                        # a frame, and the process would never stop.
                        async with asyncio.timeout(SILENCE):
                            text = await socket.recv()
                        failures = 0
                        self._take(text)
            except (OSError, websockets.WebSocketException, TimeoutError) as error:
                failures += 1
                self._health.note_lost(type(error).__name__)
                wait = backoff(failures)
                self._log.warning("market_lost", error=repr(error), wait=round(wait, 2))
            await asyncio.sleep(wait)

    def _take(self, text: str | bytes) -> None:
        now_ms = clock.now_ms()
        self._seen_ms = now_ms
        try:
            message = orjson.loads(text)
            event = message["data"]
            closed = self._board.apply(event, now_ms)
            if self._watch is not None and event.get("e") == "trade":
                self._watch.see(event["s"], Decimal(event["p"]))
        except (ValueError, KeyError, TypeError) as error:
            self._log.warning("market_event_unreadable", error=repr(error), text=str(text)[:200])
            return
        if closed:
            symbol, minute = closed
            self._closed[symbol, minute.open_ms] = minute
            if len(self._closed) > MOST_WAITING:  # PostgreSQL is away for long: fetch them later
                self._closed.clear()
                self._gap.set()

    async def _notice(self) -> None:
        assert self._watch is not None
        await self._watch.run(in_thread)

    async def _tell(self) -> None:
        await self._health.run(lambda: self._seen_ms, in_thread)

    # Redis.

    async def _publish(self) -> None:
        client = redis_clients.async_commands()
        loop, said_at, down = asyncio.get_running_loop(), 0.0, False
        try:
            while True:
                await asyncio.sleep(FLUSH)
                symbols = self._board.take_changed()
                if loop.time() - said_at >= HEARTBEAT:
                    symbols = set(self._board.symbols())
                    said_at = loop.time()
                try:
                    await self._say(client, symbols)
                    if down:
                        self._log.info("redis_back")
                    down = False
                except (RedisError, OSError) as error:
                    if not down:
                        self._log.warning("redis_lost", error=repr(error))
                    down, said_at = True, 0.0  # say everything once it is back
                    await asyncio.sleep(0.5)
        finally:
            await client.aclose()

    async def _say(self, client: aioredis.Redis, symbols: set[str]) -> None:
        age_ms = clock.now_ms() - self._seen_ms
        if not self._seen_ms or age_ms > TTL * 1000:
            return  # a stream this silent has no latest price: let the old one expire
        async with client.pipeline(transaction=False) as pipe:
            for symbol in symbols:
                message = self._board.message(symbol, self._seen_ms)
                if message is not None:
                    pipe.set(key_of(self.venue, symbol), message, px=TTL * 1000 - age_ms + 1)
                    pipe.publish(channel_of(self.venue, symbol), message)
            if len(pipe):
                await pipe.execute()

    # PostgreSQL.

    async def _store(self) -> None:
        """Write closed candles soon after they close, or when the database is back."""
        failures = 0
        while True:
            await asyncio.sleep(STORE_EVERY if not failures else backoff(failures))
            waiting = dict(self._closed)
            if not waiting:
                continue
            try:
                await in_thread(self._store_all, waiting)
                failures = 0
            except (OperationalError, InterfaceError) as error:
                failures += 1
                self._log.warning("candles_wait", waiting=len(waiting), error=str(error).strip())
                continue
            except DatabaseError as error:  # a figure the table refuses: waiting would not help
                self._log.error("candles_refused", error=str(error).strip(), candles=list(waiting))
            for key, minute in waiting.items():
                if self._closed.get(key) is minute:
                    del self._closed[key]

    def _store_all(self, waiting: dict[tuple[str, int], Minute]) -> None:
        for symbol in {symbol for symbol, _ in waiting}:
            own = [minute for (name, _), minute in waiting.items() if name == symbol]
            upsert_candles(self.venue, symbol, own)

    async def _fill(self) -> None:
        """Fetch what is missing, at the start and after every connect."""
        while True:
            await self._gap.wait()
            self._gap.clear()
            await self._insist("quotes", self._catch_up)
            for symbol in self._symbols:
                await self._insist("backfill", fill, self._rest, self.venue, symbol)

    def _catch_up(self) -> int:
        """Ask for what the stream will not say before it changes."""
        asked_ms, quotes = clock.now_ms(), self._rest.quotes(self._symbols)
        try:
            for symbol, quote in quotes.items():
                self._board.catch_up(
                    symbol, *quote, asked_ms=asked_ms, unless_since=self._connected_ms
                )
        except (ValueError, KeyError) as error:
            raise MarketUnavailable(str(error)) from error
        return len(quotes)

    async def _keep_rules(self) -> None:
        """Read the symbols' rules at the start and every hour."""
        while True:
            await self._insist("rules", self._read_rules)
            await self._insist("execution_rules", self._read_execution_rules)
            await asyncio.sleep(RULES_EVERY)

    def _read_rules(self) -> int:
        return store_rules(self.venue, self._rest.exchange_info(self._symbols))

    def _read_execution_rules(self) -> int:
        return store_execution_rules(self.venue, self._rest.execution_rules(self._symbols))

    async def _insist(self, what: str, call: Callable[..., Any], *args: Any) -> None:
        """Do it, however often the venue or the database is away."""
        failures = 0
        while True:
            try:
                rows = await in_thread(call, *args)
            except (MarketUnavailable, DatabaseError) as error:
                failures += 1
                wait = max(backoff(failures), getattr(error, "wait", 0.0))
                self._log.warning(f"{what}_failed", error=str(error).strip(), wait=round(wait, 2))
                await asyncio.sleep(wait)
            else:
                self._log.info(f"{what}_done", args=args[2:], rows=rows)
                return


async def _end(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel until all have ended: a library under way may swallow one cancellation."""
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=0.5)


async def follow_until(stop: asyncio.Event, stream: Awaitable[None]) -> None:
    """Run a stream until `stop` is set. Raises: what ended the stream before."""
    running = asyncio.ensure_future(stream)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if running.done():
        return running.result()
    running.cancel()
    await asyncio.gather(running, stopping, return_exceptions=True)
    return None
