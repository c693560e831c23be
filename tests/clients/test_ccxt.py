"""ccxt 4.5.90, unchanged: only its URLs are configured. REST and ccxt.pro over a plain socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import ccxt
import ccxt.pro
import pytest

from tests.clients.conftest import Keys

PAIR = "BTC/USDT"


def settings(keys: Keys) -> dict[str, Any]:
    """What a user writes in ccxt's own configuration (freqtrade: `ccxt_config`)."""
    url, host = keys.server.url, keys.server.url.removeprefix("http://")
    return {
        "apiKey": keys.key,
        "secret": keys.secret,
        "options": {"fetchMarkets": {"types": ["spot"]}},
        "urls": {
            "api": {
                "public": f"{url}/api/v3",
                "private": f"{url}/api/v3",
                "v1": f"{url}/api/v1",
                "sapi": f"{url}/sapi/v1",
                "ws": {"spot": f"ws://{host}/ws", "ws-api": {"spot": f"ws://{host}/ws-api/v3"}},
            }
        },
    }


@pytest.fixture
def exchange(keys: Keys) -> Iterator[ccxt.binance]:
    made = ccxt.binance(settings(keys))
    made.load_markets()
    yield made
    made.close()


@pytest.fixture
async def live(keys: Keys) -> AsyncIterator[ccxt.pro.binance]:
    made = ccxt.pro.binance(settings(keys))
    await made.load_markets()
    yield made
    await made.close()


def test_ccxt_loads_the_markets_with_their_limits(exchange: ccxt.binance) -> None:
    market = exchange.market(PAIR)
    assert (market["spot"], market["active"]) == (True, True)
    assert market["precision"] == {
        "amount": 1e-05,
        "price": 0.01,
        "base": 1e-08,
        "quote": 1e-08,
        "cost": None,
    } or market["precision"]["price"] == pytest.approx(0.01)
    assert market["limits"]["amount"]["min"] > 0
    assert market["limits"]["cost"]["min"] > 0


def test_ccxt_reads_the_market(exchange: ccxt.binance) -> None:
    candles = exchange.fetch_ohlcv(PAIR, "1m", limit=10)
    assert len(candles) == 10
    assert all(low <= close <= high for _, _, high, low, close, _ in candles)
    book = exchange.fetch_order_book(PAIR, limit=20)
    assert book["bids"][0][0] < book["asks"][0][0]
    ticker = exchange.fetch_ticker(PAIR)
    assert ticker["bid"] <= ticker["ask"]
    assert set(exchange.fetch_tickers([PAIR, "ETH/USDT"])) == {PAIR, "ETH/USDT"}
    assert exchange.fetch_bids_asks([PAIR])[PAIR]["bid"] > 0
    assert exchange.fetch_last_prices([PAIR])[PAIR]["price"] > 0
    trades = exchange.fetch_trades(PAIR, limit=20)
    assert len(trades) == 20
    assert exchange.fetch_time() > 0
    assert exchange.fetch_status()["status"] == "ok"


def test_ccxt_knows_the_fees(exchange: ccxt.binance) -> None:
    assert exchange.fetch_trading_fee(PAIR)["taker"] == 0.001
    assert exchange.fetch_trading_fees()[PAIR]["maker"] == 0.001


def test_ccxt_places_edits_and_cancels(keys: Keys, exchange: ccxt.binance) -> None:
    assert exchange.fetch_balance()["USDT"] == {"free": 10000.0, "used": 0.0, "total": 10000.0}
    low = float(keys.at(0.9))
    placed = exchange.create_order(PAIR, "limit", "buy", 0.01, low, {"newClientOrderId": "c-1"})
    assert placed["status"] == "open"
    assert exchange.fetch_balance()["USDT"]["used"] == pytest.approx(low * 0.01)
    assert [one["id"] for one in exchange.fetch_open_orders(PAIR)] == [placed["id"]]

    edited = exchange.edit_order(placed["id"], PAIR, "limit", "buy", 0.02, low)

    assert edited["id"] != placed["id"]
    assert exchange.fetch_order(placed["id"], PAIR)["status"] == "canceled"
    found = exchange.fetch_order(edited["id"], PAIR)
    assert (found["status"], found["amount"], found["price"]) == ("open", 0.02, low)
    assert exchange.cancel_order(edited["id"], PAIR)["status"] == "canceled"
    assert exchange.fetch_open_orders(PAIR) == []
    exchange.create_order(PAIR, "limit", "buy", 0.01, low)
    exchange.create_order(PAIR, "limit", "buy", 0.01, low)
    assert {one["status"] for one in exchange.cancel_all_orders(PAIR)} == {"canceled"}
    assert len(exchange.fetch_orders(PAIR)) == 4
    assert len(exchange.fetch_canceled_orders(PAIR)) == 4


