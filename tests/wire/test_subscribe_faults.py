"""What happens to an account in the very moment it subscribes, and when its key is revoked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import requests

from tests.conformance.host import Host
from tests.conformance.sockets import Socket
from tests.paper.process import PaperProcess
from tests.wire.conftest import Faulty
from trading.exchange.paper.faults import Faults

SUBSCRIBE = "userDataStream.subscribe.signature"


@pytest.fixture
async def raw(faulty: Faulty) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with aiohttp.ClientSession() as http, http.ws_connect(faulty.host.ws_url) as socket:
        yield socket


async def _subscribe(host: Host, socket: aiohttp.ClientWebSocketResponse, frames: int) -> list[Any]:
    """The next frames after a subscribe, in the order they came."""
    await socket.send_json({"id": 1, "method": SUBSCRIBE, "params": host.signed_params({})})
    return [await socket.receive_json(timeout=20) for _ in range(frames)]


async def _arm(faulty: Faulty, text: str) -> None:
    await asyncio.to_thread(faulty.arm, text)


async def test_an_order_fills_right_after_the_answer_to_the_subscribe(
    faulty: Faulty, raw: aiohttp.ClientWebSocketResponse
) -> None:
    await asyncio.to_thread(faulty.place, "resting")
    await _arm(faulty, "event-at-subscribe")
    ack, trade, position = await _subscribe(faulty.host, raw, 3)
    assert ack["result"] == {"subscriptionId": 0}
    assert (trade["subscriptionId"], trade["event"]["e"]) == (0, "executionReport")
    assert [trade["event"][name] for name in ("c", "x", "X")] == ["resting", "TRADE", "FILLED"]
    assert position["event"]["e"] == "outboundAccountPosition"
    assert await asyncio.to_thread(faulty.open_names) == []
    assert await asyncio.to_thread(lambda: faulty.struck[-1]) == "event-at-subscribe"


async def test_the_event_may_even_overtake_the_answer(
    faulty: Faulty, raw: aiohttp.ClientWebSocketResponse
) -> None:
    await asyncio.to_thread(faulty.place, "resting")
    await _arm(faulty, "event-at-subscribe:when=before")
    trade, position, ack = await _subscribe(faulty.host, raw, 3)
    assert [trade["event"]["X"], position["event"]["e"]] == ["FILLED", "outboundAccountPosition"]
    assert ack["id"] == 1


async def test_where_nothing_rests_money_arrives_instead(
    faulty: Faulty, raw: aiohttp.ClientWebSocketResponse
) -> None:
    await _arm(faulty, "event-at-subscribe:amount=2.5")
    _, update, _ = await _subscribe(faulty.host, raw, 3)
    assert [update["event"][name] for name in "ead"] == ["balanceUpdate", "USDT", "2.50000000"]


async def test_it_strikes_once_and_only_where_somebody_subscribes(
    faulty: Faulty, raw: aiohttp.ClientWebSocketResponse
) -> None:
    await _arm(faulty, "event-at-subscribe:what=deposit")
    socket = Socket(raw, faulty.host)
    assert (await socket.ask("ping", {}, signed=False))["status"] == 200
    told = await asyncio.to_thread(faulty.process.admin, "faults")
    assert told["armed"][-1]["struck"] == 0
    assert (await socket.ask(SUBSCRIBE, {}, signed=True))["status"] == 200
    assert (await socket.ask("userDataStream.unsubscribe", {}, signed=False))["status"] == 200
    assert (await socket.ask(SUBSCRIBE, {}, signed=True))["status"] == 200
    await socket.ask("ping", {}, signed=False)
    deposits = [one for one in socket.events if one["event"]["e"] == "balanceUpdate"]
    assert len(deposits) == 1


@pytest.mark.parametrize("amount", ["0", "-1", "1e-9", "0.000000001", "1e11"])
def test_an_amount_that_cannot_be_deposited_is_refused_at_once(
    process: PaperProcess, amount: str
) -> None:
    body = {"fault": f"event-at-subscribe:amount={amount}"}
    reply = requests.post(f"{process.url}/paper-admin/faults", json=body, timeout=10)
    assert reply.status_code == 400
    assert "amount must be" in reply.json()["detail"]
    assert process.admin("faults")["armed"] == []


def test_the_same_seed_strikes_the_same_subscribes() -> None:
    def strikes(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.arm("event-at-subscribe:p=0.5,next=100", 0)
        return [faults.strike("subscribe", 0, account=1) is not None for _ in range(100)]

    assert strikes(7) == strikes(7) != strikes(8)


async def test_the_command_arms_it_from_the_start(tmp_path: Path) -> None:
    process = await asyncio.to_thread(
        PaperProcess,
        tmp_path / "state.sqlite3",
        "--create-key",
        "--fault",
        "event-at-subscribe:what=deposit,amount=3",
    )
    try:
        made, socket_url = process.key, process.url.replace("http", "ws", 1)
        host = Host(process.url, f"{socket_url}/ws-api/v3", socket_url, made["key"], made["secret"])
        async with aiohttp.ClientSession() as http, http.ws_connect(host.ws_url) as socket:
            ack, update, _ = await _subscribe(host, socket, 3)
        host.session.close()
        assert (ack["status"], update["event"]["d"]) == (200, "3.00000000")
    finally:
        process.close()


async def test_a_revoked_key_ends_the_stream_and_then_the_session(
    faulty: Faulty, raw: aiohttp.ClientWebSocketResponse
) -> None:
    socket = Socket(raw, faulty.host)
    assert (await socket.ask("session.logon", {}, signed=True))["status"] == 200
    assert (await socket.ask("userDataStream.subscribe", {}, signed=False))["status"] == 200
    await _arm(faulty, "key-revoked")
    ended = await raw.receive_json(timeout=20)
    assert (ended["subscriptionId"], ended["event"]["e"]) == (0, "eventStreamTerminated")
    now = faulty.host.signed_params({})["timestamp"]
    await raw.send_json({"id": 9, "method": "account.status", "params": {"timestamp": now}})
    refused = await raw.receive_json(timeout=20)
    assert (refused["id"], refused["status"], refused["error"]["code"]) == (None, 401, -2015)
    await asyncio.to_thread(faulty.disarm)
    status = await socket.ask("session.status", {}, signed=False)
    assert (status["result"]["apiKey"], status["result"]["userDataStream"]) == (None, False)


async def test_a_key_refused_once_keeps_its_stream(
    faulty: Faulty, raw: aiohttp.ClientWebSocketResponse
) -> None:
    socket = Socket(raw, faulty.host)
    await socket.ask(SUBSCRIBE, {}, signed=True)
    await _arm(faulty, "key-revoked:next=1,path=account.status")
    listed = await socket.ask("session.subscriptions", {}, signed=False)
    assert listed["result"] == [{"subscriptionId": 0}]
    assert socket.events == []
