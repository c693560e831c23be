"""From a kill switch to the last request that opens risk: the account's and the global one.

In each trial an account places in three symbols at once, and somewhere in between the switch is
pulled. What counts is the exchange's own time of the last purchase it took, less the moment the
halt had committed.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from typing import Any

from tests.bench.measures import percentile
from tests.drills.real_floor import SYMBOLS, RealFloor, real_floor

MOST_P99_MS, MOST_MS = 250, 1000
AT_ONCE = 20  # accounts opened before their trials


def run(arguments: list[str]) -> dict[str, Any]:
    parser = argparse.ArgumentParser(prog="python -m tests.drills halt")
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="ten trials")
    options = parser.parse_args(arguments)
    count = min(options.n, 10) if options.quick else options.n
    did: Counter[str] = Counter()
    halted: dict[Any, int] = {}  # account: ms of the exchange's clock at which the halt stood
    with real_floor(options.seed) as floor:
        waiting: list[Any] = []
        for number in range(count):
            waiting = waiting or floor.open_accounts(min(AT_ONCE, count - number))
            account = waiting.pop()
            halted[account.pk] = _trial(floor, account, did, everywhere=number % 2 == 1)
        stuck = floor.come_to_rest(seconds=60)
        found, _ = floor.findings()
        late, purchases = _late(floor, halted)
    p99 = percentile(late, 99) if len(late) > 1 else late[0]
    return {
        "ok": p99 <= MOST_P99_MS and max(late) <= MOST_MS and not found and not stuck
        and purchases > count // 2,
        "trials": count,
        "late_trials": sum(each > 0 for each in late),
        "late_ms_p50": round(percentile([*late, late[0]], 50), 1),
        "late_ms_p99": round(p99, 1),
        "late_ms_max": round(max(late), 1),
        "purchases": purchases,
        "did": dict(sorted(did.items())),
        "stuck": stuck,
        "findings": len(found),
        "first_findings": found[:10],
        "seed": options.seed,
    }  # fmt: skip


def _trial(floor: RealFloor, account: Any, did: Counter[str], *, everywhere: bool) -> int:
    """Place in every symbol at once and pull the switch meanwhile."""
    from testudo import clock
    from trading import global_halt, halts
    from trading.actors import Actor
    from trading.models import GlobalHalt, Order
    from trading.order_states import State
    from trading.orders import PlanRefused
    from trading.plans import NoMarket

    def place(symbol: str) -> None:
        try:
            floor.place(account, symbol, risk="0.002")
            did["placed"] += 1
        except PlanRefused as refused:
            codes = sorted(each.code for each in refused.verdicts if not each.ok)
            did[f"refused: {', '.join(codes)}"] += 1
        except NoMarket:
            did["no market"] += 1

    threads = [floor.later(0, lambda each=symbol: place(each)) for symbol in SYMBOLS]
    time.sleep(floor.dice.uniform(0, 0.15))
    if everywhere:
        global_halt.halt_all(reason="a drill", by=Actor(role="operator"))
    else:
        by = Actor(role="trader", user_id=account.user_id)
        halts.halt(account, reason="a drill", by=by)
    stood = clock.now_ms()
    for thread in threads:
        thread.join(15)
    # What was claimed before it is on its way, and what was not is taken back. An entry that is
    # still planned when the halt is lifted would be sent, and rightly.
    under_way = Order.objects.filter(account=account, leg="entry").filter(
        state__in=(State.PLANNED, State.SENDING)
    )
    floor.wait("the entries to be sent or taken back", lambda: not under_way.exists(), seconds=30)
    if everywhere:
        GlobalHalt.objects.update(halted=False, reason="")
    return stood


def _late(floor: RealFloor, halted: dict[Any, int]) -> tuple[list[float], int]:
    """For each trial, how many ms after the halt the last purchase was taken (0: none was); and
    how many purchases there were in all, for without any nothing is shown."""
    from tests.drills.ledger import read_ledger
    from trading.exchange.paper.store import Store

    store = Store(floor.stack.home / "paper.sqlite3")
    late, purchases = [], 0
    for account in floor.accounts:
        number = floor.number_of(account)
        ledger = read_ledger(store, number, symbols=SYMBOLS, now_ms=0)
        taken = [order.created_ms for order in ledger.orders if order.side == "BUY"]
        purchases += len(taken)
        late.append(float(max([each - halted[account.pk] for each in taken] + [0])))
    store.close()
    return late, purchases
