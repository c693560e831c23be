"""Books that were left behind converge in one pass, and a second pass changes nothing.

Each divergence is a schedule in which nobody listens and no worker runs, while the exchange goes
on: entries fill, stops and targets trigger, lists are cancelled by hand, money comes and goes, the
trader trades other coin himself. Then one pass of `match_books` must bring our books to the
exchange's, to the last digit, and the next one must find nothing to do.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from typing import Any

PER_SCHEDULE = 4  # divergences of one schedule


def run(arguments: list[str]) -> dict[str, Any]:
    parser = argparse.ArgumentParser(prog="python -m tests.drills reconcile")
    parser.add_argument("--n", type=int, default=100_000, help="divergences, at least")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="forty")
    options = parser.parse_args(arguments)
    from tests.drills import crew

    crew.begin(os.environ["DATABASE_URL"])
    wanted = min(options.n, 40) if options.quick else options.n
    began, seed, diverged = time.monotonic(), options.seed, 0
    findings: list[str] = []
    changed = 0
    while diverged < wanted:
        count, found, again = _diverge(seed)
        diverged, changed, seed = diverged + count, changed + again, seed + 1
        findings += [f"seed {seed - 1}: {each}" for each in found]
    return {
        "ok": not findings and not changed,
        "divergences": diverged,
        "schedules": seed - options.seed,
        "not_converged": len(findings),
        "first_findings": findings[:10],
        "changed_by_a_second_pass": changed,
        "divergences_per_s": round(diverged / (time.monotonic() - began), 1),
        "seed": options.seed,
    }


def _diverge(seed: int) -> tuple[int, list[str], int]:
    """How many divergences there were, what did not converge, what a second pass still changed."""
    from tests.drills import invariants
    from tests.drills.faults import cancel_by_hand, deposit
    from tests.drills.stage import SYMBOLS, stage
    from tests.drills.trader import Trader
    from trading import account_stream, tasks

    dice = random.Random(seed)
    with stage(seed) as here:
        account = here.open_account(USDT="10000", BTC="0.5", ETH="5", SOL="60")
        trader = Trader(here, account)
        for symbol in SYMBOLS[: dice.randrange(1, 3)]:
            trader.place_in(symbol, large=False)
        tasks.run_turn(str(account.pk))
        here.world.run_for(0.5)
        for stream in here.streams.values():
            stream.connected, stream._session = False, stream._session + 1  # nobody listens now
        here.workers.redis_up = False  # and nobody is woken
        for _ in range(PER_SCHEDULE):
            what = dice.choice(("walk", "walk", "jump", "hand", "money"))
            symbol = dice.choice(SYMBOLS)
            last = here.paper.feed.last(symbol).price
            if what == "walk":
                here.paper.move(symbol, last * dice.choice((97, 106, 112)) // 100, 1500)
            elif what == "jump":
                here.paper.move(symbol, last * dice.choice((94, 108)) // 100, 0)
            elif what == "hand":
                cancel_by_hand(here)
            else:
                deposit(here)
            here.world.run_for(2)
        here.workers.redis_up = True
        here.workers.forget_wakes(str(account.pk))  # what a turn would do is another's drill
        account_stream.match_books(account)
        seen = here.seen(account)
        checks = (
            invariants.fills_equal_trades, invariants.books_balance, invariants.no_orphans,
            invariants.at_rest_we_agree,
        )  # fmt: skip
        found = [
            str(each) for check in checks for each in check(seen) if "stops at" not in str(each)
        ]
        before = _books(account)
        account_stream.match_books(account)
        return PER_SCHEDULE, found, int(_books(account) != before)


def _books(account: Any) -> list[Any]:
    """Everything a pass may change, but for the moments it notes of itself."""
    from trading.models import AccountFlow, Fill, LedgerEntry, Order, Trade

    return [
        list(Fill.objects.filter(account=account).order_by("pk").values_list("pk", flat=True)),
        list(AccountFlow.objects.filter(account=account).order_by("pk").values_list("pk")),
        list(LedgerEntry.objects.filter(account=account).order_by("pk").values_list("pk")),
        list(Order.objects.filter(account=account).order_by("pk").values_list("state", "filled")),
        list(Trade.objects.filter(account=account).order_by("pk").values_list("state", "held")),
    ]