def test_ccxt_reconciles_its_fills(exchange: ccxt.binance) -> None:
    bought = exchange.create_order(PAIR, "market", "buy", 0.01)
    assert (bought["status"], bought["filled"]) == ("closed", 0.01)
    assert bought["fees"][0]["currency"] == "BTC"
    spent = exchange.create_market_buy_order_with_cost(PAIR, 100)
    assert spent["cost"] <= 100
    mine = exchange.fetch_my_trades(PAIR)
    assert sum(one["amount"] for one in mine) == pytest.approx(0.01 + spent["filled"])
    of_order = exchange.fetch_order_trades(bought["id"], PAIR)
    assert {one["order"] for one in of_order} == {bought["id"]}
    held = exchange.fetch_balance()["BTC"]["free"]
    assert held == pytest.approx(0.5 + (0.01 + spent["filled"]) * 0.999, abs=1e-8)


def test_ccxt_places_a_stop_and_hears_of_refusals(keys: Keys, exchange: ccxt.binance) -> None:
    stop = exchange.create_order(
        PAIR, "market", "sell", 0.01, None, {"stopLossPrice": float(keys.at(0.9))}
    )
    assert exchange.fetch_order(stop["id"], PAIR)["info"]["type"] == "STOP_LOSS"
    exchange.cancel_order(stop["id"], PAIR)
    with pytest.raises(ccxt.OrderNotFound):
        exchange.cancel_order(stop["id"], PAIR)
    with pytest.raises(ccxt.OrderNotFound):
        exchange.fetch_order("999999999", PAIR)  # "1" may be this very stop
    with pytest.raises(ccxt.InsufficientFunds):
        exchange.create_order(PAIR, "market", "buy", 9.0)
    # At api.binance.com ccxt calls this InvalidOrder; its map of markets goes by that address.
    with pytest.raises(ccxt.BadRequest, match="Filter failure: NOTIONAL"):
        exchange.create_order(PAIR, "limit", "buy", 0.00001, float(keys.at(0.9)))
    stranger = ccxt.binance(settings(keys) | {"secret": "x" * 64})
    with pytest.raises(ccxt.BaseError, match="-1022"):
        stranger.fetch_balance()


async def _first(awaitable: Any, seconds: float = 15) -> Any:
    async with asyncio.timeout(seconds):
        return await awaitable


async def test_ccxt_pro_watches_the_market(live: ccxt.pro.binance) -> None:
    assert (await _first(live.watch_ticker(PAIR)))["last"] > 0
    book = await _first(live.watch_order_book(PAIR))
    assert book["bids"][0][0] < book["asks"][0][0]
    again = await _first(live.watch_order_book(PAIR))
    assert again["nonce"] >= book["nonce"]
    assert (await _first(live.watch_trades(PAIR)))[0]["price"] > 0
    assert len((await _first(live.watch_ohlcv(PAIR, "1m")))[0]) == 6


async def test_ccxt_pro_watches_its_orders_fills_and_money(
    keys: Keys, live: ccxt.pro.binance
) -> None:
    watching = asyncio.create_task(live.watch_orders(PAIR))
    for _ in range(100):
        if keys.server.admin("state")["user_subscriptions"]:
            break
        await asyncio.sleep(0.05)
    low = float(keys.at(0.9))
    placed = await live.create_order(PAIR, "limit", "buy", 0.01, low)
    heard = await _first(watching)
    assert (heard[-1]["id"], heard[-1]["status"]) == (placed["id"], "open")
    watching = asyncio.create_task(live.watch_my_trades(PAIR))
    await asyncio.sleep(0)
    bought = await live.create_order(PAIR, "market", "buy", 0.01)
    fills = await _first(watching)
    assert fills[-1]["order"] == bought["id"]
    over_socket = await live.create_order_ws(PAIR, "limit", "buy", 0.01, low)
    assert over_socket["status"] == "open"
    edited = await live.edit_order_ws(over_socket["id"], PAIR, "limit", "buy", 0.02, low)
    found = await live.fetch_order_ws(edited["id"], PAIR)
    assert found["amount"] == 0.02
    assert len(await live.fetch_open_orders_ws(PAIR)) == 2
    assert (await live.cancel_order_ws(edited["id"], PAIR))["status"] == "canceled"
    # ccxt's own reading of it is empty unless it is told the market type: look at the raw answer.
    held = (await live.fetch_balance_ws())["info"]["balances"]
    locked = next(one["locked"] for one in held if one["asset"] == "USDT")
    assert float(locked) == pytest.approx(low * 0.01)
