"""One connection pool per database and process.

Under ASGI every request runs in a thread of its own, so Django would open a connection for each
(10 ms instead of 1). Its own pool needs psycopg 3; the user fixed psycopg2, so SQLAlchemy's queue
pool does the work, put under Django by django-db-connection-pool's mixin (see `base.py`).
"""

import os
import threading
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from sqlalchemy import pool as sqlalchemy_pool

OPTIONS = ("pool_size", "max_overflow", "timeout", "recycle")

_pools: dict[tuple[str, ...], sqlalchemy_pool.QueuePool] = {}
_lock = threading.Lock()


def pool_for(
    key: tuple[str, ...],
    *,
    connect: Callable[[], Any],
    dialect: Any,
    options: dict[str, float],
) -> sqlalchemy_pool.QueuePool:
    """The pool of this process for `key` (alias, host, port, database, user), made on first use.

    A connection is asked if it still lives before it is lent (`pre_ping`), so a restart of the
    server heals on the next use. The one given back last is lent first: it is the warmest.
    """
    with _lock:
        if key not in _pools:
            unknown = set(options) - set(OPTIONS)
            if unknown:
                raise ImproperlyConfigured(
                    f"POOL has {', '.join(sorted(unknown))}; it knows {', '.join(OPTIONS)}."
                )
            _pools[key] = sqlalchemy_pool.QueuePool(
                connect, dialect=dialect, pre_ping=True, use_lifo=True, **options
            )
        return _pools[key]


def dispose() -> None:
    """Close what lies idle in every pool, and forget the pools; lent connections live on."""
    with _lock:
        pools = list(_pools.values())
        _pools.clear()
    for each in pools:
        each.dispose()


def forget() -> None:
    """Forget the pools without closing: their sockets belong to the process that forked us.

    psycopg2 leaves a connection of another process alone when it is collected, so the parent's
    sessions survive.
    """
    global _lock
    _lock = threading.Lock()  # another thread of the parent may have held the old one
    _pools.clear()


os.register_at_fork(after_in_child=forget)
