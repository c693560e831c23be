"""How soon protection goes on after a worker's death, and trading after the database's.

A worker is killed by SIGKILL and in the same moment a stop is taken away: the time until the next
stop rests, by the exchange's clock. PostgreSQL's first process is killed by SIGKILL: the time until
an entry placed after it is acknowledged.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from tests.bench.measures import percentile
from tests.drills.kill import WORKERS
from tests.drills.real_floor import RealFloor, real_floor

MOST_PROTECT_S, MOST_TRADE_S = 3.0, 10.0  # p99
PATIENCE = 30  # seconds for one trial


def run(arguments: list[str]) -> dict[str, Any]:
    parser = argparse.ArgumentParser(prog="python -m tests.drills recover")
    parser.add_argument("--n", type=int, default=200, help="workers killed; a tenth as databases")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="five, and one database")
    options = parser.parse_args(arguments)
    count = min(options.n, 5) if options.quick else options.n
    with real_floor(options.seed) as floor:
        protect = [_protected_again(floor, trade) for trade in _positions(floor, count)]
        trade = [_trading_again(floor) for _ in range(max(1, count // 10))]
        stuck = floor.come_to_rest(seconds=60)
        found, _ = floor.findings()
    protect_p99, trade_p99 = _p99(protect), _p99(trade)
    bounded = protect_p99 <= MOST_PROTECT_S and trade_p99 <= MOST_TRADE_S
    beyond = [each for each in found if not each.startswith("I3")]  # measured here, not judged
    return {
        "ok": bounded and not stuck and not beyond,
        "workers_killed": len(protect),
        "protect_s_p50": round(percentile([*protect, protect[0]], 50), 3),
        "protect_s_p99": round(protect_p99, 3),
        "protect_s_max": round(max(protect), 3),
        "databases_killed": len(trade),
        "trade_s_p99": round(trade_p99, 3),
        "trade_s_max": round(max(trade), 3),
        "stuck": stuck,
        "findings": len(beyond),
        "first_findings": beyond[:10],
        "seed": options.seed,
    }


def _positions(floor: RealFloor, count: int) -> list[Any]:
    """So many trades on accounts of their own, each bought and protected."""
    from trading.models import Trade

    trades = [floor.place(account) for account in floor.open_accounts(count)]
    keys = [trade.pk for trade in trades]

    def all_protected() -> bool:
        rows = Trade.objects.filter(pk__in=keys, state="open", naked_since=None)
        return rows.exclude(protected_at=None).count() == count

    floor.wait("the positions to be protected", all_protected, seconds=PATIENCE + count)
    return trades


def _protected_again(floor: RealFloor, trade: Any) -> float:
    """Seconds from the worker's death to the next stop at the exchange."""
    from testudo import clock
    from trading.models import Order

    before = set(trade.orders.values_list("pk", flat=True))
    for worker in WORKERS:
        floor.stack.kill(worker)
    died = clock.now()
    floor.cancel_stop_by_hand(trade)

    def stop() -> Any:
        rows = Order.objects.filter(trade=trade, leg="stop", state="open").exclude(pk__in=before)
        return rows.exclude(resting_at=None).first()

    found = floor.wait("the next stop", stop, seconds=PATIENCE)
    for worker in WORKERS:
        floor.revive(worker)
    return max(found.resting_at - died, timedelta(0)).total_seconds()


def _trading_again(floor: RealFloor) -> float:
    """Seconds from the death of the database to the acknowledgement of the next entry."""
    from django.db import Error as DatabaseError
    from django.db import connection

    from trading.models import Trade
    from trading.orders import PlanRefused
    from trading.plans import NoMarket

    (account,) = floor.open_accounts(1)
    died = time.monotonic()
    floor.kill_postmaster()

    def placed() -> Any:
        try:
            return floor.place(account)
        except DatabaseError:
            connection.close()
        except (PlanRefused, NoMarket):
            pass  # its books are being matched again, or prices are not yet there
        return None

    trade = floor.wait("a trade to be taken", placed, seconds=PATIENCE)

    def acknowledged() -> bool:
        return Trade.objects.filter(pk=trade.pk).exclude(acknowledged_at=None).exists()

    floor.wait("its acknowledgement", acknowledged, seconds=PATIENCE)
    return time.monotonic() - died


def _p99(values: Sequence[float]) -> float:
    return percentile(values, 99) if len(values) > 1 else values[0]
