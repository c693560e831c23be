"""A user stream that falls silent: the fill it never told of is booked by the poll all the same.

Accounts hold a position each; then every user stream of the exchange goes silent, its sockets open,
and the market walks through the stops. What counts is the time from each sale, by the exchange's
clock, until it was booked.
"""

from __future__ import annotations

import argparse
from decimal import Decimal
from typing import Any

from tests.bench.measures import percentile
from tests.drills.real_floor import RealFloor, real_floor

MOST_BOOKED_S = 35.0
AT_ONCE = 20
PATIENCE = 60


def run(arguments: list[str]) -> dict[str, Any]:
    parser = argparse.ArgumentParser(prog="python -m tests.drills stream")
    parser.add_argument("--n", type=int, default=500, help="positions, twenty at a time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="five")
    options = parser.parse_args(arguments)
    count = min(options.n, 5) if options.quick else options.n
    booked: list[float] = []
    with real_floor(options.seed) as floor:
        while len(booked) < count:
            booked += _silence(floor, min(AT_ONCE, count - len(booked)))
        stuck = floor.come_to_rest(seconds=60)
        found, _ = floor.findings()
    return {
        "ok": max(booked) <= MOST_BOOKED_S and not found and not stuck,
        "positions": len(booked),
        "booked_s_p50": round(percentile([*booked, booked[0]], 50), 2),
        "booked_s_max": round(max(booked), 2),
        "stuck": stuck,
        "findings": len(found),
        "first_findings": found[:10],
        "seed": options.seed,
    }


def _silence(floor: RealFloor, count: int) -> list[float]:
    """Seconds from each sale to its booking, while no stream says anything."""
    from trading.models import Fill, Trade

    trades = [floor.place(account) for account in floor.open_accounts(count)]
    keys = [trade.pk for trade in trades]

    def protected() -> bool:
        rows = Trade.objects.filter(pk__in=keys, state="open", naked_since=None)
        return rows.exclude(protected_at=None).count() == count

    floor.wait("the positions to be protected", protected, seconds=PATIENCE)
    paper = floor.stack.paper
    paper._post("faults", {"fault": "silent-socket"})
    lowest = min(trade.stop for trade in trades)
    paper.move("BTCUSDT", f"{(lowest * Decimal('0.998')).quantize(Decimal('0.01'))}", over_ms=1000)

    def sold() -> Any:
        rows = Fill.objects.filter(trade__in=keys, order__leg="stop")
        return rows.values("trade").distinct().count() == count

    floor.wait("every sale to be booked", sold, seconds=PATIENCE)
    paper._checked(paper.http.delete(f"{paper.url}/faults", json={}, timeout=10))
    fills = Fill.objects.filter(trade__in=keys, order__leg="stop")
    return [(fill.booked_at - fill.at).total_seconds() for fill in fills]
