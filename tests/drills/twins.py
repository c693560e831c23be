"""Two placements in the same instant: the second begins while the first has read and not written.

The only place of a schedule with a second thread, for two transactions at once need two
connections. Its order is still one: the second runs until it is done or waits for the first's lock,
then the first goes on.
"""

from __future__ import annotations

import threading
import time
from typing import Any
from unittest import mock

from django.db import connection, connections

from tests.drills.stage import Stage
from trading import orders

MOST_SECONDS = 5.0  # of real time, for the second to end or to wait for a lock


def place_twice(stage: Stage, trader: Any) -> None:
    """Let the trader place twice at once, in two symbols, each as large as fits alone."""
    judge = orders.judge
    begun: list[threading.Thread] = []
    backend: list[int] = []

    def second() -> None:
        try:
            with connections["default"].cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                backend.append(cursor.fetchone()[0])
            trader.place_in("ETHUSDT", large=True)
        finally:
            connections.close_all()

    def judged(*args: Any, **options: Any) -> Any:
        found = judge(*args, **options)
        if not begun:
            begun.append(threading.Thread(target=second, daemon=True))
            begun[0].start()
            _wait(begun[0], backend)
        return found

    with mock.patch.object(orders, "judge", judged):
        trader.place_in("BTCUSDT", large=True)
        if begun:
            begun[0].join(MOST_SECONDS)
    trader.check_heat()


def _wait(thread: threading.Thread, backend: list[int]) -> None:
    """Until the other is done, or stands behind a lock."""
    until = time.monotonic() + MOST_SECONDS
    while thread.is_alive() and time.monotonic() < until:
        thread.join(0.002)
        if backend:
            with connection.cursor() as cursor:
                cursor.execute("SELECT cardinality(pg_blocking_pids(%s))", [backend[0]])
                if cursor.fetchone()[0]:
                    return
