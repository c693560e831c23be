"""Public market data over REST: Binance's shapes, limits and refusals."""

from decimal import Decimal

import pytest

from tests.feed.market import NOON, ask, market, weight
from trading.exchange.paper import market_rest  # noqa: F401 (registers the endpoints)
from trading.exchange.paper.errors import BinanceError

MINUTE = 60_000


def refused(path: str, **params) -> int:
    with pytest.raises(BinanceError) as refusal:
        ask(market(), path, **params)
    return refusal.value.code


def test_a_candle_has_binances_twelve_columns():
    (row,) = ask(market(), "klines", symbol="BTCUSDT", interval="1m", limit=1)
    assert len(row) == 12
    assert row[0] == NOON - NOON % MINUTE
    assert row[6] == row[0] + MINUTE - 1
    opening, high, low, close = (Decimal(text) for text in row[1:5])
    assert low <= min(opening, close) <= max(opening, close) <= high
    assert all(isinstance(row[i], str) and "E" not in row[i] for i in (1, 2, 3, 4, 5, 7, 9, 10))
    assert isinstance(row[8], int)
    assert row[11] == "0"


def test_candles_default_to_five_hundred_and_never_exceed_a_thousand():
    assert len(ask(market(), "klines", symbol="BTCUSDT", interval="5m")) == 500
    assert len(ask(market(), "klines", symbol="BTCUSDT", interval="5m", limit=5000)) == 1000
    start = NOON - 10 * MINUTE
    page = ask(market(), "uiKlines", symbol="ETHUSDT", interval="1m", startTime=start, endTime=NOON)
    assert [row[0] for row in page] == list(range(start - start % MINUTE + MINUTE, NOON, MINUTE))


@pytest.mark.parametrize(
    ("code", "path", "params"),
    [
        (-1102, "klines", {"interval": "1m"}),
        (-1102, "klines", {"symbol": "BTCUSDT"}),
        (-1105, "klines", {"symbol": "", "interval": "1m"}),
        (-1121, "klines", {"symbol": "NOPE", "interval": "1m"}),
        (-1100, "klines", {"symbol": "btcusdt", "interval": "1m"}),
        (-1120, "klines", {"symbol": "BTCUSDT", "interval": "7m"}),
        (-1120, "klines", {"symbol": "BTCUSDT", "interval": ""}),
        (-1100, "klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": "ten"}),
        (-1100, "klines", {"symbol": "BTCUSDT", "interval": "1m", "startTime": "-5"}),
        (-1100, "klines", {"symbol": "BTCUSDT", "interval": "1m", "startTime": "٣"}),
        (-1130, "klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": 0}),
        (-1130, "klines", {"symbol": "BTCUSDT", "interval": "1m", "endTime": "9" * 19}),
        (-1130, "klines", {"symbol": "BTCUSDT", "interval": "1m", "timeZone": "+14:01"}),
        (-1104, "klines", {"symbol": "BTCUSDT", "interval": "1m", "colour": "red"}),
        (-1121, "depth", {"symbol": "NOPE"}),
        (-1102, "trades", {}),
        (-1128, "ticker/price", {"symbol": "BTCUSDT", "symbols": '["BTCUSDT"]'}),
        (-1100, "ticker/price", {"symbols": "BTCUSDT"}),
        (-1100, "ticker/price", {"symbols": "[" * 5000}),
        (-1100, "ticker/price", {"symbols": '["btcusdt"]'}),
        (-1151, "ticker/price", {"symbols": '["BTCUSDT","BTCUSDT"]'}),
        (-1151, "ticker", {"symbols": '["BTCUSDT","ETHUSDT","BTCUSDT"]'}),
        (-1121, "ticker/price", {"symbols": '["BTCUSDT","NOPE"]'}),
        (-1121, "ticker/24hr", {"symbols": "[]"}),
        (-1139, "ticker/24hr", {"symbol": "BTCUSDT", "type": "HUGE"}),
        (-1139, "ticker/tradingDay", {"symbol": "BTCUSDT", "type": "mini"}),
        (-1102, "ticker", {}),
        (-1122, "ticker/bookTicker", {"symbolStatus": "ASLEEP"}),
        (-1122, "depth", {"symbol": "BTCUSDT", "symbolStatus": ""}),
        (-1220, "depth", {"symbol": "BTCUSDT", "symbolStatus": "HALT"}),
        (-1220, "ticker/24hr", {"symbol": "BTCUSDT", "symbolStatus": "BREAK"}),
        (-1220, "ticker", {"symbol": "BTCUSDT", "symbolStatus": "HALT"}),
        (-1104, "trades", {"symbol": "BTCUSDT", "symbolStatus": "TRADING"}),
        (-1128, "aggTrades", {"symbol": "BTCUSDT", "fromId": 5, "startTime": 5}),
    ],
)
def test_what_cannot_be_answered_is_refused_in_binances_numbers(code, path, params):
    assert refused(path, **params) == code


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("ticker/price", {}),
        ("ticker/bookTicker", {}),
        ("ticker/24hr", {"type": "MINI"}),
        ("ticker", {"symbols": '["BTCUSDT","ETHUSDT"]'}),
        ("ticker/tradingDay", {"symbols": '["BTCUSDT","ETHUSDT"]'}),
    ],
)
def test_tickers_of_many_leave_out_what_is_not_in_the_status_asked_for(path, more):
    def named(status: str) -> list[str]:
        rows = ask(market(), path, ether="HALT", symbolStatus=status, **more)
        return [row["symbol"] for row in rows]

    assert named("TRADING") == ["BTCUSDT"]
    assert named("HALT") == ["ETHUSDT"]
    assert named("BREAK") == []
    alone = {"symbol": "ETHUSDT"} | {k: v for k, v in more.items() if k != "symbols"}
    told = ask(market(), path, ether="HALT", symbolStatus="HALT", **alone)
    assert told["symbol"] == "ETHUSDT"


