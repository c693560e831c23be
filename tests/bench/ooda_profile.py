"""What the placements of `ooda` come to: latencies, stages, processors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench.http import CORE_TICKS
from tests.bench.measures import Measure, percentile

RATE = 10  # placements a second
MOST_P50, MOST_P99, LEAST_RATE = 50, 200, 50


def bare(took: Sequence[float]) -> list[Measure]:
    return [
        Measure("bare_client_p50", percentile(took, 50), "ms"),
        Measure("bare_client_p99", percentile(took, 99), "ms"),
    ]


def steady(rows: Sequence[dict[str, Any]]) -> list[Measure]:
    took = [1000 * (row["acknowledged"] - row["due"]) for row in rows]
    answered = [1000 * (row["answered"] - row["due"]) for row in rows]
    return [
        Measure("orders", len(rows), "orders"),
        Measure("rate", RATE, "orders/s asked"),
        Measure("click_to_ack_p50", percentile(took, 50), "ms", most=MOST_P50),
        Measure("click_to_ack_p99", percentile(took, 99), "ms", most=MOST_P99),
        Measure("click_to_answer_p50", percentile(answered, 50), "ms"),
        Measure("click_to_answer_p99", percentile(answered, 99), "ms"),
    ]


STAGES = (
    ("request", "due", "recorded"),  # HTTP, sign-in, locks, sizing, rules
    ("record", "recorded", "written"),  # the trade, its orders, the decision, the event
    ("commit_to_task", "written", "task"),  # commit, broker, the worker's turn until it submits
    ("claim", "task", "claimed"),  # the compare-and-set
    ("send", "claimed", "taken"),  # commit of the claim, signing, HTTP, the exchange's door
    ("record_answer", "taken", "acknowledged"),  # the exchange's commit, its answer, our booking
)


def stages(rows: Sequence[dict[str, Any]]) -> list[Measure]:
    measures = []
    for name, start, end in STAGES:
        took = [1000 * (row[end] - row[start]) for row in rows if row[start] and row[end]]
        if len(took) > 1:
            measures.append(Measure(f"stage_{name}_p50", percentile(took, 50), "ms"))
            measures.append(Measure(f"stage_{name}_p99", percentile(took, 99), "ms"))
    return measures


def cores(busy: Mapping[str, float]) -> list[Measure]:
    return [
        *(Measure(f"cpu_{name}", ms, "ms of a core an order") for name, ms in sorted(busy.items())),
        Measure("cpu_all", sum(busy.values()), "ms of a core an order"),
    ]


def family_seconds(pid: int) -> float:
    """Processor seconds a process and its children have had, those that ended among them."""
    ticks = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:  # it ended meanwhile: its parent has its time now
            continue
        if int(entry.name) == pid:
            ticks += sum(map(int, fields[11:15]))  # its own, and its ended children's
        elif int(fields[1]) == pid:
            ticks += sum(map(int, fields[11:13]))
    return ticks / CORE_TICKS


def rush(rows: Sequence[dict[str, Any]]) -> list[Measure]:
    began, ended = min(row["due"] for row in rows), max(row["acknowledged"] for row in rows)
    return [
        Measure("sustained", len(rows) / (ended - began), "orders/s", least=LEAST_RATE),
        Measure("sustained_orders", len(rows), "orders"),
    ]
