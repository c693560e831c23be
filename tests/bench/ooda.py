"""From the click to the exchange's acknowledgement: daphne, PostgreSQL, Celery, the paper exchange.

The whole platform runs, as in production, no latency added. Placements come at 10 a second, at
random, each on an account and symbol of its own, counted from when the request was to be sent
until the exchange's answer to the entry was in our process: p50 of at most 50 ms, p99 of at most
200 ms. Then as many as go through: 50 a second at least. The same exchange, asked by a bare
python-binance client in the same run, says what the machine and the exchange take. Where the time
goes is told stage by stage, from the rows' own times and the worker's log.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests

from tests.bench import ooda_profile as profile
from tests.bench.http import running, server_seconds
from tests.bench.http_load import Connection, connect
from tests.bench.measures import Measure
from tests.bench.ooda_profile import RATE
from tests.flows.trader import Trader, until
from tests.running import RunningStack

SEED = 20261124
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT")
SECONDS, QUICK_SECONDS = 30, 8
BURST, QUICK_BURST = 300, 80
BARE, QUICK_BARE = 200, 40
CONNECTIONS = 32
TICK = Decimal("0.01")
SETTLE_SECONDS = 60
ENDED = ("expired", "rejected", "canceled")
WEIGHT_LIMIT = "600000"  # a minute: accounts are opened by the dozen
CONNECTIONS_MOST = "30000"

OPEN = """
import json
from django.contrib.auth import get_user_model
from trading.connecting import store_account
from trading.exchange.paper_admin import open_paper_account
from decimal import Decimal
user = get_user_model().objects.get(username={name!r})
for number in range({count}):
    keys = open_paper_account({{"USDT": Decimal(10000)}})
    account = store_account(user, venue="paper", name=f"Bench {{number}}", keys=keys)
    print("ACCOUNT", account.pk)
"""
IN_STEP = """
from trading.models import ExchangeAccount
rows = ExchangeAccount.objects.filter(stream_gap=False).exclude(reconciled_at=None)
print("COUNT", rows.count())
"""
ROWS = """
import json
from testudo.events.models import OutboxEvent
from trading.models import Trade
sent = dict(OutboxEvent.objects.filter(name="trading.plan_approved")
            .values_list("payload__trade_id", "created_at"))
for trade in Trade.objects.filter(placed_at__gte={since!r}).prefetch_related("orders"):
    entry = next(order for order in trade.orders.all() if order.leg == "entry")
    moments = {{
        "recorded": trade.placed_at, "written": sent.get(str(trade.pk)),
        "claimed": entry.claimed_at, "taken": entry.working_at,
        "acknowledged": trade.acknowledged_at,
    }}
    shown = {{name: at and at.timestamp() for name, at in moments.items()}}
    said = {{"id": str(trade.pk), "state": trade.state, "reason": entry.state_reason}}
    print("TRADE", json.dumps({{**said, **shown}}))
