"""Exact sizing, beside NautilusTrader's sizer and beside floats, in turns in one process.

At most 0.6 of FixedRiskSizer's time for a size, where that package is importable; at most 7 times
the time of the same sum in floats, which may lie. The whole answer of a preview is for information.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from risk import sizing
from risk.costs import Costs
from tests.bench.measures import Measure
from tests.risk.builders import symbol
from tests.risk.nautilus_table import MOST, STEP, Peer, cases

ROUNDS = 150
RULES = symbol(step=STEP, market_step=STEP, max_quantity=MOST, market_max_quantity=MOST)
COSTS = Costs(Decimal("0.001"), Decimal("0.001"))


@dataclass(frozen=True, slots=True)
class FloatCosts:
    entry: float = 0.001
    exit: float = 0.001
    slippage: float = 0.0


def float_size(
    *, budget: float, entry: float, stop: float, costs: FloatCosts, step: float
) -> float:
    """The same sum in floats: quick, and wrong in the last digits."""
    if entry == stop:
        raise ValueError("no stop distance")
    loss = abs(entry - stop) + costs.entry * entry + costs.exit * stop + costs.slippage
    return math.floor(budget / (loss * step)) * step


def run(quick: bool) -> list[Measure]:
    """The best of many short rounds that take turns: a noisy neighbour can only make one slower."""
    plans = cases(200, seed=7)
    works = {"exact": exact_work(plans), "float": float_work(plans), "preview": full_work(plans)}
    try:
        works["peer"] = peer_work(plans)
    except ImportError as missing:
        print(f"NautilusTrader is not importable here ({missing}): not compared with it.")
    took: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work()  # warm
    for _ in range(ROUNDS // 3 if quick else ROUNDS):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            took[name].append((time.perf_counter() - started) / len(plans) * 1e6)
    micros = {name: min(times) for name, times in took.items()}
    measures = [
        Measure("exact_us", micros["exact"], "us a size"),
        Measure("float_us", micros["float"], "us a size"),
        Measure("preview_us", micros["preview"], "us a whole answer"),
        Measure("times_float", micros["exact"] / micros["float"], "times", most=7),
    ]
    if "peer" in micros:
        measures += [
            Measure("peer_us", micros["peer"], "us a size"),
            Measure("share_of_peer", micros["exact"] / micros["peer"], "of its time", most=0.6),
        ]
    return measures


def exact_work(plans: list[dict[str, str]]) -> Callable[[], object]:
    ready = [
        {
            "budget": Decimal(each["equity"]) * Decimal(each["risk"]),
            "entry": Decimal(each["entry"]),
            "stop": Decimal(each["stop"]),
        }
        for each in plans
    ]
    return lambda: [sizing.position_size(**each, costs=COSTS, symbol=RULES) for each in ready]


def float_work(plans: list[dict[str, str]]) -> Callable[[], object]:
    costs, step = FloatCosts(), float(STEP)
    ready = [
        {
            "budget": float(each["equity"]) * float(each["risk"]),
            "entry": float(each["entry"]),
            "stop": float(each["stop"]),
        }
        for each in plans
    ]
    return lambda: [float_size(**each, costs=costs, step=step) for each in ready]


def full_work(plans: list[dict[str, str]]) -> Callable[[], object]:
    ready = []
    for each in plans:
        entry, stop = Decimal(each["entry"]), Decimal(each["stop"])
        ready.append(
            {
                "direction": each["direction"],
                "entry": entry,
                "worst_entry": entry,
                "stop": stop,
                "target": entry + 3 * (entry - stop),
                "budget": Decimal(each["equity"]) * Decimal(each["risk"]),
                "cash": Decimal(each["equity"]),
            }
        )
    return lambda: [sizing.size(**each, costs=COSTS, symbol=RULES) for each in ready]


def peer_work(plans: list[dict[str, str]]) -> Callable[[], object]:
    peer = Peer()
    calculate = peer.sizer.calculate
    fee, same, no_limit = COSTS.entry, Decimal(1), None
    ready = [(*peer.arguments(each), fee, same, no_limit, STEP, 1) for each in plans]
    return lambda: [calculate(*each) for each in ready]
