"""A scripted market does exactly what was written, when it was written."""

import pytest

from trading.exchange.paper.feed import open_feed
from trading.exchange.paper.script import ScriptFeed
from trading.exchange.paper.tape_files import BadTape
from trading.exchange.paper.values import to_e8

NOW = 1_795_000_000_000
START = {"at": 0, "symbol": "BTCUSDT", "price": "65000"}
BOOK = {"at": 0, "symbol": "BTCUSDT", "bids": [["64999", "1"]], "asks": [["65001", "2"]]}


def test_prices_come_to_the_millisecond_and_the_book_is_as_written():
    events = [START, BOOK, {"at": 1500, "symbol": "BTCUSDT", "price": "64990", "side": "SELL"}]
    feed = ScriptFeed(events, now_ms=NOW)
    assert [p.price for p in feed.advance(NOW)] == [to_e8("65000")]
    assert feed.advance(NOW + 1499) == []
    fills = feed.take("BTCUSDT", "BUY", None, to_e8("5"), NOW + 1499)
    assert [(f.price, f.quantity) for f in fills] == [(to_e8("65001"), to_e8("2"))]
    assert feed.book("BTCUSDT").asks == ()
    market, own = feed.advance(NOW + 1500)
    assert (own.price, market.price) == (to_e8("65001"), to_e8("64990"))
    assert (market.at_ms, market.buyer_is_maker) == (NOW + 1500, True)


def test_a_csv_script_is_a_feed(tmp_path):
    file = tmp_path / "fall.csv"
    file.write_text("at,symbol,price\n0,BTCUSDT,65000\n100,BTCUSDT,64000\n")
    feed = open_feed(f"script:{file}", now_ms=NOW)
    assert [p.price for p in feed.advance(NOW + 100)] == [to_e8("65000"), to_e8("64000")]


@pytest.mark.parametrize(
    ("events", "sentence"),
    [
        ([], "no trade"),
        ([START | {"at": 5}], "is at 5, not at 0"),
        ([START, START | {"price": "1e5"}], "Event 2"),
        ([START | {"colour": "red"}], "nobody knows colour"),
        ([START, BOOK | {"bids": []}], "Event 2 of the script: a book has bids below asks"),
    ],
)
def test_a_bad_script_is_refused_in_one_sentence(events, sentence):
    with pytest.raises(BadTape, match=sentence):
        ScriptFeed(events, now_ms=NOW)
