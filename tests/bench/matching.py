"""The paper exchange's speed: the engine alone, and a real server on loopback, its state on disk.

At least 20,000 operations/s; 10,000 price levels in at most 1.3 times the time of 100; the engine
at most 20 % of an HTTP request; at least 500 durable signed orders/s with p99 of at most 50 ms;
100 user streams and 20 symbols, all streamed, that do not fall behind; memory flat; a start on a
million past trades within 10 s.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from tests.bench import engine_load, past, server_load
from tests.bench.measures import Measure
from tests.paper.process import PaperProcess
from trading.exchange.paper.feed import known_symbols


def run(quick: bool) -> list[Measure]:
    """Every measure, in the order of the issue."""
    operations = 10_000 if quick else 60_000
    measures = [
        Measure(
            "operations_a_second",
            engine_load.operations_a_second(operations),
            "ops/s",
            least=20_000,
        ),
        Measure("depth_ratio", engine_load.depth_ratio(operations // 5), "times", most=1.3),
    ]
    engine_seconds = engine_load.seconds_a_placement(operations // 2)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        old = Path(folder) / "past.sqlite3"
        past.write_past(old, 100_000 if quick else 1_000_000)
        measures.append(Measure("start_seconds", past.seconds_to_start(old), "s", most=10))
        symbols = ",".join(known_symbols()[:20])
        server = PaperProcess(Path(folder) / "state.sqlite3", "--symbols", symbols)
        try:
            measures += asyncio.run(server_load.measure(server, quick, engine_seconds))
        finally:
            server.kill()
    return measures