"""


@dataclass(slots=True)
class Click:
    """One placement as the client saw it; wall-clock seconds."""

    due: float
    answered: float = 0.0
    status: int = 0
    key: str = ""
    said: str = ""  # where it was refused


def run(quick: bool) -> list[Measure]:
    """Every measure; the profile is among them, for information."""
    seconds, burst = (QUICK_SECONDS, QUICK_BURST) if quick else (SECONDS, BURST)
    with running(PAPER_WEIGHT_LIMIT=WEIGHT_LIMIT, PAPER_CONNECTION_LIMIT=CONNECTIONS_MOST) as stack:
        bench = Bench(stack, orders=RATE * seconds + burst + len(SYMBOLS) * 8)
        bare = bench.bare(QUICK_BARE if quick else BARE)
        bench.warm()
        steady = bench.steady(seconds)
        rush = bench.rush(burst)
        for why, count in bench.missed.items():
            print(f"{count} placements were not acknowledged: {why}")
    return [
        *profile.bare(bare), *profile.steady(steady), *profile.stages(steady),
        *profile.rush(rush), *profile.cores(bench.busy),
        Measure("not_acknowledged", bench.missed.total(), "orders", most=0),
        Measure("seed", SEED, "seed"),
    ]  # fmt: skip


class Bench:
    """One running platform and a trader with many accounts."""

    def __init__(self, stack: RunningStack, *, orders: int) -> None:
        self.stack, self.random = stack, random.Random(SEED)
        self.port = urlsplit(stack.url).port or 80
        self.rest = stack.run["addresses"]["paper_rest"]
        self.trader = Trader(stack)
        count = -(-orders // len(SYMBOLS))
        found = stack.python(OPEN.format(name=self.trader.name, count=count))
        self.accounts = [line.split()[1] for line in found if line.startswith("ACCOUNT")]
        until("the accounts to be in step", lambda: self._in_step() > count, seconds=60 + count)
        self.places = iter([(each, name) for name in SYMBOLS for each in self.accounts])
        cookies = "; ".join(f"{each.name}={each.value}" for each in self.trader.http.cookies)
        self.headers = (
            f"Host: 127.0.0.1:{self.port}\r\nCookie: {cookies}\r\nX-CSRFToken: "
            f"{self.trader._token()}\r\nOrigin: {stack.url}\r\nAccept: application/json\r\n"
        )
        self._asks: dict[str, tuple[float, Decimal]] = {}
        self.busy: dict[str, float] = {}  # ms of the processors an order, by process
        self.missed: Counter[str] = Counter()  # placements that were never acknowledged

    def _in_step(self) -> int:
        found = self.stack.python(IN_STEP)
        return next(int(line.split()[1]) for line in found if line.startswith("COUNT"))

    def bare(self, count: int) -> list[float]:
        """Milliseconds of one order sent by python-binance alone, nothing else going on."""
        from binance.client import Client

        class Paper(Client):
            API_URL = f"{self.rest}/api"

        opened = self.stack.paper.open_account(USDT="1000000")
        client = Paper(opened["key"], opened["secret"], ping=False)
        took = []
        for _ in range(count):
            price = f"{self.ask('BTCUSDT') * Decimal('1.001'):.2f}"
            began = time.perf_counter()
            client.create_order(
                symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="FOK",
                quantity="0.001", price=price, newOrderRespType="RESULT",
            )  # fmt: skip
            took.append((time.perf_counter() - began) * 1000)
        return took

    def warm(self) -> None:
        """Every process has done it a few times before it is measured."""
        clicks = asyncio.run(self._open_loop([0.1] * len(SYMBOLS) * 6))
        _refuse_failures(clicks)
        self._rows(time.time() - 60, expected=len(clicks))

    def steady(self, seconds: int) -> list[dict[str, Any]]:
        """Placements at their times, each with its moments in seconds of the wall clock."""
        gaps = [self.random.expovariate(RATE) for _ in range(RATE * seconds)]
        since, before = time.time(), self._busy()
        clicks = asyncio.run(self._open_loop(gaps))
        after = self._busy()
        self.busy = {name: 1000 * (after[name] - before[name]) / len(clicks) for name in after}
        return self._with_rows(clicks, since)

    def _busy(self) -> dict[str, float]:
        """What each process has had of the processors so far, in seconds."""
        pids = self.stack.run["pids"]
        named = {name: pid for name, pid in pids.items() if name not in ("supervisor", "postgres")}
        busy = {name: server_seconds(pid) for name, pid in named.items()}
        return {**busy, "postgres": profile.family_seconds(pids["postgres"])}

    def rush(self, count: int) -> list[dict[str, Any]]:
        """As many at once as go through."""
        since = time.time()
        return self._with_rows(asyncio.run(self._open_loop([0.0] * count)), since)

    def ask(self, symbol: str) -> Decimal:
        """The best price to buy at, at most a second old."""
        at, price = self._asks.get(symbol, (0.0, Decimal(0)))
        if time.monotonic() - at > 1:
            url = f"{self.rest}/api/v3/ticker/bookTicker"
            price = Decimal(requests.get(url, {"symbol": symbol}, timeout=5).json()["askPrice"])
            self._asks[symbol] = (time.monotonic(), price)
        return price

    def _request(self) -> tuple[bytes, str]:
        account, symbol = next(self.places)
        ask, key = self.ask(symbol), str(uuid.uuid4())
        lines = {"entry": ask, "stop": ask * Decimal("0.98"), "target": ask * Decimal("1.08")}
        body = {
            "account": account, "symbol": symbol, "side": "long", "risk_fraction": "0.001",
            **{name: f"{at.quantize(TICK, ROUND_FLOOR)}" for name, at in lines.items()},
            "quoted_price": f"{ask:f}", "quoted_at": datetime.now(UTC).isoformat(),
        }  # fmt: skip
        raw = orjson.dumps(body)
        head = (
            "POST /api/v1/trades HTTP/1.1\r\nContent-Type: application/json\r\n"
            f"Idempotency-Key: {key}\r\n{self.headers}Content-Length: {len(raw)}\r\n\r\n"
        )
        return head.encode() + raw, key

    async def _open_loop(self, gaps: Sequence[float]) -> list[Click]:
        """Each request at its time, whether or not the server keeps up."""
        free: asyncio.Queue[Connection] = asyncio.Queue()
        for connection in await connect(self.port, CONNECTIONS):
            free.put_nowait(connection)
        clicks, tasks = [], []

        async def send(click: Click) -> None:
            connection = await free.get()
            request, click.key = self._request()
            click.status = await connection.ask(request)
            click.answered = time.time()
            if click.status != 201:
                click.said = connection.begins.decode(errors="replace")
            free.put_nowait(connection)

        due = time.time()
        for gap in gaps:
            due += gap
            await asyncio.sleep(max(0.0, due - time.time()))
            clicks.append(Click(due))
            tasks.append(asyncio.create_task(send(clicks[-1])))
        await asyncio.gather(*tasks)
        return clicks

    def _with_rows(self, clicks: list[Click], since: float) -> list[dict[str, Any]]:
        """The clicks with what became of them, matched by the moment they were recorded in."""
        _refuse_failures(clicks)
        rows = self._rows(since, expected=len(clicks))
        started = dict(self._task_starts())
        found = [
            {**row, "due": click.due, "answered": click.answered, "task": started.get(row["id"])}
            for click, row in _matched(clicks, rows)
        ]
        self.missed += Counter(
            f"{row['state']}: {row['reason']}" for row in found if not row["acknowledged"]
        )
        return [row for row in found if row["acknowledged"]]

    def _rows(self, since: float, *, expected: int) -> list[dict[str, Any]]:
        begin = datetime.fromtimestamp(since, UTC).isoformat()
        time.sleep(2)  # each look is a fork of its own: it shall not be the load

        def all_known() -> list[dict[str, Any]]:
            found = self.stack.python(ROWS.format(since=begin))
            rows = [json.loads(line[6:]) for line in found if line.startswith("TRADE")]
            known = [row for row in rows if row["acknowledged"] or row["state"] in ENDED]
            return rows if len(known) >= expected else []

        return until("every placement to be settled", all_known, seconds=SETTLE_SECONDS)

    def _task_starts(self) -> Iterator[tuple[str, float]]:
        """When a turn reached the trade's submission, by the processes' logs."""
        for name in ("orders", "protective", "guard"):
            for line in self.stack.log(name).splitlines():
                if '"step": "Submit"' not in line and '"step":"Submit"' not in line:
                    continue
                said = json.loads(line[line.index("{") :])
                at = datetime.fromisoformat(said["timestamp"].replace("Z", "+00:00"))
                yield said["trade"], at.timestamp()


def _matched(
    clicks: Sequence[Click], rows: Sequence[dict[str, Any]]
) -> list[tuple[Click, dict[str, Any]]]:
    """Rows in the order they were recorded belong to answers in the order they came, nearly; the
    sums of all stages do not depend on who is who."""
    by_answer = sorted(clicks, key=lambda click: click.answered)
    by_record = sorted(rows, key=lambda row: row["written"] or row["recorded"])
    return list(zip(by_answer, by_record, strict=True))


def _refuse_failures(clicks: Sequence[Click]) -> None:
    """Raises: RuntimeError, if a placement was refused: then something else was measured."""
    refused = [click for click in clicks if click.status != 201]
    if refused:
        by_status = Counter(click.status for click in refused)
        said = "\n".join({click.status: click.said for click in refused}.values())
        raise RuntimeError(f"Answers of the benchmark by status: {dict(by_status)}\n{said}")
