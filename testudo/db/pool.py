"""One connection pool per database and process.

Under ASGI every request runs in a thread of its own, so Django would open a connection for each
(10 ms instead of 1). Its own pool needs psycopg 3; the user fixed psycopg2, so SQLAlchemy's queue
pool does the work, put under Django by django-db-connection-pool's mixin (see `base.py`).
"""

import os
import select
import threading
from collections.abc import Callable
from typing import Any

import psycopg2
from django.core.exceptions import ImproperlyConfigured
from sqlalchemy import pool as sqlalchemy_pool
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2

OPTIONS = ("pool_size", "max_overflow", "timeout", "recycle")


class Dialect(PGDialect_psycopg2):
    """What the queue pool asks about a connection."""

    supports_statement_cache = True  # upstream warns where a subclass does not say

    def do_ping(self, dbapi_connection: Any) -> bool:
        """Whether it lives, without a round trip where nothing speaks against it.

        A server that ended or closed the session left an end of file or a word to be read; of an
        idle session nothing else is. A server that fell silent is found by the statement's own
        time-outs, as it would be by a ping's.
        """
        if dbapi_connection.closed:
            return bool(super().do_ping(dbapi_connection))
        waiting = select.poll()
        waiting.register(dbapi_connection.fileno(), select.POLLIN)
        if not waiting.poll(0):
            return True
        return bool(super().do_ping(dbapi_connection))


# One for all: to make it takes longer than to ask the database.
DIALECT = Dialect(dbapi=psycopg2)
_pools: dict[tuple[str, ...], sqlalchemy_pool.QueuePool] = {}
_lock = threading.Lock()


def pool_for(
    key: tuple[str, ...],
    *,
    connect: Callable[[], Any],
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
                connect, dialect=DIALECT, pre_ping=True, use_lifo=True, **options
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
