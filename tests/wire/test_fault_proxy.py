"""The fault proxy: what fails below HTTP, seen by an ordinary client."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import aiohttp
import pytest
import requests

from tests.wire.conftest import Faulty
from tests.wire.fault_proxy import FaultProxy, Mode


async def _ask(proxy: FaultProxy, path: str = "/api/v3/exchangeInfo", seconds: float = 3) -> bytes:
    limit = aiohttp.ClientTimeout(total=seconds)
    url = f"http://127.0.0.1:{proxy.port}{path}"
    async with aiohttp.ClientSession(timeout=limit) as http, http.get(url) as reply:
        return await reply.read()


async def test_it_passes_everything_on_when_nothing_is_wrong(faulty: Faulty) -> None:
    async with FaultProxy("127.0.0.1", faulty.process.port) as proxy:
        assert await _ask(proxy, "/api/v3/ping") == b"{}"
        assert b"BTCUSDT" in await _ask(proxy)


async def test_latency_is_added_each_way(faulty: Faulty) -> None:
    async with FaultProxy("127.0.0.1", faulty.process.port, Mode(latency=0.3)) as proxy:
        before = time.monotonic()
        assert await _ask(proxy, "/api/v3/ping") == b"{}"
        assert time.monotonic() - before >= 0.6


@pytest.mark.parametrize("mode", [Mode(reset_on_accept=True), Mode(reset_after=40)])
async def test_a_connection_is_reset(faulty: Faulty, mode: Mode) -> None:
    async with FaultProxy("127.0.0.1", faulty.process.port, mode) as proxy:
        with pytest.raises(aiohttp.ClientError):
            await _ask(proxy)


async def test_an_answer_is_cut_after_so_many_bytes(faulty: Faulty) -> None:
    async with FaultProxy("127.0.0.1", faulty.process.port, Mode(close_after=600)) as proxy:
        with pytest.raises(aiohttp.ClientPayloadError):
            await _ask(proxy)


async def test_a_half_open_connection_says_nothing(faulty: Faulty) -> None:
    async with FaultProxy("127.0.0.1", faulty.process.port, Mode(half_open=True)) as proxy:
        with pytest.raises(TimeoutError):
            await _ask(proxy, seconds=0.5)


async def test_an_order_arrives_whose_answer_is_swallowed(faulty: Faulty) -> None:
    async with FaultProxy("127.0.0.1", faulty.process.port, Mode(lose_replies=True)) as proxy:
        through = replace(
            faulty.host, base_url=f"http://127.0.0.1:{proxy.port}", session=requests.Session()
        )
        order = await asyncio.to_thread(faulty.order, "swallowed")
        sending = asyncio.create_task(
            asyncio.to_thread(through.rest, "POST", "/api/v3/order", order, signed=True)
        )
        async with asyncio.timeout(5):
            while await asyncio.to_thread(faulty.open_names) != ["swallowed"]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert not sending.done()
        proxy.reset_all()
        with pytest.raises(OSError, match=r"."):
            await sending


async def test_live_connections_can_be_broken_and_the_mode_changed(faulty: Faulty) -> None:
    async with FaultProxy("127.0.0.1", faulty.process.port) as proxy:
        async with aiohttp.ClientSession() as http:
            url = f"ws://127.0.0.1:{proxy.port}/ws-api/v3"
            socket = await http.ws_connect(url)
            await socket.send_json({"id": 1, "method": "ping"})
            assert (await socket.receive_json())["status"] == 200
            assert proxy.reset_all() >= 1
            assert (await socket.receive()).type in (
                aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR, aiohttp.WSMsgType.CLOSE,
            )  # fmt: skip
        proxy.mode = Mode(reset_on_accept=True)
        with pytest.raises(aiohttp.ClientError):
            await _ask(proxy, "/api/v3/ping")
        assert proxy.connections >= 2
