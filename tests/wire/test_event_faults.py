"""Faults of the user stream and of WS API answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.conformance.sockets import Socket
from tests.wire.conftest import BTC, Faulty
from trading.credentials import ApiKeys
from trading.exchange import user_stream
from trading.exchange.user_events import OrderUpdate, StreamEvent, Subscribed


@pytest.fixture
async def stream(faulty: Faulty) -> AsyncIterator[Socket]:
    """A subscribed user stream."""
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(faulty.host.ws_url) as raw,
    ):
        socket = Socket(raw, faulty.host)
        answer = await socket.ask("userDataStream.subscribe.signature", {}, signed=True)
        assert answer["status"] == 200
        yield socket


async def _buy(faulty: Faulty, name: str) -> None:
    market = {"type": "MARKET", "price": None, "timeInForce": None}
    reply = await asyncio.to_thread(lambda: faulty.place(name, **market))
    assert reply.json()["status"] == "FILLED"


async def _arm(faulty: Faulty, text: str) -> None:
    await asyncio.to_thread(faulty.arm, text)


def _executions(socket: Socket) -> list[int]:
    events = [frame["event"] for frame in socket.events]
    return [one["I"] for one in events if one["e"] == "executionReport"]


async def test_every_report_comes_three_times(faulty: Faulty, stream: Socket) -> None:
    await _arm(faulty, "duplicate-events:copies=3")
    await _buy(faulty, "d")
    await stream.listen(0.5)
    executions = _executions(stream)
    assert len(executions) == 3 * len(set(executions))
    assert sorted(executions) == [one for one in sorted(set(executions)) for _ in range(3)]


async def test_reports_come_in_another_order(faulty: Faulty, stream: Socket) -> None:
    await _arm(faulty, "reorder-events:seconds=0.4")
    for number in range(6):
        await _buy(faulty, f"r{number}")
    await stream.listen(1.0)
    executions = _executions(stream)
    assert len(executions) == len(set(executions)) >= 12
    assert executions != sorted(executions)


async def test_reports_come_late_and_in_their_order(faulty: Faulty, stream: Socket) -> None:
    await _arm(faulty, "delay-events:seconds=1.5")
    await _buy(faulty, "late")
    await stream.listen(0.8)
    assert stream.events == []
    await stream.listen(1.5)
    executions = _executions(stream)
    assert executions == sorted(executions)
    assert len(executions) >= 2


async def test_what_is_held_back_comes_when_the_fault_is_disarmed(
    faulty: Faulty, stream: Socket
) -> None:
    await _arm(faulty, "delay-events:seconds=90")
    await _buy(faulty, "held")
    await stream.listen(0.3)
    assert stream.events == []
    await asyncio.to_thread(faulty.disarm)
    await stream.listen(0.3)
    assert len(_executions(stream)) >= 2


async def test_a_socket_falls_silent_and_stays_open(faulty: Faulty, stream: Socket) -> None:
    await _arm(faulty, "silent-socket")
    await _buy(faulty, "unheard")
    await stream.listen(0.5)
    assert stream.events == []
    assert not stream.socket.closed
    assert (await stream.ask("ping", {}, signed=False))["status"] == 200


async def test_a_subscription_is_lost_without_a_word(faulty: Faulty, stream: Socket) -> None:
    await _arm(faulty, "lost-subscription")
    await _buy(faulty, "unheard")
    await stream.listen(0.4)
    assert stream.events == []
    listed = await stream.ask("session.subscriptions", {}, signed=False)
    assert listed["result"] == []
    await stream.ask("userDataStream.subscribe.signature", {}, signed=True)
    await _buy(faulty, "heard")
    await stream.listen(0.4)
    assert len(_executions(stream)) >= 2


async def test_f20_our_own_session_notices_a_lost_subscription_and_begins_anew(
    faulty: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user_stream, "PING_EVERY", 0.1)
    monkeypatch.setattr(user_stream, "PROBE_EVERY", 0.2)
    keys = ApiKeys(faulty.host.key, faulty.host.secret)
    heard: list[StreamEvent] = []
    lost: list[str] = []

    async def on_event(event: StreamEvent) -> None:
        heard.append(event)
        if isinstance(event, Subscribed) and not lost:
            await _arm(faulty, "lost-subscription")
        elif isinstance(event, Subscribed):
            await _buy(faulty, "heard")
        elif isinstance(event, OrderUpdate):
            following.cancel()

    async def on_lost(why: str) -> None:
        lost.append(why)

    following = asyncio.create_task(
        user_stream.follow(
            lambda: user_stream.session(faulty.host.ws_url, keys),
            on_event=on_event,
            on_lost=on_lost,
        )
    )
    async with asyncio.timeout(20):
        await asyncio.gather(following, return_exceptions=True)
    assert lost == ["the exchange has lost the subscription"]
    assert [isinstance(each, Subscribed) for each in heard].count(True) == 2


async def test_ten_thousand_events_arrive_at_a_client_that_reads(
    faulty: Faulty, stream: Socket
) -> None:
    await _arm(faulty, "burst-events:count=10000")
    await _buy(faulty, "burst")
    await stream.listen(1.0)
    assert len(stream.events) >= 10_000


async def test_a_ws_order_is_accepted_and_its_answer_lost(faulty: Faulty, stream: Socket) -> None:
    await _arm(faulty, "drop-reply:path=order.place")
    frame = {"id": 1, "method": "order.place"}
    await stream.socket.send_json(frame | {"params": faulty.host.signed_params(_order(faulty))})
    await stream.listen(0.5)
    assert stream.socket.closed
    assert await asyncio.to_thread(faulty.open_names) == ["ws"]


async def test_ws_answers_fail_as_rest_ones_do(faulty: Faulty, stream: Socket) -> None:
    await _arm(faulty, "error:code=-1006,accepted=no,path=order.place")
    answer = await stream.ask("order.place", _order(faulty), signed=True)
    assert (answer["status"], answer["error"]["code"]) == (504, -1006)
    await _arm(faulty, "key-revoked:next=1")
    await stream.socket.send_json(
        {"id": 9, "method": "account.status", "params": faulty.host.signed_params({})}
    )
    refused = await stream.socket.receive_json()
    assert (refused["id"], refused["status"], refused["error"]["code"]) == (None, 401, -2015)
    await _arm(faulty, "read-lag:seconds=60")
    assert (await stream.ask("order.place", _order(faulty), signed=True))["status"] == 200
    query = {"symbol": BTC, "origClientOrderId": "ws"}
    unseen = await stream.ask("order.status", query, signed=True)
    assert (unseen["status"], unseen["error"]["code"]) == (400, -2013)
    opened = await stream.ask("openOrders.status", {"symbol": BTC}, signed=True)
    assert opened["result"] == []


def _order(faulty: Faulty) -> dict[str, Any]:
    return faulty.order("ws")
