"""binance-sdk-spot 13.x, unchanged, over its sockets: market streams, WS API and user stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from binance_sdk_spot.spot import Spot

from tests.clients.conftest import BTC, Keys
from tests.clients.sdk import no_complaints, spot, undocumented

STREAMS: list[tuple[str, dict[str, Any]]] = [
    ("agg_trade", {"symbol": "btcusdt"}),
    ("trade", {"symbol": "btcusdt"}),
    ("kline", {"symbol": "btcusdt", "interval": "1m"}),
    ("kline", {"symbol": "btcusdt", "interval": "1s"}),
    ("kline_offset", {"symbol": "btcusdt", "interval": "1h"}),
    ("mini_ticker", {"symbol": "btcusdt"}),
    ("all_mini_ticker", {}),
    ("ticker", {"symbol": "btcusdt"}),
    ("rolling_window_ticker", {"symbol": "btcusdt", "window_size": "1h"}),
    ("all_market_rolling_window_ticker", {"window_size": "1h"}),
    ("book_ticker", {"symbol": "btcusdt"}),
    ("avg_price", {"symbol": "btcusdt"}),
    ("partial_book_depth", {"symbol": "btcusdt", "levels": "5"}),
    ("partial_book_depth", {"symbol": "btcusdt", "levels": "20", "update_speed": "100ms"}),
    ("diff_book_depth", {"symbol": "btcusdt"}),
    ("diff_book_depth", {"symbol": "btcusdt", "update_speed": "100ms"}),
    ("reference_price", {"symbol": "btcusdt"}),
]


@pytest.fixture
async def sdk(keys: Keys) -> AsyncIterator[Spot]:
    made = spot(keys)
    yield made
    for client in (made.websocket_streams, made.websocket_api):
        await client.close_connection(close_session=True)


@pytest.mark.parametrize(("name", "parameters"), STREAMS)
async def test_the_sdk_reads_every_market_stream(
    sdk: Spot, caplog: pytest.LogCaptureFixture, name: str, parameters: dict[str, Any]
) -> None:
    heard: asyncio.Queue[Any] = asyncio.Queue()
    with no_complaints(caplog):
        await sdk.websocket_streams.create_connection()
        stream = await getattr(sdk.websocket_streams, name)(**parameters)
        stream.on("message", heard.put_nowait)
        event = await asyncio.wait_for(heard.get(), 15)
    assert undocumented(event) == []


async def _ask(sdk: Spot, caplog: pytest.LogCaptureFixture, name: str, **parameters: Any) -> Any:
    """The `result` of one WS API method, read strictly."""
    with no_complaints(caplog):
        answer = (await getattr(sdk.websocket_api, name)(**parameters)).data()
    if isinstance(answer, dict):
        pytest.fail(f"{name}: {answer}")
    answer = getattr(answer, "actual_instance", None) or answer  # one of several shapes
    frame = getattr(answer, "additional_properties", None) or {}
    if "result" in frame:  # the SDK models a few answers without the frame around their result
        result = type(answer).from_dict(frame["result"])
        assert undocumented(result) == []
        return result
    assert undocumented(answer) == []
    return answer.result


SOCKET_READS: list[tuple[str, dict[str, Any]]] = [
    ("time", {}),
    ("exchange_info", {"symbol": BTC}),
    ("depth", {"symbol": BTC, "limit": 5}),
    ("trades_recent", {"symbol": BTC, "limit": 5}),
    ("trades_historical", {"symbol": BTC, "limit": 5}),
    ("trades_aggregate", {"symbol": BTC, "limit": 5}),
    ("klines", {"symbol": BTC, "interval": "1m", "limit": 3}),
    ("ui_klines", {"symbol": BTC, "interval": "1m", "limit": 3}),
    ("avg_price", {"symbol": BTC}),
    ("ticker24hr", {"symbol": BTC}),
    ("ticker_trading_day", {"symbol": BTC}),
    ("ticker", {"symbol": BTC}),
    ("ticker_price", {"symbol": BTC}),
    ("ticker_book", {"symbol": BTC}),
    ("execution_rules", {"symbol": BTC}),
    ("reference_price", {"symbol": BTC}),
    ("account_status", {}),
    ("account_commission", {"symbol": BTC}),
    ("account_rate_limits_orders", {}),
    ("open_orders_status", {}),
    ("open_order_lists_status", {}),
    ("all_orders", {"symbol": BTC}),
    ("all_order_lists", {}),
    ("my_trades", {"symbol": BTC}),
    ("session_status", {}),
]


@pytest.mark.parametrize(("name", "parameters"), SOCKET_READS)
async def test_the_sdk_reads_over_the_ws_api(
    sdk: Spot, caplog: pytest.LogCaptureFixture, name: str, parameters: dict[str, Any]
) -> None:
    await sdk.websocket_api.create_connection()
    assert await _ask(sdk, caplog, name, **parameters) is not None


async def test_the_sdk_trades_in_a_session_and_hears_its_events(
    keys: Keys, sdk: Spot, caplog: pytest.LogCaptureFixture
) -> None:
    socket = sdk.websocket_api
    await socket.create_connection()
    assert (await _ask(sdk, caplog, "session_logon")).api_key == keys.key
    heard: asyncio.Queue[Any] = asyncio.Queue()
    # The SDK takes subscription 0 for "no subscription"; a first one moves the second to 1.
    await socket.user_data_stream_subscribe()
    await socket.user_data_stream_unsubscribe()
    subscribed = await socket.user_data_stream_subscribe()
    subscribed.stream.on("message", heard.put_nowait)
    low = float(keys.at(0.9))
    limit = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC"}

    placed = await _ask(sdk, caplog, "order_place", **limit, quantity=0.01, price=low)
    found = await _ask(sdk, caplog, "order_status", symbol=BTC, order_id=placed.order_id)
    assert found.status == "NEW"
    amended = await _ask(
        sdk, caplog, "order_amend_keep_priority",
        symbol=BTC, order_id=placed.order_id, new_qty=0.009,
    )  # fmt: skip
    assert amended.amended_order.qty == "0.00900000"
    replaced = await _ask(
        sdk, caplog, "order_cancel_replace", **limit, quantity=0.01, price=low,
        cancel_replace_mode="STOP_ON_FAILURE", cancel_order_id=placed.order_id,
    )  # fmt: skip
    assert replaced.cancel_result == "SUCCESS"
    listed = await _ask(
        sdk, caplog, "order_list_place_oco", symbol=BTC, side="SELL", quantity=0.01,
        above_type="LIMIT_MAKER", above_price=float(keys.at(1.1)),
        below_type="STOP_LOSS", below_stop_price=low,
    )  # fmt: skip
    ended = await _ask(
        sdk, caplog, "order_list_cancel", symbol=BTC, order_list_id=listed.order_list_id
    )
    assert ended.list_order_status == "ALL_DONE"
    bought = await _ask(
        sdk, caplog, "order_place", symbol=BTC, side="BUY", type="MARKET", quantity=0.01
    )
    assert bought.status == "FILLED"
    await _ask(sdk, caplog, "open_orders_cancel_all", symbol=BTC)
    keys.server.admin("deposit", key=keys.key, asset="USDT", amount="1")

    kinds = set()
    async with asyncio.timeout(10):
        while not kinds >= {
            "ExecutionReport", "ListStatus", "OutboundAccountPosition", "BalanceUpdate"
        }:  # fmt: skip
            event = (await heard.get()).actual_instance
            assert undocumented(event) == []
            kinds.add(type(event).__name__)
    assert (await _ask(sdk, caplog, "session_logout")).api_key is None