def test_aggregates_of_any_span_are_served_from_its_beginning():
    rows = ask(market(), "aggTrades", symbol="BTCUSDT", startTime=0, endTime=NOON, limit=5)
    assert [row["a"] for row in rows] == list(range(rows[0]["a"], rows[0]["a"] + 5))
    begun = rows[0]["T"]
    day = ask(market(), "aggTrades", symbol="BTCUSDT", startTime=begun, endTime=NOON, limit=5)
    assert day == rows


def test_the_book_is_best_first_and_as_deep_as_asked():
    book = ask(market(), "depth", symbol="BTCUSDT", limit=7)
    assert len(book["bids"]) == len(book["asks"]) == 7
    assert Decimal(book["bids"][0][0]) < Decimal(book["asks"][0][0])
    assert book["lastUpdateId"] == market().book("BTCUSDT").update_id
    assert weight("depth", symbol="BTCUSDT") == 5
    assert weight("depth", symbol="BTCUSDT", limit=5000) == 250


def test_trades_and_their_aggregates_tell_the_same_story():
    trades = ask(market(), "trades", symbol="BTCUSDT", limit=20)
    same = ask(market(), "aggTrades", symbol="BTCUSDT", fromId=trades[0]["id"], limit=20)
    old = ask(market(), "historicalTrades", symbol="BTCUSDT", fromId=trades[0]["id"] - 9, limit=3)
    assert [t["id"] for t in trades] == [a["a"] for a in same] == [a["f"] for a in same]
    assert [t["price"] for t in trades] == [a["p"] for a in same]
    assert [t["id"] for t in old] == [trades[0]["id"] - 9 + i for i in range(3)]
    for trade in trades:
        whole = Decimal(trade["price"]) * Decimal(trade["qty"])
        assert abs(whole - Decimal(trade["quoteQty"])) < Decimal("1e-8")
    start = trades[0]["time"]
    window = ask(market(), "aggTrades", symbol="BTCUSDT", startTime=start, endTime=start + 2000)
    assert all(start <= a["T"] <= start + 2000 for a in window)


def test_tickers_come_for_one_for_some_and_for_all():
    one = ask(market(), "ticker/price", symbol="BTCUSDT")
    some = ask(market(), "ticker/price", symbols='["BTCUSDT"]')
    every = ask(market(), "ticker/price")
    assert some == [one]
    assert one == every[0]
    assert len(every) == 2
    touch = ask(market(), "ticker/bookTicker", symbol="ETHUSDT")
    assert Decimal(touch["bidPrice"]) < Decimal(touch["askPrice"])
    assert weight("ticker/24hr", symbol="BTCUSDT") == 2
    assert weight("ticker/24hr") == 80


def test_the_rolling_day_agrees_with_its_minutes():
    feed = market()
    day = ask(feed, "ticker/24hr", symbol="BTCUSDT")
    minutes = feed.klines("BTCUSDT", "1m", day["openTime"], None, 1441)
    assert NOON - 86_400_000 - MINUTE < day["openTime"] <= NOON - 86_400_000
    assert day["count"] == sum(k.trades for k in minutes)
    assert Decimal(day["volume"]) == Decimal(sum(k.volume for k in minutes)).scaleb(-8)
    assert Decimal(day["highPrice"]) == Decimal(max(k.high for k in minutes)).scaleb(-8)
    assert Decimal(day["lowPrice"]) == Decimal(min(k.low for k in minutes)).scaleb(-8)
    change = Decimal(day["lastPrice"]) - Decimal(day["openPrice"])
    assert Decimal(day["priceChange"]) == change
    percent = Decimal(day["priceChangePercent"])
    assert abs(percent - change / Decimal(day["openPrice"]) * 100) < Decimal("0.001")
    assert Decimal(day["lowPrice"]) <= Decimal(day["weightedAvgPrice"]) <= Decimal(day["highPrice"])
    mini = ask(feed, "ticker/24hr", symbol="BTCUSDT", type="MINI")
    assert mini == {key: day[key] for key in mini}
    assert "bidPrice" not in mini


def test_the_average_price_is_that_of_five_minutes():
    average = ask(market(), "avgPrice", symbol="BTCUSDT")
    minutes = market().klines("BTCUSDT", "1m", NOON - 6 * MINUTE, None, 6)
    low, high = min(k.low for k in minutes), max(k.high for k in minutes)
    assert low <= Decimal(average["price"]).scaleb(8) <= high
    assert average["mins"] == 5
