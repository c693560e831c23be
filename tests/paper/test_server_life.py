"""The life of connections: goodbye before the end, too many of them, keys revoked under them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from testudo.stack.home import free_port
from trading.exchange.paper import socket_life
from trading.exchange.paper.server import PaperServer, wall_ms

from .scripted import Bench, Trader


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
    port = await server.start("127.0.0.1", free_port())
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
    running.server.sockets.life_ms = 1500
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
    assert (await ws.receive_json(timeout=5))["event"]["e"] == "eventStreamTerminated"
    await ws.send_json({"id": 3, "method": "session.status"})
    refused = await ws.receive_json(timeout=5)
    assert (refused["id"], refused["status"], refused["error"]["code"]) == (None, 401, -2015)
    await ws.send_json({"id": 4, "method": "ping"})
    assert (await ws.receive_json(timeout=5))["id"] == 4


async def test_logging_out_is_answered_first_and_then_the_stream_says_goodbye(
    running: Running,
) -> None:
    ws = await running.user_stream()
    await ws.send_json({"id": 3, "method": "session.logout"})
    assert (await ws.receive_json(timeout=5))["result"]["userDataStream"] is False
    farewell = await ws.receive_json(timeout=5)
    assert (farewell["subscriptionId"], farewell["event"]["e"]) == (0, "eventStreamTerminated")


async def test_connecting_to_the_ws_api_weighs_two(running: Running) -> None:
    ws = await running.http.ws_connect(f"{running.url}/ws-api/v3")
    await ws.send_json({"id": 1, "method": "ping"})
    assert (await ws.receive_json(timeout=5))["rateLimits"][0]["count"] == 3


async def test_who_is_banned_is_told_and_disconnected(running: Running) -> None:
    ws = await running.http.ws_connect(f"{running.url}/ws-api/v3")
    running.bench.exchange.limits.weight_limit = 0
    for number in range(21):  # twenty times 429, and on it goes
        await ws.send_json({"id": number, "method": "ping"})
    answers = [await ws.receive_json(timeout=5) for _ in range(21)]
    assert [one["status"] for one in answers] == [429] * 20 + [418]
    assert (await ws.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE
    assert ws.close_code == 1008


async def test_a_ban_on_command_disconnects_as_well(running: Running) -> None:
    ws = await running.http.ws_connect(f"{running.url}/ws-api/v3")
    assert (await running.admin("faults", fault="ban:seconds=60"))[0] == 200
    await ws.send_json({"id": 1, "method": "ping"})
    assert (await ws.receive_json(timeout=5))["status"] == 418
    assert (await ws.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE


async def test_a_peer_that_answers_no_ping_is_left(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_life, "PING_SECONDS", 0)
    monkeypatch.setattr(socket_life, "PONG_SECONDS", 0.2)
    ws = await running.http.ws_connect(f"{running.url}/ws-api/v3", autoping=False)
    assert (await ws.receive(timeout=5)).type is aiohttp.WSMsgType.PING
    await ws.pong(b"unsolicited")  # allowed, and no help
    while (message := await ws.receive(timeout=5)).type is aiohttp.WSMsgType.PING:
        pass
    assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


async def test_a_warning_in_microseconds_where_asked_for(running: Running) -> None:
    ws = await running.http.ws_connect(f"{running.url}/ws-api/v3?timeUnit=MICROSECOND")
    await running.server.stop()
    assert (await ws.receive_json(timeout=5))["event"]["E"] > 10**15


async def test_a_ping_is_answered_with_its_payload_and_too_many_end_the_connection(
    running: Running,
) -> None:
    ws = await running.http.ws_connect(f"{running.url}/ws-api/v3", autoping=False)
    for number in range(5):
        await ws.ping(f"p{number}".encode())
    echoed = [await ws.receive(timeout=5) for _ in range(5)]
    assert [(one.type, bytes(one.data)) for one in echoed] == [
        (aiohttp.WSMsgType.PONG, f"p{number}".encode()) for number in range(5)
    ]
    assert not ws.closed


async def test_more_pings_a_second_than_the_switch_allows_end_the_connection(
    running: Running,
) -> None:
    engine = running.bench.exchange.engine
    engine.switches = replace(engine.switches, ws_control_frames=1)
    ws = await running.http.ws_connect(f"{running.url}/ws-api/v3", autoping=False)
    for _ in range(20):  # however slow this machine: two of them fall into one second
        await ws.ping(b"")
    while (message := await ws.receive(timeout=5)).type is aiohttp.WSMsgType.PONG:
        pass
    assert (message.type, ws.close_code) == (aiohttp.WSMsgType.CLOSE, 1008)


async def test_without_a_limit_any_number_of_pings_is_answered(running: Running) -> None:
    engine = running.bench.exchange.engine
    engine.switches = replace(engine.switches, ws_control_frames=0)
    ws = await running.http.ws_connect(f"{running.url}/ws-api/v3", autoping=False)
    for _ in range(20):
        await ws.ping(b"")
    for _ in range(20):
        assert (await ws.receive(timeout=5)).type is aiohttp.WSMsgType.PONG


@pytest.mark.parametrize(("most", "closed"), [(0, False), (1, True)])
async def test_how_many_requests_a_second_a_socket_takes_is_a_switch(
    running: Running, most: int, closed: bool
) -> None:
    engine = running.bench.exchange.engine
    engine.switches = replace(engine.switches, ws_messages=most)
    ws = await running.http.ws_connect(f"{running.url}/ws-api/v3")
    for number in range(20):
        await ws.send_json({"id": number, "method": "ping"})
    seen = [await ws.receive(timeout=5) for _ in range(20 if not closed else 1)]
    while closed and seen[-1].type is aiohttp.WSMsgType.TEXT:
        seen.append(await ws.receive(timeout=5))
    assert (seen[-1].type is aiohttp.WSMsgType.CLOSE) is closed


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
    tables = {"standard": {"maker": "0.0002", "taker": "0.0004"}}
    told = (await running.admin("account", account=number, commissions=tables))[1]["commissions"]
    assert (told["standard"]["taker"], told["tax"]["seller"]) == ("0.00040000", "0.00000000")
    status, told = await running.admin("account", account=number, commissions={"tax": {"all": "1"}})
    assert (status, told["detail"]) == (400, "tax takes maker, taker, buyer, seller.")
    told = (await running.admin("account", account=number, commissions=None))[1]
    assert told["commissions"] is None
    status, told = await running.admin("keys", account=number)
    assert (status, set(told)) == (200, {"account", "key", "secret"})
    status, told = await running.admin("key", key=told["key"], addresses=["10.0.0.1"])
    assert told["addresses"] == ["10.0.0.1"]
    assert (await running.admin("key", key="none", revoked=True))[0] == 400
    assert (await running.admin("key", key=told["key"], addresses=["here"]))[0] == 400
    assert (await running.admin("reset", account=number, balances={"USDT": "5"}))[0] == 200
    assert running.trader.bench.exchange.engine.ledger.free(number, "USDT") == 5 * 10**8


async def listen_key(running: Running, method: str = "POST", **params: str) -> Any:
    running.bench.exchange.legacy_listen_keys = True
    headers = {"X-MBX-APIKEY": running.trader.key.key}
    path = f"{running.url}/api/v3/userDataStream"
    async with running.http.request(method, path, headers=headers, params=params) as reply:
        assert reply.status == 200
        return (await reply.json()).get("listenKey")


async def test_a_listen_key_streams_account_events_raw_and_combined(running: Running) -> None:
    key = await listen_key(running)
    raw = await running.http.ws_connect(f"{running.url}/ws/{key}")
    combined = await running.http.ws_connect(f"{running.url}/stream?streams={key}")
    await running.admin("deposit", account=running.trader.account.id, asset="USDT", amount="1")
    assert (await raw.receive_json(timeout=5))["e"] == "balanceUpdate"
    frame = await combined.receive_json(timeout=5)
    assert (frame["stream"], frame["data"]["a"]) == (key, "USDT")


@pytest.mark.parametrize("how", ["key revoked", "listenKey deleted", "not kept alive"])
async def test_a_listen_key_socket_is_told_of_the_end_of_its_key_and_closed(
    running: Running, how: str
) -> None:
    key = await listen_key(running)
    raw = await running.http.ws_connect(f"{running.url}/ws/{key}")
    combined = await running.http.ws_connect(f"{running.url}/stream?streams={key}")
    if how == "key revoked":
        await running.admin("key", key=running.trader.key.key, revoked=True)
    elif how == "listenKey deleted":
        await listen_key(running, "DELETE", listenKey=key)
    else:
        keys = running.bench.exchange.listen_keys
        account, maker, _ = keys._kept[key]
        keys._kept[key] = account, maker, wall_ms()
    told = await raw.receive_json(timeout=5)
    assert (told["e"], told["listenKey"]) == ("listenKeyExpired", key)
    assert (await combined.receive_json(timeout=5))["data"]["e"] == "listenKeyExpired"
    for ws in (raw, combined):
        assert (await ws.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE


async def test_another_key_of_the_account_may_be_revoked_and_the_listen_key_stays(
    running: Running,
) -> None:
    key = await listen_key(running)
    raw = await running.http.ws_connect(f"{running.url}/ws/{key}")
    number = running.trader.account.id
    _, other = await running.admin("keys", account=number)
    await running.admin("key", key=other["key"], revoked=True)
    await running.admin("deposit", account=number, asset="USDT", amount="1")
    assert (await raw.receive_json(timeout=5))["e"] == "balanceUpdate"


async def test_a_listen_key_socket_lives_a_day_and_hears_of_its_end(running: Running) -> None:
    running.server.sockets.listening.life_ms = 1500
    key = await listen_key(running)
    raw = await running.http.ws_connect(f"{running.url}/ws/{key}")
    assert (await raw.receive_json(timeout=5))["e"] == "serverShutdown"
    assert (await raw.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE


async def test_listen_key_sockets_hear_of_a_shutdown_and_are_dropped_like_the_others(
    running: Running,
) -> None:
    key = await listen_key(running)
    dropped = await running.http.ws_connect(f"{running.url}/ws/{key}")
    status, _ = await running.admin("drop-connections", kind="user")
    assert status == 200
    assert (await dropped.receive(timeout=5)).type in (
        aiohttp.WSMsgType.CLOSED,
        aiohttp.WSMsgType.ERROR,
    )
    raw = await running.http.ws_connect(f"{running.url}/ws/{key}")
    await running.server.stop()
    assert (await raw.receive_json(timeout=5))["e"] == "serverShutdown"
    assert (await raw.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE
