"""How every process speaks to Redis: never for long, and not again at once after no answer (R23).

Redis is cache, broker and pub/sub, and may be absent, or present and silent: a process that stands
still accepts connections and answers nothing. A command gets half a second and no second try;
after a failure the next second asks nothing, so that a page of ten symbols does not wait ten times.
A subscription waits as long as it takes, but pings, and starts over where no ping is answered.
"""

import asyncio
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import redis
import redis.asyncio as aioredis
from channels_redis.pubsub import RedisPubSubChannelLayer, RedisPubSubLoopLayer
from channels_redis.utils import _wrap_close
from django.conf import settings
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

TIMEOUT = 0.5  # seconds for a command
UNHURRIED = 2.0  # seconds where nobody's answer waits: a word to the pages, a subscription
AWAY = 1.0  # seconds without another try after a failure
MOST_WAITING = 200  # messages for one page that its consumer has not taken
PING_EVERY = 10  # seconds without a word, on a subscription
PING_ANSWERED_WITHIN = 5.0


class ImpatientRedis(redis.Redis):
    """Asked once. After no answer it says so at once, for a second, without asking."""

    _away_until = 0.0

    def execute_command(self, *args: Any, **options: Any) -> Any:
        with self._noted():
            return super().execute_command(*args, **options)

    def ask(self, *args: Any) -> "Asked":
        """Send a command and go on; the answer is taken later. Raises: redis.RedisError."""
        with self._noted():
            return Asked(self, args)

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """Ask nothing after no answer, and note where there was none."""
        if time.monotonic() < self._away_until:
            raise redis.ConnectionError("Redis did not answer just now, and is left alone.")
        try:
            yield
        except (redis.ConnectionError, redis.TimeoutError):
            self._away_until = time.monotonic() + AWAY
            raise


class Asked:
    """A command on its way. It holds a connection until `answer` or `drop`, one of which must be
    called."""

    def __init__(self, client: ImpatientRedis, command: tuple[Any, ...]) -> None:
        self._client = client
        self._connection = client.connection_pool.get_connection()
        try:
            self._connection.send_command(*command)
        except BaseException:
            self.drop()
            raise

    def answer(self) -> Any:
        """Wait for it, as it came from the wire. Raises: redis.RedisError."""
        with self._client._noted():
            try:
                said = self._connection.read_response()
            except BaseException:
                self.drop()
                raise
        self._client.connection_pool.release(self._connection)
        return said

    def drop(self) -> None:
        """Nobody wants the answer any more, which may still come: the line is of no use."""
        self._connection.disconnect()
        self._client.connection_pool.release(self._connection)


def commands() -> ImpatientRedis:
    """For commands of a thread. Keep it: it holds a pool. Its calls raise: redis.RedisError."""
    client: ImpatientRedis = ImpatientRedis.from_url(
        settings.REDIS_URL,
        socket_timeout=TIMEOUT,
        socket_connect_timeout=TIMEOUT,
        retry=Retry(NoBackoff(), 0),  # redis-py 8 would try for seconds
    )
    return client


def async_commands() -> aioredis.Redis:
    """For commands of an event loop that nothing else waits for. Raises as `commands` does."""
    return aioredis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=TIMEOUT,
        socket_connect_timeout=TIMEOUT,
        retry=AsyncRetry(NoBackoff(), 0),
    )


def listening() -> aioredis.Redis:
    """For a subscription of an event loop. Call `still_there` in its loop of reads, and give every
    command on it `UNHURRIED`: it has no time-out of its own."""
    return aioredis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=None,  # a subscription waits as long as it takes
        socket_connect_timeout=TIMEOUT,
        socket_keepalive=True,
        health_check_interval=PING_EVERY,
        retry=AsyncRetry(NoBackoff(), 0),
    )


def still_there(pubsub: Any) -> None:
    """Raises: TimeoutError, where the subscription's pings go unanswered: connect anew.

    redis-py pings a connection on which nothing was read for `PING_EVERY` seconds, and puts the
    next ping off with each read; it never notices that no answer comes.
    """
    connection = pubsub.connection
    if connection is None:
        return
    overdue = asyncio.get_running_loop().time() - connection.next_health_check
    if overdue > PING_ANSWERED_WITHIN:
        raise TimeoutError(f"Redis has answered no ping for {PING_EVERY + overdue:.0f} s.")


class NewestOnly(asyncio.Queue[bytes]):
    """What waits for one page's consumer. Full, it lets the oldest go: the page counts (R22)."""

    def __init__(self) -> None:
        super().__init__(MOST_WAITING)

    def put_nowait(self, item: bytes) -> None:
        if self.full():
            self.get_nowait()
        super().put_nowait(item)


class BoundedLayer(RedisPubSubLoopLayer):
    """The layer of one event loop, whose pages' queues are bounded; upstream's are not."""

    async def _subscribe_to_channel(self, channel: str) -> None:
        self.channels[channel] = NewestOnly()
        try:
            await self._get_shard(channel).subscribe(channel)
        except BaseException:
            del self.channels[channel]  # nobody will ever read it
            raise

    async def listened(self, groups: Collection[str]) -> set[str]:
        found: set[str] = set()
        by_channel = {self._get_group_channel_name(group): group for group in groups}
        shard = self._get_shard("")  # one host: all groups are there
        async with shard._lock:
            shard._ensure_redis()
            counted = await shard._redis.pubsub_numsub(*by_channel)
        for channel, count in counted:
            name = channel.decode() if isinstance(channel, bytes) else channel
            if count:
                found.add(by_channel[name])
        return found


class ImpatientChannelLayer(RedisPubSubChannelLayer):
    """The channel layer, whose calls end. Only `receive` waits as long as it takes.

    A message that cannot be handed on in time is dropped: pages number what they get, see the gap
    and fetch what they missed. After a failure the next second asks nothing, so that a relay with
    a full outbox is not held up for each event of it.
    """

    _away_until = 0.0

    def _get_layer(self) -> BoundedLayer:
        loop = asyncio.get_running_loop()
        if loop not in self._layers:
            self._layers[loop] = BoundedLayer(*self._args, **self._kwargs, channel_layer=self)
            _wrap_close(self, loop)
        layer: BoundedLayer = self._layers[loop]
        return layer

    async def new_channel(self, prefix: str = "specific.") -> str:
        name: str = await self._within("new_channel", prefix)
        return name

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        await self._within("send", channel, message)

    async def group_add(self, group: str, channel: str) -> None:
        await self._within("group_add", group, channel)

    async def group_discard(self, group: str, channel: str) -> None:
        await self._within("group_discard", group, channel)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        await self._within("group_send", group, message)

    async def listened(self, groups: Collection[str]) -> set[str]:
        """Those that any process has joined: what is sent to the others reaches nobody."""
        joined: set[str] = await self._within("listened", groups)
        return joined

    async def _within(self, name: str, *args: Any) -> Any:
        """Raises: redis.RedisError, OSError (TimeoutError is one)."""
        if time.monotonic() < self._away_until:
            raise redis.ConnectionError("Redis did not answer just now, and is left alone.")
        try:
            async with asyncio.timeout(UNHURRIED):
                call = getattr(self._get_layer(), name)
                try:
                    return await call(*args)
                except redis.ConnectionError:
                    # Redis may long be back: that the line broke is seen only when it is used.
                    return await call(*args)
        except (RedisError, OSError):
            self._away_until = time.monotonic() + AWAY
            raise
