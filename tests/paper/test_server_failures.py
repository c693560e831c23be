"""What breaks inside the server: a stream or a client ends alone, a torn engine ends it all."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from testudo.stack.home import free_port
from trading.exchange.paper import market_channels
from trading.exchange.paper.server import PaperServer
from trading.exchange.paper.store import Store
from trading.exchange.paper.ws_api import Session

from .process import ROOT, PaperProcess
from .scripted import BTC, Bench, Trader


class Running:
    """A server in this loop and a client to it."""

    def __init__(self, bench: Bench, http: aiohttp.ClientSession) -> None:
        self.bench, self.http = bench, http
        self.server = PaperServer(bench.exchange)
        self.trader: Trader = bench.trader(USDT="10000", BTC="1")
        self.url = ""

    async def start(self) -> None:
        self.url = f"http://127.0.0.1:{await self.server.start('127.0.0.1', 0)}"

    async def listen(self, path: str) -> aiohttp.ClientWebSocketResponse:
        return await self.http.ws_connect(f"{self.url}{path}")

    async def still_answers(self) -> bool:
        async with self.http.get(f"{self.url}/api/v3/depth?symbol={BTC}") as reply:
            return reply.status == 200


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    async with aiohttp.ClientSession() as http:
        run = Running(Bench(), http)
        await run.start()
        yield run
        await run.server.stop()


def tracebacks(caplog: pytest.LogCaptureFixture, words: str) -> list[str]:
    return [
        one.getMessage()
        for one in caplog.records
        if one.levelno == logging.ERROR and one.exc_info and words in one.getMessage()
    ]


async def test_a_stream_that_breaks_is_logged_and_dropped_and_the_others_go_on(
    running: Running, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = await running.listen("/ws/btcusdt@avgPrice")
    healthy = await running.listen("/ws/btcusdt@depth5@100ms")
    assert (await healthy.receive_json(timeout=5))["bids"]

    def breaks(self: Any, now_ms: int) -> list[Any]:
        raise ZeroDivisionError("no volume")

    monkeypatch.setattr(market_channels.AveragePrice, "due", breaks)
    while (message := await broken.receive(timeout=5)).type is aiohttp.WSMsgType.TEXT:
        pass  # what came before it broke
    assert (message.type, broken.close_code) == (aiohttp.WSMsgType.CLOSE, 1011)
    assert (await healthy.receive_json(timeout=5))["bids"]
    assert await running.still_answers()
    assert tracebacks(caplog, "btcusdt@avgPrice") != []
    assert running.server.failure is None

    monkeypatch.undo()  # and it can be had again
    again = await running.listen("/ws/btcusdt@avgPrice")
    assert (await again.receive_json(timeout=5))["e"] == "avgPrice"


async def test_a_stream_that_breaks_at_a_print_does_not_break_the_engine(
    running: Running, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(self: Any, trade: Any, now_ms: int) -> Any:
        raise ValueError("cannot be told")

    monkeypatch.setattr(market_channels.Trades, "on_print", breaks)
    broken = await running.listen("/ws/btcusdt@trade")
    healthy = await running.listen("/ws/btcusdt@aggTrade")
    for _ in range(2):
        running.bench.feed.trade(BTC, "60000", "1")
    heard = [await healthy.receive_json(timeout=5) for _ in range(2)]
    assert [one["e"] for one in heard] == ["aggTrade", "aggTrade"]
    assert (await broken.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE
    assert tracebacks(caplog, "btcusdt@trade") == ["the stream btcusdt@trade broke and is dropped"]
    assert running.server.failure is None


async def test_a_client_that_breaks_is_cut_off_and_the_others_are_told(
    running: Running, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await running.listen("/ws/btcusdt@depth5@100ms")
    second = await running.listen("/ws/btcusdt@depth5@100ms")
    assert await first.receive_json(timeout=5)
    assert await second.receive_json(timeout=5)
    victim, _ = running.server._streams._readers

    def breaks(text: str) -> None:
        raise RuntimeError("the queue is gone")

    monkeypatch.setattr(victim, "offer_text", breaks)
    ended: set[aiohttp.ClientWebSocketResponse] = set()
    while not ended:
        for socket in (first, second):
            if (await socket.receive(timeout=5)).type is not aiohttp.WSMsgType.TEXT:
                ended.add(socket)
    (survivor,) = {first, second} - ended
    assert (await survivor.receive_json(timeout=5))["bids"]
    assert tracebacks(caplog, "cut off")
    assert running.server.failure is None


async def test_a_user_stream_that_breaks_is_cut_off_and_orders_go_on(
    running: Running, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket = await running.listen("/ws-api/v3")
    await socket.send_json({"id": 1, "method": "ping"})
    assert (await socket.receive_json(timeout=5))["status"] == 200

    def breaks(self: Session, account: int, event: Any) -> Any:
        raise KeyError("subscription")

    monkeypatch.setattr(Session, "events_for", breaks)
    running.bench.exchange.deposit(running.trader.account.id, "USDT", 5)
    message = await socket.receive(timeout=5)
    assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
    assert await running.still_answers()
    assert tracebacks(caplog, "cut off")
    assert running.server.failure is None


@pytest.mark.parametrize("what", ["_streams.flush", "sockets.age"])
async def test_even_when_the_looking_after_fails_the_market_goes_on(
    running: Running,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    holder, name = what.split(".")
    failed = asyncio.Event()

    def breaks(*_: Any) -> None:
        failed.set()
        raise RuntimeError("not looked after")

    monkeypatch.setattr(getattr(running.server, holder), name, breaks)
    heard: list[Any] = []
    running.bench.exchange.print_listeners.append(heard.extend)
    await asyncio.wait_for(failed.wait(), 5)
    failed.clear()
    running.bench.feed.trade(BTC, "60000", "1")
    await asyncio.wait_for(failed.wait(), 5)
    assert [trade.symbol for trade in heard] == [BTC]
    assert await running.still_answers()
    assert tracebacks(caplog, "not looked after")


async def test_a_torn_engine_stops_the_server_and_nothing_torn_is_written_down(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The engine breaks off between a fill and its end: the process must stop and say why, and the
    state on the disk is the last that was acknowledged."""
    path = tmp_path / "paper.sqlite3"
    bench = Bench(Store(path))
    async with aiohttp.ClientSession() as http:
        run = Running(bench, http)
        run.trader.limit("BUY", "59990", "0.1", newClientOrderId="resting")
        await run.start()
        socket = await run.listen("/ws/btcusdt@trade")

        def breaks() -> None:
            raise ArithmeticError("torn")

        bench.exchange.engine.settle = breaks  # type: ignore[method-assign]
        bench.feed.trade(BTC, "59990", "0.05")
        with pytest.raises(ArithmeticError, match="torn"):
            await asyncio.wait_for(run.server.serve_until(asyncio.Event()), 10)
        told = [await socket.receive(timeout=5) for _ in range(2)]
        assert told[-1].type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
    with pytest.raises(RuntimeError, match="start the exchange again"):
        bench.exchange.tick(bench.now_ms + 10_000)
    with pytest.raises(RuntimeError, match="start the exchange again"):
        bench.exchange.commit()
    (reason,) = [one for one in caplog.records if one.levelno == logging.CRITICAL]
    assert reason.exc_info
    assert isinstance(reason.exc_info[1], ArithmeticError)
    again = Bench(Store(path))
    (order,) = again.exchange.engine.orders.values()
    assert (order.client_id, order.filled, order.status) == ("resting", 0, "NEW")
    assert again.conserved()


BROKEN = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "testudo.settings")
from trading.exchange.paper import exchange, server
start = server.PaperServer.start
async def start_and_break(self, host, port):
    port = await start(self, host, port)
    def torn(now_ms):
        raise ArithmeticError("the engine is torn")
    self.exchange._move_on = torn
    return port
server.PaperServer.start = start_and_break
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", "paper_exchange", *sys.argv[1:]])
"""


def test_the_process_ends_with_an_error_and_its_reason_and_starts_again(tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite3"
    environment = os.environ | {
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    arguments = ["--port", str(free_port()), "--state", str(state), "--create-key"]
    ended = subprocess.run(
        [sys.executable, "-c", BROKEN, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "the engine is torn" in ended.stderr
    again = PaperProcess(state)
    again.stop()
