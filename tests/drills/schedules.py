"""Seeded interleavings of trader, market, faults, deaths and doubles; then everything must agree.

Each schedule has an exchange, an account and a clock of its own, and plays some seconds of virtual
time: the trader places, closes and halts, the market moves, faults strike, processes die at
failpoints, at requests and at commits. Then the faults end, the platform is left to come to rest,
and every invariant is checked against the exchange's own ledger. `--seed N` plays one again,
`--plant NAME` plants a bug that must be caught, `--plant all` every one of them.
"""

from __future__ import annotations

import argparse
import logging
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.bench.measures import percentile

MOST_P99_S, MOST_S = 2.0, 5.0  # naked, while the exchange could be reached
PLAY = (3.0, 20.0)  # seconds of a schedule
MOST_REST = 180  # seconds until it must be at rest
SETTLE = 32  # seconds more: one poll of every position
LATE_EVENTS = 95  # where events were held back


@dataclass
class Outcome:
    """What one schedule came to."""

    seed: int
    findings: list[str] = field(default_factory=list)
    naked: list[float] = field(default_factory=list)  # seconds, each time
    blind: list[float] = field(default_factory=list)  # the same, while the database was down
    unheard: list[float] = field(default_factory=list)  # by hand, while a stream had fallen silent
    faults: Counter[str] = field(default_factory=Counter)
    did: Counter[str] = field(default_factory=Counter)
    trades: int = 0
    rest: float = 0.0


def run(arguments: list[str]) -> dict[str, Any]:
    parser = argparse.ArgumentParser(prog="python -m tests.drills schedules")
    parser.add_argument("--seeds", type=int, default=1000, help="how many schedules")
    parser.add_argument("--first", type=int, default=1, help="the first of their seeds")
    parser.add_argument("--seed", type=int, help="play this one only, and say what happened")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--plant", help="plant this bug, or `all`: each must be caught")
    parser.add_argument("--minutes", type=float, default=0, help="stop after so long; 0: never")
    parser.add_argument("--quick", action="store_true", help="under a minute")
    options = parser.parse_args(arguments)
    from tests.drills import crew

    if options.plant:
        return _plants(options, crew)
    seeds = range(options.first, options.first + options.seeds)
    if options.seed is not None:
        seeds = range(options.seed, options.seed + 1)
    minutes = 0.6 if options.quick else options.minutes
    began = time.monotonic()
    outcomes = crew.play_all(seeds, processes=options.processes, plant="", minutes=minutes)
    return report(outcomes, seconds=time.monotonic() - began, verbose=options.seed is not None)


def report(outcomes: Sequence[Outcome], *, seconds: float, verbose: bool) -> dict[str, Any]:
    """The figures of M1 and M4."""
    found = [(outcome.seed, text) for outcome in outcomes for text in outcome.findings]
    naked = [each for outcome in outcomes for each in outcome.naked]
    blind = [each for outcome in outcomes for each in outcome.blind]
    unheard = [each for outcome in outcomes for each in outcome.unheard]
    p99 = percentile([0.0, *naked], 99) if naked else 0.0
    zeros = {
        "lost_fills": _count(found, "lost fill"),
        "duplicates": _count(found, "duplicate order"),
        "breaches": _count(found, "I4"),
        "orphans": _count(found, "orphan"),
        "stuck": _count(found, "stuck"),
    }
    faults = sum((outcome.faults for outcome in outcomes), Counter[str]())
    did = sum((outcome.did for outcome in outcomes), Counter[str]())
    return {
        "ok": bool(outcomes)
        and not found
        and p99 <= MOST_P99_S
        and max(naked, default=0) <= MOST_S,
        "seeds": len(outcomes),
        "trades": sum(outcome.trades for outcome in outcomes),
        **zeros,
        "findings": len(found),
        "failing_seeds": sorted({seed for seed, _ in found})[:50],
        "first_findings": [f"seed {seed}: {text}" for seed, text in found][: 40 if verbose else 12],
        "naked_times": len(naked),
        "naked_s_p99": round(p99, 3),
        "naked_s_max": round(max(naked, default=0.0), 3),
        "naked_s_sum": round(sum(naked), 3),
        "naked_without_database": len(blind),
        "naked_without_database_s_max": round(max(blind, default=0.0), 3),
        "naked_unheard": len(unheard),
        "naked_unheard_s_max": round(max(unheard, default=0.0), 3),
        "longest_rest_s": round(max((each.rest for each in outcomes), default=0), 1),
        "faults": dict(sorted(faults.items())),
        "did": dict(sorted(did.items())),
        "schedules_per_s": round(len(outcomes) / seconds, 2) if seconds else 0,
        "seed": outcomes[0].seed if outcomes else None,
    }


def _count(found: Sequence[tuple[int, str]], word: str) -> int:
    return sum(word in text for _, text in found)


def _plants(options: argparse.Namespace, crew: Any) -> dict[str, Any]:
    """Plant bugs one by one; each is caught by the first schedule that fails."""
    crew.begin(os.environ["DATABASE_URL"])
    from tests.drills.plants import PLANTS

    names = list(PLANTS) if options.plant == "all" else [options.plant]
    caught: dict[str, Any] = {}
    for name in names:
        if name not in PLANTS:
            raise SystemExit(f"There is no bug {name!r} to plant: {', '.join(PLANTS)}.")
        most = min(options.seeds, PLANTS[name].most_seeds)
        seeds = range(options.first, options.first + most)
        caught[name] = crew.catch(name, seeds)
        print(f"{name}: {caught[name] or 'NOT CAUGHT'}", flush=True)
    return {
        "ok": all(caught.values()),
        "planted": len(caught),
        "caught": caught,
        "missed": [name for name, how in caught.items() if not how],
    }


def quiet() -> None:
    """Thousands of faults are no news."""
    logging.disable(logging.CRITICAL)
