"""The whole platform under fire: every process in turn, both servers, and the exchange itself.

In each round traders act while one thing after another is killed by SIGKILL and comes back:
daphne, the workers, beat, the streams, the guard, the drop copy, Valkey (empty again), PostgreSQL's
first process, the exchange. Then all comes to rest and every invariant is checked.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.drills.kill import Crowd, summed
from tests.drills.real_floor import RealFloor, real_floor
from tests.drills.schedules import Outcome

PROCESSES = (
    "web", "orders", "protective", "guard", "bulk", "beat", "stream_accounts", "stream_market",
    "drop_copy",
)  # fmt: skip
ACTS = 4  # of the traders, while one thing dies


def run(arguments: list[str]) -> dict[str, Any]:
    parser = argparse.ArgumentParser(prog="python -m tests.drills stack")
    parser.add_argument("--rounds", type=int, default=25, help="in each everything dies once")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="one round")
    options = parser.parse_args(arguments)
    rounds = 1 if options.quick else options.rounds
    outcome, began = Outcome(options.seed), time.monotonic()
    deaths = 0
    with real_floor(options.seed) as floor:
        crowd = Crowd(floor, outcome)
        for number in range(rounds):
            victims = _victims(floor, outcome.faults)
            floor.dice.shuffle(victims)
            for kill in victims:
                _under_fire(floor, crowd, kill)
                deaths += 1
            print(f"round {number + 1}: {crowd.did['placed']} trades", flush=True)
        crowd.end()
    seconds = time.monotonic() - began
    return summed(outcome, deaths=deaths, seconds=seconds, seed=options.seed)


def _victims(floor: RealFloor, tally: Counter[str]) -> list[Callable[[], None]]:
    """One way to kill each thing, and bring it back."""

    def process(name: str) -> Callable[[], None]:
        def kill() -> None:
            tally[name] += 1
            floor.stack.kill(name)
            time.sleep(floor.dice.uniform(0, 1))
            floor.revive(name)

        return kill

    def exchange() -> None:
        from tests.drills.invariants import Span  # a model: only once Django is set up

        tally["exchange"] += 1
        since = _now()
        floor.stack.kill("paper")
        floor.revive("paper")
        floor.unreachable.append(Span(since, _now()))

    def valkey() -> None:
        tally["valkey"] += 1
        floor.kill_valkey()

    def postgres() -> None:
        from tests.drills.invariants import Span

        tally["postgres"] += 1
        since = _now()
        floor.kill_postmaster()
        floor.wait_for_database()
        floor.database_down.append(Span(since, _now()))

    return [*(process(name) for name in PROCESSES), exchange, valkey, postgres]


def _under_fire(floor: RealFloor, crowd: Crowd, kill: Callable[[], None]) -> None:
    def traders() -> None:
        for _ in range(ACTS):
            crowd.place()
            crowd.act()
            time.sleep(0.1)

    acting = floor.later(0, traders)
    time.sleep(floor.dice.uniform(0, 0.5))
    kill()
    acting.join(60)


def _now() -> Any:
    from testudo import clock

    return clock.now()
