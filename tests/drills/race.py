"""Many clients place at the same instant; no limit is passed and none is left unused.

Each round every client submits one plan. In even rounds they are spread over all accounts, in odd
ones all meet at a single account. How many fit under the heat limit is known beforehand: exactly
so many must be accepted. Processes that have just started open their connections and plan their
statements in the first rounds: those count for everything but the time. `--without-lock` takes the
account's row lock out: then it must fail.
"""

import argparse
import multiprocessing
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.bench.measures import percentile
from tests.drills.race_client import Submission, serve

START = datetime(2026, 11, 2, 12, tzinfo=UTC)
MOST_P99_MS = 250
WARM_UP = 4  # rounds, or half of them
MOST_SECONDS = 240  # for one round; the first waits for every process to start
SPREAD_RISK, MEETING_RISK = Decimal("0.02"), Decimal("0.01")  # under 3 % of heat: 1 fits, or 3
FITS = {SPREAD_RISK: 1, MEETING_RISK: 3}
EXPECTED_REFUSAL = "portfolio_heat"


@dataclass
class Tally:
    submissions: int = 0
    accepted: int = 0
    expected: int = 0
    breaches: int = 0
    miscounted: int = 0  # accounts of a round with another number accepted than fits
    unexpected: Counter[str] = field(default_factory=Counter)
    took_ms: list[float] = field(default_factory=list)


def run(arguments: list[str]) -> dict[str, Any]:
    parser = argparse.ArgumentParser(prog="python -m tests.drills race")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--accounts", type=int, default=20)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="20 rounds")
    parser.add_argument("--without-lock", action="store_true", help="planted: this must fail")
    options = parser.parse_args(arguments)
    rounds = min(options.rounds, 20) if options.quick else options.rounds
    tally, chain = _drill(options, rounds)
    p99 = percentile(tally.took_ms, 99) if len(tally.took_ms) > 1 else 0.0
    held = tally.breaches == tally.miscounted == 0 and not tally.unexpected and not chain
    return {
        "ok": held and p99 <= MOST_P99_MS,
        "clients": options.clients,
        "rounds": rounds,
        "accounts": options.accounts,
        "processes": options.processes,
        "lock": not options.without_lock,
        "submissions": tally.submissions,
        "timed": len(tally.took_ms),
        "accepted": tally.accepted,
        "expected": tally.expected,
        "breaches": tally.breaches,
        "miscounted": tally.miscounted,
        "unexpected": dict(tally.unexpected),
        "chain_breaks": chain,
        "p50_ms": round(percentile(tally.took_ms, 50), 1),
        "p99_ms": round(p99, 1),
        "p99_limit_ms": MOST_P99_MS,
        "seed": options.seed,
    }


def _drill(options: argparse.Namespace, rounds: int) -> tuple[Tally, list[str]]:
    import django

    django.setup()
    from tests.drills import race_floor as floor

    choose = random.Random(options.seed)
    accounts = floor.open_accounts(options.accounts, symbols=options.clients)
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(options.clients)
    pipes, workers = [], []
    for number in range(options.processes):
        ours, theirs = context.Pipe()
        share = len(range(number, options.clients, options.processes))
        worker = context.Process(
            target=serve, args=(theirs, gate, share, not options.without_lock), daemon=True
        )
        worker.start()
        pipes.append(ours)
        workers.append(worker)
    tally = Tally()
    try:
        for number in range(rounds):
            now = START + timedelta(days=number)
            floor.begin_day(now)
            plans = _plans(options.clients, accounts, meet=number % 2 == 1, choose=choose)
            for index, pipe in enumerate(pipes):
                pipe.send((now, plans[index :: options.processes]))
            outcomes = [
                each
                for pipe, worker in zip(pipes, workers, strict=True)
                for each in _answer(pipe, worker)
            ]
            _count(tally, plans, outcomes, floor)
            if number >= min(WARM_UP, rounds // 2):
                tally.took_ms += [took for *_, took in outcomes]
            floor.withdraw_all()
            if (number + 1) % 20 == 0:
                print(f"{number + 1} rounds, {tally.accepted} accepted", flush=True)
    finally:
        for pipe, worker in zip(pipes, workers, strict=True):
            if worker.is_alive():
                pipe.send(None)
            worker.join(10)
            if worker.is_alive():
                worker.terminate()
    return tally, floor.chain_breaks()


def _answer(pipe: Any, worker: Any) -> list:
    if not pipe.poll(MOST_SECONDS):
        raise RuntimeError(f"a process of clients says nothing for {MOST_SECONDS} s")
    try:
        return pipe.recv()
    except EOFError:
        worker.join(5)
        raise RuntimeError(f"a process of clients ended with code {worker.exitcode}") from None


def _plans(
    clients: int, accounts: Sequence[str], *, meet: bool, choose: random.Random
) -> list[Submission]:
    """One plan for each client; on one account no two in the same symbol."""
    order = choose.sample(range(clients), clients)
    if meet:
        account = choose.choice(accounts)
        return [Submission(account, n, MEETING_RISK) for n in order]
    return [Submission(accounts[n % len(accounts)], n, SPREAD_RISK) for n in order]


def _count(tally: Tally, plans: list[Submission], outcomes: list, floor: Any) -> None:
    asked = Counter(plan.account for plan in plans)
    accepted: Counter[str] = Counter()
    tally.submissions += len(outcomes)
    for plan, outcome, _ in outcomes:
        if outcome == "accepted":
            accepted[plan.account] += 1
        elif outcome != EXPECTED_REFUSAL:
            tally.unexpected[outcome] += 1
    fits = FITS[plans[0].risk]
    for account, count in asked.items():
        tally.expected += min(fits, count)
        tally.accepted += accepted[account]
        tally.miscounted += accepted[account] != min(fits, count)
    tally.breaches += floor.breaches(asked)
