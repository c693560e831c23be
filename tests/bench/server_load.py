"""A real server under load: durable signed orders, user streams, memory. Loopback only."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp

from tests.bench import market_load
from tests.bench.measures import Measure, percentile
from tests.paper.process import PaperProcess

ACCOUNTS = 40
CONNECTIONS = 8
STREAMS = 100
QUIET_SECONDS = 20.0
PACE_SECONDS = 0.5  # between the orders of one owner


async def measure(server: PaperProcess, quick: bool, engine_seconds: float) -> list[Measure]:
    """Throughput and latency of orders, the engine's share, streams that keep up, memory."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        accounts = [await _account(session, server) for _ in range(ACCOUNTS)]
        count = 1500 if quick else 8000
        await _orders(session, server, accounts, count // 5)  # warm
        before = _resident(server)
        took, latencies = await _orders(session, server, accounts, count)
        growth = _resident(server) / before
        one_by_one = await _one_by_one(session, server, accounts[0], 200 if quick else 1000)
        async with market_load.Reader(session, server) as market:
            behind, told = await _streams(session, server, market.lots, 5 if quick else 30)
    return [
        Measure("engine_share", 100 * engine_seconds / one_by_one, "%", most=20),
        Measure("durable_orders_a_second", count / took, "orders/s", least=500),
        Measure("order_p99", 1000 * percentile(latencies, 99), "ms", most=50),
        Measure("order_p50", 1000 * percentile(latencies, 50), "ms"),
        Measure("stream_p99", 1000 * percentile(behind, 99), "ms", most=250),
        Measure("stream_events", told, "events"),
        *market.measures(),
        Measure("memory_growth", growth, "times", most=1.15),
    ]


async def _account(
    session: aiohttp.ClientSession, server: PaperProcess, *assets: str
) -> dict[str, Any]:
    """A new account with plenty of some assets."""
    wanted = {"balances": dict.fromkeys(assets or ("USDT", "BTC"), "1000000")}
    async with session.post(f"{server.url}/paper-admin/accounts", json=wanted) as reply:
        return dict(await reply.json())


def _signed(account: dict[str, Any], text: str) -> str:
    text += f"&timestamp={time.time_ns() // 1_000_000}"
    made = hmac.new(account["secret"].encode(), text.encode(), hashlib.sha256).hexdigest()
    return f"{text}&signature={made}"


async def _order(
    session: aiohttp.ClientSession,
    server: PaperProcess,
    account: dict[str, Any],
    side: str,
    lot: market_load.Lot = market_load.BITCOIN,
) -> float:
    """Seconds from the request to its durable answer."""
    text = f"symbol={lot.symbol}&side={side}&type=MARKET&quantity={lot.quantity}"
    headers = {"X-MBX-APIKEY": account["key"]}
    began = time.perf_counter()
    url = f"{server.url}/api/v3/order?{_signed(account, text)}"
    async with session.post(url, headers=headers) as reply:
        answer = await reply.json()
        if reply.status != 200 or answer["status"] != "FILLED":
            raise RuntimeError(f"An order of the benchmark was not filled: {answer}")
    return time.perf_counter() - began


async def _orders(
    session: aiohttp.ClientSession, server: PaperProcess, accounts: list[Any], count: int
) -> tuple[float, list[float]]:
    """(seconds for all, seconds of each), over a few connections at once."""
    numbers = iter(range(count))
    latencies: list[float] = []

    async def work() -> None:
        for number in numbers:
            account = accounts[number % len(accounts)]
            side = "BUY" if number // len(accounts) % 2 else "SELL"
            latencies.append(await _order(session, server, account, side))

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    return time.perf_counter() - began, latencies


async def _one_by_one(
    session: aiohttp.ClientSession, server: PaperProcess, account: dict[str, Any], count: int
) -> float:
    """Seconds of one order, when only one is under way."""
    took = [
        await _order(session, server, account, "BUY" if number % 2 else "SELL")
        for number in range(count)
    ]
    return percentile(took, 50)


async def _streams(
    session: aiohttp.ClientSession,
    server: PaperProcess,
    lots: Sequence[market_load.Lot],
    rounds: int,
) -> tuple[list[float], int]:
    """How long after its order each user stream told of the fill; all streams open at once.

    The owners trade every symbol there is.
    """
    traded = [lots[place % len(lots)] for place in range(STREAMS)]
    owners = [await _account(session, server, lot.base, lot.quote) for lot in traded]
    sockets = [await _subscribe(session, server, owner) for owner in owners]
    behind: list[float] = []
    told = 0

    async def one(
        place: int, owner: dict[str, Any], socket: aiohttp.ClientWebSocketResponse
    ) -> None:
        nonlocal told
        await asyncio.sleep(PACE_SECONDS * place / STREAMS)  # a steady load, no bursts of all
        for number in range(rounds):
            began = time.perf_counter()
            order = asyncio.create_task(
                _order(session, server, owner, "BUY" if number % 2 else "SELL", traded[place])
            )
            while True:
                frame = await socket.receive_json(timeout=QUIET_SECONDS)
                told += 1
                if frame["event"]["e"] == "outboundAccountPosition":
                    break
            await order
            behind.append(time.perf_counter() - began)
            await asyncio.sleep(PACE_SECONDS)  # the pace of the load, not a wait for anything

    await asyncio.gather(
        *(
            one(place, owner, socket)
            for place, (owner, socket) in enumerate(zip(owners, sockets, strict=True))
        )
    )
    for socket in sockets:
        await socket.close()
    return behind, told


async def _subscribe(
    session: aiohttp.ClientSession, server: PaperProcess, owner: dict[str, Any]
) -> aiohttp.ClientWebSocketResponse:
    socket = await session.ws_connect(f"{server.url}/ws-api/v3")
    text = _signed(owner, f"apiKey={owner['key']}")
    params = dict(part.split("=", 1) for part in text.split("&"))
    method = "userDataStream.subscribe.signature"
    await socket.send_json({"id": 1, "method": method, "params": params})
    answer = await socket.receive_json()
    if answer["status"] != 200:
        raise RuntimeError(f"A stream of the benchmark was refused: {answer}")
    return socket


def _resident(server: PaperProcess) -> float:
    """Resident memory of the server in kB."""
    for line in Path(f"/proc/{server.child.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return float(line.split()[1])
    raise RuntimeError("The server says nothing of its memory.")
