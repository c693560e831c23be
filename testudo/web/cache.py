"""The Redis cache, where an absent Redis is a miss and no error: it is a cache only (R23)."""

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import structlog
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import RedisError

AWAY = 1.0  # seconds without another try after a failure
SESSION_SECONDS = 60

T = TypeVar("T")
log = structlog.get_logger(__name__)
_lock = threading.Lock()


class ForgivingClient(RedisCacheClient):
    """Answers as an empty cache would while Redis cannot be reached."""

    _away_until = 0.0

    def __init__(self, servers: Any, **options: Any) -> None:
        super().__init__(servers, **options)
        self._made: dict[Any, Any] = {}

    def _try(self, call: Callable[..., T], empty: T, *args: Any, **kwargs: Any) -> T:
        if time.monotonic() < self._away_until:
            return empty
        try:
            return call(*args, **kwargs)
        except RedisError as error:
            self._away_until = time.monotonic() + AWAY
            log.warning("cache_unreachable", error=type(error).__name__)
            return empty

    def add(self, key: Any, value: object, timeout: Any) -> bool:
        return self._try(super().add, False, key, value, timeout)

    def get(self, key: Any, default: Any) -> Any:
        return self._try(super().get, default, key, default)

    def set(self, key: Any, value: object, timeout: Any) -> None:
        self._try(super().set, None, key, value, timeout)

    def touch(self, key: Any, timeout: Any) -> bool:
        return self._try(super().touch, False, key, timeout)

    def delete(self, key: Any) -> bool:
        return self._try(super().delete, False, key)

    def get_many(self, keys: Any) -> dict[Any, Any]:
        return self._try(super().get_many, {}, keys)

    def has_key(self, key: Any) -> bool:
        return self._try(super().has_key, False, key)

    def set_many(self, data: Any, timeout: Any) -> None:
        self._try(super().set_many, None, data, timeout)

    def delete_many(self, keys: Any) -> None:
        self._try(super().delete_many, None, keys)

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        """One for each pool: Django makes one for every call, and making one is dear."""
        pool = self._get_connection_pool(write)
        if pool not in self._made:
            self._made[pool] = super().get_client(key, write=write)
        return self._made[pool]


class ForgivingRedisCache(RedisCache):
    """One client, and with it one pool of connections, for each server and process.

    Django keeps its caches for each thread and, under ASGI, for each request: its own client would
    connect anew for every one.
    """

    @property
    def _cache(self) -> ForgivingClient:
        key = (tuple(self._servers), repr(sorted(self._options.items())))
        with _lock:
            if key not in _clients:
                _clients[key] = ForgivingClient(self._servers, **self._options)
            return _clients[key]


_clients: dict[tuple[tuple[str, ...], str], ForgivingClient] = {}


class SessionCache(ForgivingRedisCache):
    """For sessions: an entry lives a minute at most.

    A sign-out that cannot reach Redis deletes the session in the database only. The copy left in
    Redis must not let anyone in for long; within a minute the database is asked again.
    """

    def get_backend_timeout(self, timeout: Any = None) -> int:
        wanted = super().get_backend_timeout(timeout)
        return SESSION_SECONDS if wanted is None else min(int(wanted), SESSION_SECONDS)
