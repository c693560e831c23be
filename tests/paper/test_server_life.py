"""The life of connections: goodbye before the end, too many of them, keys revoked under them."""

from __future__ import annotations

import hashlib
import hmac
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from trading.exchange.paper.server import PaperServer, wall_ms

from .scripted import Bench, Trader


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Running:
    """A server in this loop, a client to it, and a trader on its exchange."""

    def __init__(self, bench: Bench, server: PaperServer, url: str) -> None:
        self.bench, self.server, self.url = bench, server, url
        self.trader: Trader
        self.http: aiohttp.ClientSession

    async def user_stream(self) -> aiohttp.ClientWebSocketResponse:
        """A WS API connection, logged on and subscribed."""
        ws = await self.http.ws_connect(f"{self.url}/ws-api/v3")
        key = self.trader.key
        payload = f"apiKey={key.key}&timestamp={wall_ms()}"
        made = hmac.new(key.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
        params = dict(part.split("=") for part in payload.split("&")) | {"signature": made}
        await ws.send_json({"id": 1, "method": "session.logon", "params": params})
        assert (await ws.receive_json(timeout=5))["status"] == 200
        await ws.send_json({"id": 2, "method": "userDataStream.subscribe"})
        assert (await ws.receive_json(timeout=5))["status"] == 200
        return ws

    async def admin(self, path: str, **body: Any) -> Any:
        async with self.http.post(f"{self.url}/paper-admin/{path}", json=body) as reply:
            return reply.status, await reply.json()


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    bench = Bench()
    server = PaperServer(bench.exchange)
    trader = bench.trader(USDT="10000")
    port = await server.start("127.0.0.1", _free_port())
    run = Running(bench, server, f"http://127.0.0.1:{port}")
    run.trader = trader
    async with aiohttp.ClientSession() as http:
        run.http = http
        yield run
    await server.stop()


async def test_before_a_shutdown_every_connection_is_told(running: Running) -> None:
    ws = await running.user_stream()
    await running.server.stop()
    frame = await ws.receive_json(timeout=5)
    assert frame["event"]["e"] == "serverShutdown"
    assert (await ws.receive(timeout=5)).type in (
        aiohttp.WSMsgType.CLOSE,
        aiohttp.WSMsgType.CLOSING,
        aiohttp.WSMsgType.CLOSED,
    )


async def test_a_connection_is_warned_and_then_closed_when_its_time_is_over(
    running: Running,
) -> None:
    running.server.life_ms = 1500
    ws = await running.user_stream()
    assert (await ws.receive_json(timeout=5))["event"]["e"] == "serverShutdown"
    assert (await ws.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE


async def test_an_address_may_connect_only_so_often(running: Running) -> None:
    running.bench.exchange.limits.connection_limit = 2
    for _ in range(2):
        await running.http.ws_connect(f"{running.url}/ws")
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await running.http.ws_connect(f"{running.url}/ws-api/v3")
    assert refused.value.status == 429


async def test_revoking_a_key_is_told_to_its_connections(running: Running) -> None:
    ws = await running.user_stream()
    status, _ = await running.admin("key", key=running.trader.key.key, revoked=True)
    assert status == 200
    assert (await ws.receive_json(timeout=5))["error"]["code"] == -2015
    assert (await ws.receive_json(timeout=5))["event"]["e"] == "eventStreamTerminated"
    await ws.send_json({"id": 3, "method": "ping"})
    assert (await ws.receive_json(timeout=5))["id"] == 3


async def test_a_time_unit_that_does_not_exist_is_refused(running: Running) -> None:
    async with running.http.get(f"{running.url}/ws-api/v3?timeUnit=DAY") as reply:
        assert (reply.status, (await reply.json())["code"]) == (400, -1194)


async def test_the_admin_api_moves_money_and_rights(running: Running) -> None:
    number = running.trader.account.id
    assert (await running.admin("withdraw", account=number, asset="USDT", amount="1"))[0] == 200
    status, told = await running.admin("withdraw", account=number, asset="USDT", amount="1000000")
    assert (status, "USDT" in told["detail"]) == (400, True)
    assert (await running.admin("account", account=number, frozen=True))[1]["frozen"] is True
    assert (await running.admin("account", account=number, frozen="yes"))[0] == 400
    status, told = await running.admin("keys", account=number)
    assert (status, set(told)) == (200, {"account", "key", "secret"})
    status, told = await running.admin("key", key=told["key"], addresses=["10.0.0.1"])
    assert told["addresses"] == ["10.0.0.1"]
    assert (await running.admin("key", key="none", revoked=True))[0] == 400
    assert (await running.admin("key", key=told["key"], addresses=["here"]))[0] == 400
    assert (await running.admin("reset", account=number, balances={"USDT": "5"}))[0] == 200
    assert running.trader.bench.exchange.engine.ledger.free(number, "USDT") == 5 * 10**8


async def test_a_listen_key_streams_account_events_raw_and_combined(running: Running) -> None:
    running.bench.exchange.legacy_listen_keys = True
    headers = {"X-MBX-APIKEY": running.trader.key.key}
    path = f"{running.url}/api/v3/userDataStream"
    async with running.http.post(path, headers=headers) as reply:
        key = (await reply.json())["listenKey"]
    raw = await running.http.ws_connect(f"{running.url}/ws/{key}")
    combined = await running.http.ws_connect(f"{running.url}/stream?streams={key}")
    await running.admin("deposit", account=running.trader.account.id, asset="USDT", amount="1")
    assert (await raw.receive_json(timeout=5))["e"] == "balanceUpdate"
    frame = await combined.receive_json(timeout=5)
    assert (frame["stream"], frame["data"]["a"]) == (key, "USDT")
