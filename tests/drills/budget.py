"""One address, many accounts, all streams lost at once: no 429, and no stop waits for its turn.

The platform starts cold with every account to be matched, under the exchange's real limit a minute;
then the exchange drops all connections, again and again. Whoever holds a position comes first.
Meanwhile the traders move their stops nearer, and every move is timed: from the wish to the new
stop's rest by the exchange's own clock. `--plant no-budget` lets the platform believe in a limit a
hundred times as large: the exchange's count must show it.
"""

from __future__ import annotations

import argparse
import os
import time
from decimal import Decimal
from typing import Any

from tests.bench.measures import percentile
from tests.drills.real_floor import RealFloor, real_floor

ADDRESS_LIMIT = 6_000  # weight a minute: exchangeInfo's REQUEST_WEIGHT
MOST_SHARE = Decimal("0.9")  # of it
MOST_PROTECT_MS = 500  # p99
EVERY = 10  # accounts to one position
PAUSE = 0.5  # seconds between two moves
DROP_EVERY = 20  # moves between two storms
SECONDS_EACH = 3  # an account's share of the longest wait: 60 s are room for some forty
PLANTS = ("no-budget",)


def run(arguments: list[str]) -> dict[str, Any]:
    parser = argparse.ArgumentParser(prog="python -m tests.drills budget")
    parser.add_argument("--accounts", type=int, default=200)
    parser.add_argument("--moves", type=int, default=100, help="stops moved meanwhile")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plant", choices=PLANTS, help="plant this bug: it must be caught")
    parser.add_argument("--quick", action="store_true", help="ten accounts, eight moves")
    options = parser.parse_args(arguments)
    accounts, moves = (10, 8) if options.quick else (options.accounts, options.moves)
    # The same for fewer accounts: what a minute allows is in proportion, so that room is as scarce.
    limit = max(ADDRESS_LIMIT * accounts // 200, ADDRESS_LIMIT // 5)
    with real_floor(options.seed) as floor:
        opened = floor.open_accounts(accounts)
        trades = _positions(floor, opened[: max(2, accounts // EVERY)])
        began = _cold_start(floor, limit * (100 if options.plant else 1))
        took = _moves(floor, trades, moves)
        held_s = _in_step(floor, began, [trade.account_id for trade in trades])
        all_s = _in_step(floor, began, [account.pk for account in opened])
        stuck = floor.come_to_rest(seconds=60)
        said = floor.stack.paper.state()
        found, _ = floor.findings()
    heaviest, refused = said["heaviest_minute"], said["refused_for_rate"]
    p99 = percentile(took, 99) if len(took) > 1 else 0.0
    kept = not refused and heaviest <= limit * MOST_SHARE
    fast = len(took) == moves and p99 <= MOST_PROTECT_MS
    report = {
        "accounts": accounts,
        "with_a_position": len(trades),
        "limit": limit,
        "refused_for_rate": refused,
        "heaviest_minute": heaviest,
        "moves": len(took),
        "protect_ms_p50": round(percentile([*took, took[0]], 50), 1) if took else None,
        "protect_ms_p99": round(p99, 1),
        "protect_ms_max": round(max(took, default=0.0), 1),
        "positions_in_step_s": round(held_s, 1),
        "all_in_step_s": round(all_s, 1),
        "stuck": stuck,
        "findings": len(found),
        "first_findings": found[:10],
        "seed": options.seed,
    }
    if options.plant:
        return {"ok": not kept, "planted": options.plant, **report}
    return {"ok": kept and fast and not stuck and not found, **report}


def _positions(floor: RealFloor, accounts: list[Any]) -> list[Any]:
    """A trade on each of them, bought and protected."""
    from trading.models import Trade

    trades = [floor.place(account) for account in accounts]
    rows = Trade.objects.filter(pk__in=[trade.pk for trade in trades], state="open")

    def protected() -> bool:
        return rows.filter(naked_since=None).exclude(protected_at=None).count() == len(trades)

    floor.wait("the positions to be protected", protected, seconds=60)
    return trades


def _cold_start(floor: RealFloor, believed: int) -> Any:
    """Everything again from nothing, under a limit, in a minute nobody has used any of. Returns
    when it stood still."""
    import redis

    from testudo import clock

    there = redis.Redis.from_url(os.environ["REDIS_URL"])
    floor.start_cold(
        between=lambda: [there.delete(key) for key in there.scan_iter("weight:*")],
        PAPER_WEIGHT_LIMIT=str(believed),
    )
    return clock.now()


def _moves(floor: RealFloor, trades: list[Any], count: int) -> list[float]:
    """Move the stops in turn, each a little nearer, in a storm of lost streams: ms of each."""
    took = []
    for number in range(count):
        if number % DROP_EVERY == 0:
            floor.stack.paper.drop_connections("user")
        took.append(_move(floor, trades[number % len(trades)]))
        time.sleep(PAUSE)
    return took


def _move(floor: RealFloor, trade: Any) -> float:
    from testudo import clock
    from trading import moves
    from trading.models import Order
    from trading.plans import NoMarket

    trade.refresh_from_db()
    nearer = (trade.stop_now + (trade.entry - trade.stop_now) / 50).quantize(Decimal("0.01"))

    def asked() -> Any:
        now = clock.now()
        try:
            moves.request_move(trade.pk, moves.Wish(stop=nearer))
        except (moves.MoveUnderWay, NoMarket):
            return None  # the one before is not over, or prices are not yet there
        return now

    since = floor.wait("the move to be taken", asked, seconds=60)
    stops = Order.objects.filter(trade=trade, leg="stop", stop_price=nearer)
    stop = floor.wait("the moved stop", stops.exclude(resting_at=None).first, seconds=60)
    return (stop.resting_at - since).total_seconds() * 1000


def _in_step(floor: RealFloor, since: Any, keys: list[Any]) -> float:
    """Seconds from the cold start until the last of these accounts was matched for the first
    time since the last storm."""
    from trading.models import ExchangeAccount

    rows = ExchangeAccount.objects.filter(pk__in=keys, stream_gap=False, reconciled_at__gt=since)
    floor.wait(
        "the accounts to be in step",
        lambda: rows.count() == len(keys),
        seconds=60 + SECONDS_EACH * len(keys),
    )
    last = max(rows.values_list("reconciled_at", flat=True))
    return (last - since).total_seconds()
