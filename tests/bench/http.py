"""A preview over HTTP while a trader drags: the whole platform runs, as in production.

The capacity of `POST plans/preview` is found first, with more and more clients at once; then
requests come at half of it, at random, counted from when each was to be sent: p50 of at most 10 ms,
p99 of at most 50 ms. A page without database and rules, asked of the same server in the same run,
says what the machine gives. For information: plans that are refused, for which the nearest that
would pass are looked for; `GET accounts/{id}/risk`; and the other server.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import ROUND_FLOOR, Decimal
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from tests.bench.http_load import Load, closed_loop, open_loop, precise_loop
from tests.bench.measures import Measure, percentile
from tests.flows.trader import Trader, until
from tests.running import RunningStack

SEED = 20261123
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
DRAWN = "BNBUSDT"  # where lines are dragged: free of a position, so that the plan may pass
RISK = "0.002"  # of equity, each of the three positions, and the plan that is dragged
TOO_MUCH = "0.018"  # beyond the trader's limit: the nearest plan that passes is looked for
CLIENTS = (1, 2, 4, 8, 16)
CONNECTIONS = 64
DRAG = 200  # different plans, a tick or a few apart
MOST_P50, MOST_P99 = 10, 50  # ms
MOST_OWN_SHARE = 25  # per cent of one core of two
CORE_TICKS = os.sysconf("SC_CLK_TCK")
TICK = Decimal("0.01")


def run(quick: bool) -> list[Measure]:
    """Every measure; the server is the default one, daphne, then uvicorn where it is installed."""
    with running() as stack:
        trader = Trader(stack)
        for symbol in SYMBOLS:
            open_position(trader, symbol)
        measures = Bench(stack, trader, quick=quick, limits=True).measures("")
        other = []
        if find_spec("uvicorn"):
            stack.restart("web", TESTUDO_SERVER="uvicorn")
            other = Bench(stack, trader, quick=True, limits=False).measures("uvicorn_")
        else:
            print("uvicorn is left out: `bin/test` installs it with the other tools of tests")
    return [*measures, *other, Measure("seed", SEED, "seed")]


@contextmanager
def running(**settings: str) -> Iterator[RunningStack]:
    """The platform with a state of its own, its own database and cache among it; `settings` are
    more of its environment."""
    folder = Path(tempfile.mkdtemp(prefix="testudo-bench-"))
    folder.chmod(0o755)  # the database's own user must pass
    kept = dict(os.environ)
    for name in ("DATABASE_URL", "DATABASE_REPLICA_URL", "TEST_DATABASE_TEMPLATE", "TESTUDO_LIVE"):
        os.environ.pop(name, None)
    try:
        stack = RunningStack(
            folder,
            {
                "WATCHED_SYMBOLS": ",".join((*SYMBOLS, DRAWN)),
                "TESTUDO_SERVER": "",
                **settings,
            },
        )
        try:
            yield stack
        finally:
            stack.close()
    finally:
        os.environ.clear()
        os.environ.update(kept)
        shutil.rmtree((folder / "postgres").resolve(), ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def open_position(trader: Trader, symbol: str) -> None:
    """Buy a little and wait until its stop rests."""
    ask = asked(trader, symbol)
    plan = drawn(trader, symbol, ask, ask)
    seen = trader.post("/api/v1/plans/preview", plan)
    broken = [each for each in seen["verdicts"] if not each["ok"]]
    if not seen["ok"]:
        raise RuntimeError(f"The benchmark's position in {symbol} is refused: {broken}")
    quote = {name: seen[name] for name in ("quoted_price", "quoted_at", "kind")}
    body = {**plan, **quote}
    placed = trader.post(
        "/api/v1/trades", body, status=201, **{"Idempotency-Key": f"bench-{symbol.lower()}"}
    )
    trader.protected(placed["id"])


def asked(trader: Trader, symbol: str) -> Decimal:
    """The best price to buy at now."""
    rough = drawn(trader, symbol, Decimal(100), Decimal(100))

    def priced() -> str | None:
        headers = {"X-CSRFToken": trader._token(), "Referer": trader.stack.url}
        url = f"{trader.stack.url}/api/v1/plans/preview"
        answer = trader.http.post(url, json=rough, headers=headers, timeout=10)
        return answer.json()["quoted_price"] if answer.status_code == 200 else None

    return Decimal(until(f"a price of {symbol}", priced))


def drawn(
    trader: Trader,
    symbol: str,
    entry: Decimal,
    near: Decimal,
    *,
    wide: str = "0.02",
    risk: str = RISK,
) -> dict[str, str]:
    """A long at `entry`: its stop below `near` by the fraction `wide`, its target four above."""
    lines = {
        "entry": entry,
        "stop": near * (1 - Decimal(wide)),
        "target": near * (1 + 4 * Decimal(wide)),
    }
    prices = {name: f"{at.quantize(TICK, ROUND_FLOOR)}" for name, at in lines.items()}
    facts = {"account": trader.account, "symbol": symbol, "side": "long"}
    return {**facts, "risk_fraction": risk, **prices}


class Bench:
    """One server under load."""

    def __init__(self, stack: RunningStack, trader: Trader, *, quick: bool, limits: bool) -> None:
        self.pid, self.quick, self.limits = stack.pid("web"), quick, limits
        self.port = urlsplit(stack.url).port or 80
        self.random = random.Random(SEED)
        cookies = "; ".join(f"{each.name}={each.value}" for each in trader.http.cookies)
        self.headers = (
            f"Host: 127.0.0.1:{self.port}\r\nCookie: {cookies}\r\nX-CSRFToken: {trader._token()}"
            f"\r\nOrigin: {stack.url}\r\nAccept: application/json\r\n"
        )
        self.previews = [self.post(plan) for plan in self.drag(trader, RISK)]
        self.too_much = [self.post(plan) for plan in self.drag(trader, TOO_MUCH)]
        self.risk = [self.get(f"/api/v1/accounts/{trader.account}/risk")]
        self.bare = [self.get("/healthz")]

    def drag(self, trader: Trader, risk: str) -> Iterator[dict[str, str]]:
        """Plans as they come while the lines are moved, a tick or a few at a time."""
        ask = asked(trader, DRAWN)
        for _ in range(DRAG):
            entry = ask + TICK * self.random.randrange(-20, 21)
            wide = f"0.0{self.random.randrange(150, 300)}"
            yield drawn(trader, DRAWN, entry, ask, wide=wide, risk=risk)

    def post(self, body: dict[str, str]) -> bytes:
        raw = orjson.dumps(body)
        head = "POST /api/v1/plans/preview HTTP/1.1\r\nContent-Type: application/json\r\n"
        return f"{head}{self.headers}Content-Length: {len(raw)}\r\n\r\n".encode() + raw

    def get(self, path: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\n{self.headers}\r\n".encode()

    def measures(self, prefix: str) -> list[Measure]:
        asked_of = (self.bare, self.previews, self.too_much, self.risk)
        for requests in asked_of:
            self.closed(requests, clients=2, seconds=2)  # warm
        bare, preview, too_much, risk = (self.alone(requests) for requests in asked_of)
        found = [
            Measure("healthz_alone", bare, "ms"),
            Measure("preview_alone", preview, "ms"),
            Measure("preview_to_healthz", preview / bare, "times"),
            Measure("too_much_alone", too_much, "ms"),
            Measure("risk_alone", risk, "ms"),
            Measure("risk_to_healthz", risk / bare, "times"),
            *self.at_half("preview", self.previews, limits=self.limits),
            *self.at_half("too_much", self.too_much, limits=False),
            *self.at_half("risk", self.risk, limits=False),
        ]
        return [
            Measure(f"{prefix}{one.name}", one.value, one.unit, one.least, one.most)
            for one in found
        ]

    def alone(self, requests: list[bytes]) -> float:
        """Milliseconds of one request at a time, the median."""
        load = self.closed(requests, clients=1, seconds=1.5 if self.quick else 4)
        return 1000 * statistics.median(load.took)

    def at_half(self, name: str, requests: list[bytes], *, limits: bool) -> list[Measure]:
        """The capacity, then the latencies at half of it."""
        seconds = 1 if self.quick else 4
        loads = [self.closed(requests, clients=each, seconds=seconds) for each in CLIENTS]
        capacity = max(each.rate for each in loads)
        half, lasts = capacity / 2, 5 if self.quick else 20
        gaps = [self.random.expovariate(half) for _ in range(int(half * lasts))]
        before = server_seconds(self.pid)
        with asyncio.Runner(loop_factory=precise_loop) as runner:
            load = self.checked(
                runner.run(open_loop(self.port, requests, gaps=gaps, connections=CONNECTIONS))
            )
        busy = server_seconds(self.pid) - before
        if limits and load.passed < 0.9 * len(load.took):
            raise RuntimeError("The plans of the benchmark are refused: they are to pass.")
        p50, p99 = (1000 * percentile(load.took, each) for each in (50, 99))
        return [
            Measure(f"{name}_capacity", capacity, "req/s"),
            Measure(f"{name}_rate", load.rate, "req/s"),
            Measure(f"{name}_p50", p50, "ms", most=MOST_P50 if limits else None),
            Measure(f"{name}_p99", p99, "ms", most=MOST_P99 if limits else None),
            Measure(f"{name}_requests", len(load.took), "requests"),
            Measure(f"{name}_passed", 100 * load.passed / len(load.took), "% of the plans"),
            Measure(f"{name}_most_waiting", load.most_waiting, "requests"),
            Measure(f"{name}_cpu", 1000 * busy / len(load.took), "ms of the server's a request"),
            Measure(
                f"{name}_load_share",
                100 * load.cpu_seconds / load.seconds,
                "% of a core for the load",
                most=MOST_OWN_SHARE if limits else None,
            ),
        ]

    def closed(self, requests: list[bytes], *, clients: int, seconds: float) -> Load:
        return self.checked(
            asyncio.run(closed_loop(self.port, requests, clients=clients, seconds=seconds))
        )

    def checked(self, load: Load) -> Load:
        """Raises: RuntimeError, if anything was refused: then something else was measured."""
        if load.refused:
            raise RuntimeError(f"Answers of the benchmark by status: {load.refused}")
        return load


def server_seconds(pid: int) -> float:
    """What the server has had of the processors so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / CORE_TICKS
