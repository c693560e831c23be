"""python-binance 1.0.37, unchanged, against a real server process: REST, user stream, WS API."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
import requests
from binance import AsyncClient, BinanceSocketManager
from binance.exceptions import BinanceAPIException
from binance.ws.constants import WSListenerState

from tests.paper.process import PaperProcess
from tests.paper.scripted import wait_for

BTC = "BTCUSDT"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PaperProcess]:
    process = PaperProcess(tmp_path_factory.mktemp("paper") / "state.sqlite3")
    yield process
    process.close()


@pytest.fixture
async def client(server: PaperProcess) -> AsyncIterator[AsyncClient]:
    """A client of a fresh account of 10,000 USDT, its URLs subclassed and nothing else."""
    account = server.admin("accounts", balances={"USDT": "10000"})
    host = f"127.0.0.1:{server.port}"

    class PaperClient(AsyncClient):  # type: ignore[misc]
        API_URL = f"http://{host}/api"
        MARGIN_API_URL = f"http://{host}/sapi"
        WS_API_URL = f"ws://{host}/ws-api/v3"

    made = await PaperClient.create(account["key"], account["secret"])
    made.paper_key = account["key"]
    yield made
    await _hang_up(made)


async def _hang_up(client: AsyncClient) -> None:
    """Close a client at once; its own way waits up to ten seconds for a message."""
    if client.ws_api.ws is not None:
        client.ws_api.ws_state = WSListenerState.EXITING
        await client.ws_api.ws.close()
    await client.ws_api.__aexit__(None, None, None)
    await client.close_connection()


def _price(server: PaperProcess) -> float:
    return float(server.admin("state")["symbols"][BTC])


def _bracket(last: float) -> dict[str, str]:
    return {
        "symbol": BTC,
        "listClientOrderId": "L1",
        "workingType": "LIMIT",
        "workingSide": "BUY",
        "workingClientOrderId": "E1",
        "workingPrice": f"{last * 1.01:.2f}",
        "workingQuantity": "0.01000",
        "workingTimeInForce": "FOK",
        "pendingSide": "SELL",
        "pendingAboveType": "TAKE_PROFIT",
        "pendingAboveClientOrderId": "T1",
        "pendingAboveStopPrice": f"{last * 1.04:.2f}",
        "pendingBelowType": "STOP_LOSS",
        "pendingBelowClientOrderId": "S1",
        "pendingBelowStopPrice": f"{last * 0.96:.2f}",
    }


async def _next(socket: Any, wanted: Any, seconds: float = 10) -> dict[str, Any]:
    """The first event that `wanted` accepts."""
    async with asyncio.timeout(seconds):
        while True:
            event = await socket.recv()
            if wanted(event):
                return event


async def test_a_bracket_lives_and_dies_over_rest_and_the_user_stream(
    server: PaperProcess, client: AsyncClient
) -> None:
    last = _price(server)
    async with BinanceSocketManager(client).user_socket() as socket:
        await client._post("orderList/opoco", True, data=_bracket(last))

        filled = await _next(socket, lambda e: e.get("c") == "E1" and e.get("X") == "FILLED")
        assert filled["x"] == "TRADE"
        await _next(socket, lambda e: e.get("c") == "S1" and e.get("X") == "NEW")
        stop = await client.get_order(symbol=BTC, origClientOrderId="S1")
        assert (stop["status"], stop["origQty"]) == ("NEW", "0.00999000")
        assert (await client.v3_get_order_list(origClientOrderId="L1"))["listOrderStatus"] == (
            "EXECUTING"
        )

        server.admin("move", symbol=BTC, price=f"{last * 1.045:.2f}", over_ms=300)

        done = await _next(socket, lambda e: e.get("e") == "listStatus" and e["L"] == "ALL_DONE")
        assert done["C"] == "L1"
        position = await _next(socket, lambda e: e["e"] == "outboundAccountPosition")
        assert {held["a"]: held["l"] for held in position["B"]} == {
            "BTC": "0.00000000",
            "USDT": "0.00000000",
        }
    trades = await client.get_my_trades(symbol=BTC)
    assert next(trade["isBuyer"] for trade in trades) is True
    assert float(trades[-1]["price"]) >= last * 1.03
    expired = await client.get_order(symbol=BTC, origClientOrderId="S1")
    assert expired["status"] == "EXPIRED"
    server.admin("move", symbol=BTC, price=f"{last:.2f}", over_ms=100)


async def test_python_binance_reads_and_writes_all_it_has_here(
    server: PaperProcess, client: AsyncClient
) -> None:
    info = await client.get_symbol_info(BTC)
    assert info["opoAllowed"] is True
    assert (await client.get_account(omitZeroBalances="true"))["balances"] == [
        {"asset": "USDT", "free": "10000.00000000", "locked": "0.00000000"}
    ]
    last = _price(server)
    low = f"{last * 0.9:.2f}"
    placed = await client.order_limit_buy(
        symbol=BTC, quantity="0.001", price=low, newClientOrderId="a"
    )
    assert (await client.get_open_orders(symbol=BTC))[0]["orderId"] == placed["orderId"]
    with pytest.raises(BinanceAPIException) as refused:
        await client.order_limit_buy(symbol=BTC, quantity="0.001", price=low, newClientOrderId="a")
    assert (refused.value.code, refused.value.message) == (-2010, "Duplicate order sent.")
    canceled = await client.cancel_order(symbol=BTC, origClientOrderId="a")
    assert canceled["status"] == "CANCELED"
    bought = await client.order_market_buy(symbol=BTC, quantity="0.01")
    assert bought["status"] == "FILLED"
    pair = await client.create_oco_order(
        symbol=BTC,
        side="SELL",
        quantity="0.005",
        aboveType="LIMIT_MAKER",
        abovePrice=f"{last * 1.05:.2f}",
        belowType="STOP_LOSS",
        belowStopPrice=f"{last * 0.95:.2f}",
    )
    listed = await client.v3_get_open_order_list()
    assert [one["orderListId"] for one in listed] == [pair["orderListId"]]
    ended = await client.v3_delete_order_list(symbol=BTC, orderListId=pair["orderListId"])
    assert ended["listOrderStatus"] == "ALL_DONE"
    assert len(await client.get_all_orders(symbol=BTC)) == 4
    assert len(await client.v3_get_all_order_list()) == 1
    commission = await client.v3_get_account_commission(symbol=BTC)
    assert commission["standardCommission"]["taker"] == "0.00100000"
    rights = await client.get_account_api_permissions()
    assert rights["enableWithdrawals"] is False
    assert len(await client.get_klines(symbol=BTC, interval="1m", limit=5)) == 5


async def test_python_binance_trades_over_the_ws_api(client: AsyncClient) -> None:
    assert (await client.ws_get_time())["serverTime"] > 0
    placed = await client.ws_create_order(
        symbol=BTC, side="BUY", type="MARKET", quantity="0.001", newClientOrderId="w"
    )
    assert placed["status"] == "FILLED"
    found = await client.ws_get_order(symbol=BTC, origClientOrderId="w")
    assert found["orderId"] == placed["orderId"]
    with pytest.raises(BinanceAPIException) as refused:
        await client.ws_cancel_order(symbol=BTC, orderId=placed["orderId"])
    assert refused.value.code == -2011


async def test_a_dropped_socket_loses_its_subscription_for_good(
    server: PaperProcess, client: AsyncClient
) -> None:
    socket = BinanceSocketManager(client).user_socket()
    await socket.__aenter__()
    assert server.admin("state")["user_subscriptions"] == 1
    before = client.ws_api.ws

    assert server.admin("drop-connections", kind="user")["dropped"] == 1

    def client_is_back() -> bool:
        ws = client.ws_api.ws
        return ws is not before and client.ws_api.ws_state is WSListenerState.STREAMING

    await asyncio.to_thread(wait_for, client_is_back)
    await client.order_market_buy(symbol=BTC, quantity="0.001")
    heard = [await socket.recv() for _ in range(socket._queue.qsize())]
    assert {event["e"] for event in heard} <= {"error"}  # of the fill it hears nothing
    assert server.admin("state")["user_subscriptions"] == 0


async def test_the_ws_api_keeps_sessions_and_echoes_ids_unchanged(
    server: PaperProcess, client: AsyncClient
) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{server.url}/ws-api/v3") as socket,
    ):

        async def ask(request_id: Any, method: str, **params: Any) -> dict[str, Any]:
            await socket.send_json({"id": request_id, "method": method, "params": params})
            while True:
                answer = json.loads((await socket.receive()).data)
                if "event" not in answer:
                    return answer

        for request_id in (7, "seven", None):
            answer = await ask(request_id, "ping")
            assert (answer["id"], answer["status"], answer["result"]) == (request_id, 200, {})
        assert answer["rateLimits"][0]["rateLimitType"] == "REQUEST_WEIGHT"
        assert "rateLimits" not in await ask(1, "ping", returnRateLimits=False)
        refused = await ask(1, "userDataStream.subscribe")
        assert (refused["status"], refused["error"]["code"]) == (401, -2015)
        signed = client._sign_ws_params({}, client._generate_ws_api_signature)
        status = (await ask(1, "session.logon", **signed))["result"]
        assert status["apiKey"] == client.paper_key
        subscribed = await ask(1, "userDataStream.subscribe")
        assert subscribed["result"] == {"subscriptionId": 0}
        again = await ask(1, "userDataStream.subscribe")
        assert again["error"]["code"] == -2035
        now = (await ask(1, "time"))["result"]["serverTime"]
        account = await ask(1, "account.status", timestamp=now)
        assert account["result"]["uid"] > 0
        order = {"symbol": BTC, "side": "BUY", "type": "MARKET", "quantity": "0.001"}
        await socket.send_json(
            {"id": "o", "method": "order.place", "params": order | {"timestamp": now}}
        )
        frames = [json.loads((await socket.receive()).data) for _ in range(4)]
        events = [frame["event"]["e"] for frame in frames if "event" in frame]
        assert events == ["executionReport", "executionReport", "outboundAccountPosition"]
        assert [f["result"]["status"] for f in frames if f.get("id") == "o"] == ["FILLED"]
        assert {f["subscriptionId"] for f in frames if "event" in f} == {0}
        assert (await ask(1, "session.subscriptions"))["result"] == [{"subscriptionId": 0}]
        assert (await ask(1, "userDataStream.unsubscribe"))["result"] == {}
        assert (await ask(1, "userDataStream.unsubscribe"))["error"]["code"] == -2036
        assert (await ask(1, "session.logout"))["result"]["apiKey"] is None
        for bad in ("{", "[]", '"x"', '{"id":{}}', '{"id":1}', '{"id":1,"method":"fly"}'):
            await socket.send_str(bad)
            assert json.loads((await socket.receive()).data)["status"] == 400


def test_the_admin_api_explains_what_it_refuses(server: PaperProcess) -> None:
    for path, body in (
        ("accounts", {"balances": {"USDT": 10000}}),
        ("accounts", {"balances": {"DOGE": "1"}}),
        ("accounts", {"balances": {"USDT": "1e9"}}),
        ("accounts", {"balances": {"USDT": "1000000001"}}),
        ("deposit", {"account": 10**6, "asset": "USDT", "amount": "1"}),
        ("deposit", {"account": 1, "asset": "USDT", "amount": "-1000000"}),
        ("move", {"symbol": "BTCEUR", "price": "1"}),
        ("move", {"symbol": BTC, "price": "0"}),
        ("move", {"symbol": BTC, "price": "NaN"}),
        ("drop-connections", {"kind": "everything"}),
    ):
        reply = requests.post(f"{server.url}/paper-admin/{path}", json=body, timeout=10)
        assert reply.status_code == 400, (path, body, reply.text)
        assert len(reply.json()["detail"]) > 10
    assert server.admin("state")["conserved"] is True


def test_an_unknown_path_is_404_and_a_wrong_method_405(server: PaperProcess) -> None:
    assert requests.get(f"{server.url}/api/v3/nothing", timeout=10).status_code == 404
    assert requests.put(f"{server.url}/api/v3/order", timeout=10).status_code == 405
