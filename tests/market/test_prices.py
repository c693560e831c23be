"""A price as it lies in Redis, read back: whole, or not at all."""

import json
from decimal import Decimal

import pytest
import redis

from testudo import clock
from trading.market import prices
from trading.market.board import Board
from trading.market.prices import read_quote

SAID = {
    "price": "60000.5",
    "bid": "60000.4",
    "ask": "60000.6",
    "at": 1793612220000,
    "seen": 1793612220500,
    "candle": [1793612220, "60000", "60010", "59990", "60000.5", "3"],
}


def read(**changes):
    return read_quote("paper", "BTCUSDT", json.dumps({**SAID, **changes}))


def test_a_quote_tells_the_price_and_the_range_of_the_minute_still_open():
    quote = read()
    assert (quote.price, quote.bid, quote.ask) == (
        Decimal("60000.5"), Decimal("60000.4"), Decimal("60000.6"),
    )  # fmt: skip
    assert (quote.low, quote.high) == (59990, 60010)
    assert (quote.at, quote.seen) == (clock.from_ms(SAID["at"]), clock.from_ms(SAID["seen"]))


def test_before_the_first_candle_of_a_stream_the_minute_has_no_range():
    quote = read(candle=None)
    assert (quote.price, quote.low, quote.high) == (Decimal("60000.5"), None, None)


def test_what_the_board_writes_is_what_a_quote_reads():
    board = Board(["BTCUSDT"])
    prices = {"o": "60000.00", "h": "60010.00", "l": "59990.00", "c": "60000.50"}
    kline = {**prices, "t": 60_000, "v": "3.0", "q": "180001.5", "x": False}
    for event in (
        {"e": "trade", "s": "BTCUSDT", "p": "60000.50", "q": "3.0", "T": 61_000},
        {"s": "BTCUSDT", "b": "60000.40", "a": "60000.60", "u": 1},
        {"e": "kline", "s": "BTCUSDT", "E": 61_000, "k": kline},
    ):
        board.apply(event, 61_000)
    quote = read_quote("paper", "BTCUSDT", board.message("BTCUSDT", 61_000))
    assert (quote.price, quote.low, quote.high) == (Decimal("60000.5"), 59990, 60010)


@pytest.mark.parametrize(
    "changes", [{"price": "dear"}, {"bid": None}, {"seen": "now"}, {"candle": [1, "2"]},
                {"candle": [1, "2", "x", "y"]}],
)  # fmt: skip
def test_what_cannot_be_read_is_no_price(changes):
    assert read(**changes) is None
    assert read_quote("paper", "BTCUSDT", "{}") is None


class Asked:
    """What a Redis with none of the prices answers, and whether anybody took it."""

    def __init__(self, command):
        self.command, self.taken, self.dropped = command, False, False

    def answer(self):
        self.taken = True
        return [None for _ in self.command[1:]]

    def drop(self):
        self.dropped = True


@pytest.fixture
def asked(monkeypatch):
    commands = []

    class Redis:
        def ask(self, *command):
            commands.append(Asked(command))
            return commands[-1]

    monkeypatch.setattr(prices, "client", Redis)
    return commands


def test_several_prices_are_asked_for_at_once_and_each_only_once(asked):
    quote_of = prices.remembered(prices.latest)
    quote_of.ask_ahead("paper", ["BTCUSDT", "ETHUSDT", "BTCUSDT"])
    quote_of.ask_ahead("paper", ["ETHUSDT"])
    assert quote_of("paper", "BTCUSDT") is None
    assert prices.remembered(quote_of) is quote_of
    assert [sorted(each.command) for each in asked] == [
        ["MGET", "price:paper:BTCUSDT", "price:paper:ETHUSDT"]
    ]


def test_prices_are_asked_for_while_something_else_is_read(asked):
    quote_of = prices.remembered(prices.latest)
    with quote_of.asked_meanwhile("paper", ["BTCUSDT", "BTCUSDT"]):
        assert [each.taken for each in asked] == [False]
    assert [each.command for each in asked] == [("MGET", "price:paper:BTCUSDT")]
    assert asked[0].taken
    quote_of.ask_ahead("paper", ["BTCUSDT"])
    assert len(asked) == 1


def test_nobody_waits_for_prices_where_the_other_thing_failed(asked):
    quote_of = prices.remembered(prices.latest)
    with pytest.raises(LookupError), quote_of.asked_meanwhile("paper", ["BTCUSDT"]):
        raise LookupError
    assert (asked[0].taken, asked[0].dropped) == (False, True)


def test_prices_from_elsewhere_are_not_asked_of_redis(asked):
    with prices.remembered(lambda venue, symbol: None).asked_meanwhile("paper", ["BTCUSDT"]):
        pass
    assert asked == []


def test_without_redis_there_is_no_price_of_any(monkeypatch):
    class Gone:
        def ask(self, *command):
            raise redis.ConnectionError

    monkeypatch.setattr(prices, "client", Gone)
    assert prices.latest_of("paper", ["BTCUSDT"]) == {"BTCUSDT": None}
    quote_of = prices.remembered(prices.latest)
    with quote_of.asked_meanwhile("paper", ["BTCUSDT"]):
        pass
    quote_of.ask_ahead("paper", ["BTCUSDT"])
    assert quote_of("paper", "BTCUSDT") is None
