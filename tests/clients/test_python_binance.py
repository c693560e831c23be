"""python-binance 1.0.37, unchanged: what tests/paper/test_wire.py does not ask of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from binance import AsyncClient, BinanceSocketManager
from binance.ws.constants import WSListenerState
from binance.ws.depthcache import DepthCacheManager

from tests.clients.conftest import BTC, Keys


@pytest.fixture
async def client(keys: Keys) -> AsyncIterator[AsyncClient]:
    host = keys.server.url.removeprefix("http://")

    class PaperClient(AsyncClient):  # type: ignore[misc]
        API_URL = f"http://{host}/api"
        MARGIN_API_URL = f"http://{host}/sapi"
        WS_API_URL = f"ws://{host}/ws-api/v3"

    made = await PaperClient.create(keys.key, keys.secret)
    yield made
    if made.ws_api.ws is not None:  # its own way to close waits up to ten seconds
        made.ws_api.ws_state = WSListenerState.EXITING
        await made.ws_api.ws.close()
    await made.ws_api.__aexit__(None, None, None)
    await made.close_connection()


@pytest.fixture
def sockets(keys: Keys, client: AsyncClient) -> BinanceSocketManager:
    class PaperSockets(BinanceSocketManager):  # type: ignore[misc]
        STREAM_URL = f"ws://{keys.server.url.removeprefix('http://')}/"

    return PaperSockets(client)


async def test_python_binance_reads_the_market(client: AsyncClient) -> None:
    assert await client.ping() == {}
    assert (await client.get_server_time())["serverTime"] > 0
    assert {one["symbol"] for one in await client.get_all_tickers()} >= {BTC, "ETHUSDT"}
    assert float((await client.get_symbol_ticker(symbol=BTC))["price"]) > 0
    assert float((await client.get_orderbook_ticker(symbol=BTC))["bidPrice"]) > 0
    assert (await client.get_ticker(symbol=BTC))["count"] > 0
    assert (await client.get_avg_price(symbol=BTC))["mins"] == 5
    assert len((await client.get_order_book(symbol=BTC, limit=10))["bids"]) == 10
    recent = await client.get_recent_trades(symbol=BTC, limit=3)
    old = await client.get_historical_trades(symbol=BTC, fromId=recent[0]["id"] - 5, limit=3)
    assert [one["id"] for one in old] == [recent[0]["id"] - 5 + i for i in range(3)]
    assert (await client.get_aggregate_trades(symbol=BTC, limit=3))[0]["a"] > 0
    hours = await client.get_historical_klines(BTC, "1h", "6 hours ago UTC")
    assert 5 <= len(hours) <= 7
    assert len(await client.get_ui_klines(symbol=BTC, interval="1m", limit=3)) == 3


async def test_python_binance_reads_the_account(client: AsyncClient) -> None:
    assert await client.get_asset_balance(asset="USDT") == {
        "asset": "USDT",
        "free": "10000.00000000",
        "locked": "0.00000000",
    }
    assert (await client.get_trade_fee(symbol=BTC))[0]["takerCommission"] is not None
    assert (await client.get_system_status())["status"] == 0
    assert len(await client.get_current_order_count()) == 2
    assert await client.create_test_order(
        symbol=BTC, side="BUY", type="MARKET", quantity="0.001"
    ) in ({}, {"code": 0})


async def test_python_binance_replaces_an_order(keys: Keys, client: AsyncClient) -> None:
    low = keys.at(0.9)
    placed = await client.order_limit_buy(symbol=BTC, quantity="0.001", price=low)
    replaced = await client.cancel_replace_order(
        symbol=BTC, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.002", price=low,
        cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=placed["orderId"],
    )  # fmt: skip
    assert replaced["newOrderResponse"]["origQty"] == "0.00200000"
    assert [one["origQty"] for one in await client.get_open_orders(symbol=BTC)] == ["0.00200000"]


async def test_python_binance_places_lists(keys: Keys, client: AsyncClient) -> None:
    entry = {
        "symbol": BTC, "workingType": "LIMIT", "workingSide": "BUY", "workingTimeInForce": "GTC",
        "workingPrice": keys.at(0.95), "workingQuantity": "0.01", "pendingSide": "SELL",
        "pendingQuantity": "0.009",
    }  # fmt: skip
    oto = await client.v3_post_order_list_oto(
        **entry, pendingType="LIMIT_MAKER", pendingPrice=keys.at(1.1)
    )
    assert (oto["contingencyType"], len(oto["orders"])) == ("OTO", 2)
    otoco = await client.v3_post_order_list_otoco(
        **entry, pendingAboveType="LIMIT_MAKER", pendingAbovePrice=keys.at(1.1),
        pendingBelowType="STOP_LOSS", pendingBelowStopPrice=keys.at(0.9),
    )  # fmt: skip
    assert [one["status"] for one in otoco["orderReports"]] == ["NEW", "PENDING_NEW", "PENDING_NEW"]
    assert len(await client.v3_get_open_order_list()) == 2


@pytest.mark.parametrize(
    ("name", "parameters", "kind"),
    [
        ("trade_socket", {"symbol": BTC}, "trade"),
        ("aggtrade_socket", {"symbol": BTC}, "aggTrade"),
        ("kline_socket", {"symbol": BTC, "interval": "1m"}, "kline"),
        ("symbol_ticker_socket", {"symbol": BTC}, "24hrTicker"),
        ("symbol_miniticker_socket", {"symbol": BTC}, "24hrMiniTicker"),
        ("depth_socket", {"symbol": BTC}, "depthUpdate"),
        ("depth_socket", {"symbol": BTC, "depth": "5"}, None),
        ("symbol_book_ticker_socket", {"symbol": BTC}, None),
    ],
)
async def test_python_binance_hears_the_market(
    sockets: BinanceSocketManager, name: str, parameters: dict[str, Any], kind: str | None
) -> None:
    async with getattr(sockets, name)(**parameters) as socket:
        event = await asyncio.wait_for(socket.recv(), 15)
    assert event.get("e") == kind, event


async def test_python_binance_hears_several_streams_in_one(sockets: BinanceSocketManager) -> None:
    wanted = {"btcusdt@trade", "ethusdt@miniTicker"}
    heard = set()
    async with sockets.multiplex_socket(sorted(wanted)) as socket, asyncio.timeout(20):
        while heard != wanted:
            heard.add((await socket.recv())["stream"])


async def test_a_local_order_book_kept_by_the_documented_procedure_agrees(
    client: AsyncClient, sockets: BinanceSocketManager
) -> None:
    async with DepthCacheManager(client, BTC, bm=sockets, limit=100) as manager:
        for _ in range(5):
            cache = await asyncio.wait_for(manager.recv(), 15)
            assert cache is not None
        bids, asks = cache.get_bids(), cache.get_asks()
    assert bids[0][0] < asks[0][0]
    assert len(bids) > 10


async def test_python_binance_trades_lists_over_the_ws_api(keys: Keys, client: AsyncClient) -> None:
    placed = await client.ws_create_oco_order(
        symbol=BTC, side="SELL", quantity="0.01", aboveType="LIMIT_MAKER",
        abovePrice=keys.at(1.1), belowType="STOP_LOSS", belowStopPrice=keys.at(0.9),
    )  # fmt: skip
    assert len(placed["orderReports"]) == 2
    found = await client.ws_get_oco_order(orderListId=placed["orderListId"])
    assert found["listOrderStatus"] == "EXECUTING"
    ended = await client.ws_cancel_oco_order(symbol=BTC, orderListId=placed["orderListId"])
    assert ended["listOrderStatus"] == "ALL_DONE"
    assert (await client.ws_get_account())["canTrade"] is True
    assert await client.ws_get_open_orders() == []
