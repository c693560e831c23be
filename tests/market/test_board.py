"""The board: one venue's latest prices, from its stream events alone."""

import orjson
import pytest

from trading.market.board import Board
from trading.market.candles import Minute

NOW = 1_795_435_217_345
OPENED = NOW - NOW % 60_000


def trade(price: str, quantity: str = "0.1", at: int = NOW, symbol: str = "BTCUSDT") -> dict:
    return {"e": "trade", "E": at + 1, "s": symbol, "t": 1, "p": price, "q": quantity, "T": at}


def touch(bid: str, ask: str) -> dict:
    return {"u": 1, "s": "BTCUSDT", "b": bid, "B": "1", "a": ask, "A": "1"}


def kline(*figures: str, closed: bool = False, opened: int = OPENED, at: int = NOW) -> dict:
    k = {"t": opened, "x": closed, **dict(zip("ohlcv", figures, strict=True))}
    return {"e": "kline", "E": at, "s": "BTCUSDT", "k": k}


def told(board: Board) -> dict | None:
    message = board.message("BTCUSDT", NOW)
    return orjson.loads(message) if message else None


def test_nothing_is_said_before_price_and_both_sides_are_known():
    board = Board(["BTCUSDT"])
    board.apply(trade("65000.00000000"), NOW)
    assert told(board) is None
    board.apply(touch("64999.99000000", "65000.00000000"), NOW)
    assert told(board) == {
        "price": "65000", "bid": "64999.99", "ask": "65000", "at": NOW + 1, "seen": NOW,
        "candle": [OPENED // 1000, "65000", "65000", "65000", "65000", "0.1"],
    }  # fmt: skip


@pytest.mark.parametrize("sides", [("0.00000000", "65000"), ("64999", "0.00000000")])
def test_a_side_where_nobody_stands_is_no_price_of_zero(sides):
    board = Board(["BTCUSDT"])
    board.apply(trade("65000.00000000"), NOW)
    board.apply(touch("64999", "65000"), NOW)
    board.apply(touch(*sides), NOW)
    assert told(board) is None
    board.catch_up("BTCUSDT", "65000", *sides, asked_ms=NOW + 9, unless_since=NOW + 9)
    assert told(board) is None
    board.apply(touch("64998", "65001"), NOW)
    assert (told(board)["bid"], told(board)["ask"]) == ("64998", "65001")


def test_trades_build_the_candle_and_the_exchanges_own_word_corrects_it():
    board = Board(["BTCUSDT"])
    board.apply(touch("1", "2"), NOW)
    for price in ("99", "100", "9", "10"):  # text order would call 99 the high and 10 the low
        board.apply(trade(price), NOW)
    assert told(board)["candle"][1:] == ["99", "100", "9", "10", "0.4"]
    board.apply(kline("98", "101", "8", "10", "0.5"), NOW)
    assert told(board)["candle"][1:] == ["98", "101", "8", "10", "0.5"]
    board.apply(trade("11", at=OPENED + 60_000), NOW)
    assert told(board)["candle"] == [OPENED // 1000 + 60, "11", "11", "11", "11", "0.1"]


def test_a_closed_candle_is_handed_out_once_and_a_late_one_leaves_the_new_minute_alone():
    board = Board(["BTCUSDT"])
    board.apply(touch("1", "2"), NOW)
    board.apply(trade("11", at=OPENED + 60_000), NOW)
    minute = Minute(OPENED, "98", "101", "8", "10", "0.5")
    assert board.apply(kline("98", "101", "8", "10", "0.5", closed=True), NOW) == (
        "BTCUSDT", minute,
    )  # fmt: skip
    assert told(board)["candle"][0] == OPENED // 1000 + 60
    assert board.apply(kline("98", "101", "8", "10", "0.5"), NOW) is None


def test_the_time_of_a_touch_is_told_by_the_venues_clock():
    board = Board(["BTCUSDT"])
    board.apply(trade("10", at=NOW + 5000), NOW)  # its clock is 5.001 s ahead of ours
    board.apply(touch("9", "10"), NOW + 200)
    assert told(board)["at"] == NOW + 5201


def test_a_quote_asked_for_fills_in_what_the_stream_has_not_said():
    board = Board(["BTCUSDT"])
    board.apply(touch("9", "10"), NOW)
    board.catch_up("BTCUSDT", "11.50", "11", "12", asked_ms=NOW + 5, unless_since=NOW - 100)
    assert {k: told(board)[k] for k in ("price", "bid", "ask", "at")} == {
        "price": "11.5", "bid": "11", "ask": "12", "at": NOW + 5,
    }  # fmt: skip


def test_a_quote_asked_for_never_overtakes_the_stream():
    board = Board(["BTCUSDT"])
    board.apply(trade("10"), NOW)
    board.apply(touch("9", "10"), NOW)
    before = told(board)
    board.catch_up("BTCUSDT", "8", "7", "8", asked_ms=NOW + 5, unless_since=NOW - 100)
    assert told(board) == before
    board.catch_up("BTCUSDT", "8", "7", "8", asked_ms=NOW + 900, unless_since=NOW + 500)
    assert told(board)["price"] == "8"
    with pytest.raises(ValueError, match="BTCUSDT"):
        board.catch_up("BTCUSDT", "NaN", "7", "8", asked_ms=NOW + 9_000, unless_since=NOW + 8_000)


def test_changes_are_taken_once():
    board = Board(["BTCUSDT", "ETHUSDT"])
    board.apply(trade("10", symbol="ETHUSDT"), NOW)
    assert board.take_changed() == {"ETHUSDT"}
    assert board.take_changed() == set()


def test_other_symbols_and_other_events_are_let_pass():
    board = Board(["BTCUSDT"])
    assert board.apply(trade("1", symbol="DOGEUSDT"), NOW) is None
    assert board.apply({"e": "serverShutdown", "s": "BTCUSDT"}, NOW) is None
    assert board.take_changed() == set()


@pytest.mark.parametrize(
    "event",
    [
        {},
        [],
        {"e": "trade", "s": "BTCUSDT"},
        trade("NaN"),
        trade("Infinity"),
        trade("cheap"),
        {**trade("1"), "p": 1.5},
        {"e": "kline", "s": "BTCUSDT", "k": None},
        {"s": "BTCUSDT", "u": 1, "b": "1"},
    ],
)
def test_an_event_that_makes_no_sense_is_refused_and_changes_nothing(event):
    board = Board(["BTCUSDT"])
    with pytest.raises(ValueError, match="unreadable"):
        board.apply(event, NOW)
    assert board.take_changed() == set()
