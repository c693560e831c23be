"""Trades of paper accounts are trades of the market: told once, the same after a kill."""

import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from tests.paper.scripted import START_MS, Bench
from trading.exchange.paper.exchange import PaperExchange
from trading.exchange.paper.klines import MINUTE, of_prints
from trading.exchange.paper.script import ScriptFeed
from trading.exchange.paper.store import Store
from trading.exchange.paper.synthetic import SyntheticFeed
from trading.exchange.paper.values import E8, Feed, Print, from_e8, to_e8

BTC, ETH = "BTCUSDT", "ETHUSDT"
RICH = {"USDT": "1000000", "BTC": "20", "ETH": "200"}


def synthetic(now_ms: int = START_MS) -> SyntheticFeed:
    return SyntheticFeed((BTC, ETH), seed=7, now_ms=now_ms)


def scripted(now_ms: int = START_MS) -> ScriptFeed:
    """A trade of each symbol every 700 ms."""
    told = [
        {"at": 700 * n, "symbol": symbol, "price": str(price + n % 3), "quantity": "0.2"}
        for n in range(400)
        for symbol, price in ((BTC, 65000), (ETH, 3000))
    ]
    return ScriptFeed(told, now_ms=now_ms)


def listen(bench: Bench) -> list[Print]:
    heard: list[Print] = []
    bench.exchange.print_listeners.append(heard.extend)
    return heard


def meet(bench: Bench, seller, buyer, rest: str, taken: str, symbol: str = BTC) -> str:
    """One offers `rest` at the best ask, the other takes `taken` of it. Returns the price."""
    price = from_e8(bench.feed.book(symbol, 1).asks[0].price)
    seller.limit("SELL", price, rest, symbol=symbol)
    done = buyer.limit("BUY", price, taken, symbol=symbol, timeInForce="IOC")
    assert done["status"] == "FILLED"
    return price


@pytest.mark.parametrize("make", [synthetic, scripted])
def test_a_trade_between_two_accounts_is_on_the_public_record_once(make):
    bench = Bench(feed=make())
    seller, buyer = bench.trader(**RICH), bench.trader(**RICH)
    heard = listen(bench)
    price = meet(bench, seller, buyer, "0.3", "0.1")
    bench.pass_time(2)
    (told,) = [one for one in heard if one.own]
    assert (from_e8(told.price), told.quantity, told.buyer_is_maker) == (price, E8 // 10, False)
    (offer,) = seller.ok("GET", "/api/v3/openOrders", symbol=BTC)
    assert offer["executedQty"] == "0.10000000", "the print of a trade fills nobody again"
    (row,) = buyer.ok("GET", "/api/v3/myTrades", symbol=BTC)
    assert row["price"] == price

    bench.pass_time(2 * MINUTE)
    (public,) = bench.feed.history(BTC, from_id=told.id, limit=1)
    assert public == told
    minute = told.at_ms - told.at_ms % MINUTE
    (candle,) = bench.feed.klines(BTC, "1m", minute, minute, 1)
    prints = bench.feed.history(BTC, start_ms=minute, end_ms=minute + MINUTE - 1, limit=10_000)
    assert told in prints
    counted = of_prints(prints, minute, minute + MINUTE - 1)
    assert (candle.trades, candle.volume) == (counted.trades, counted.volume)
    ids = [one.id for one in heard if one.symbol == BTC]
    assert all(b == a + 1 for a, b in pairwise(ids))


def test_the_taker_says_which_way_a_trade_between_accounts_went():
    bench = Bench(feed=synthetic())
    seller, buyer = bench.trader(**RICH), bench.trader(**RICH)
    heard = listen(bench)
    price = from_e8(bench.feed.book(BTC, 1).bids[0].price)
    buyer.limit("BUY", price, "0.2")
    seller.limit("SELL", price, "0.2", timeInForce="IOC")
    bench.pass_time(2)
    (told,) = [one for one in heard if one.own]
    assert told.buyer_is_maker


def test_a_stop_is_set_off_by_a_trade_of_others_at_once_and_only_once():
    bench = Bench(feed=scripted())
    maker, taker, stopped = (bench.trader(**RICH) for _ in range(3))
    asks = bench.feed.book(BTC, 3).asks
    trigger = from_e8(asks[2].price)
    stopped.order("BUY", "STOP_LOSS", quantity="0.01", stopPrice=trigger, newClientOrderId="stop")
    maker.limit("SELL", trigger, "5")
    assert stopped.find("stop")["status"] == "NEW"
    before = asks[0].quantity + asks[1].quantity  # then comes the maker's offer
    taker.limit("BUY", trigger, from_e8(before + to_e8("0.1")), timeInForce="IOC")
    assert stopped.find("stop")["status"] == "FILLED"
    bench.pass_time(1000)
    (fill,) = stopped.ok("GET", "/api/v3/myTrades", symbol=BTC)
    assert (fill["price"], fill["qty"]) == (trigger, "0.01000000")


def record(feed: Feed, until: int) -> dict[object, list]:
    """All that the public could have asked for."""
    told: dict[object, list] = {}
    for symbol in (BTC, ETH):
        told[symbol] = feed.history(symbol, start_ms=START_MS, end_ms=until, limit=100_000)
        for interval in ("1s", "1m", "5m"):
            rows = feed.klines(symbol, interval, START_MS - 5 * MINUTE, until, 1000)
            told[symbol, interval] = [row for row in rows if row.close_ms <= until]
    return told


@pytest.mark.parametrize("make", [synthetic, scripted])
@pytest.mark.parametrize("moved", [False, True], ids=["still", "moved"])
@pytest.mark.parametrize("seconds", [0, 2, 4, 7, 70])
def test_a_kill_changes_nothing_of_the_public_record(tmp_path: Path, make, moved, seconds):
    bench = Bench(Store(tmp_path / "state.sqlite3"), make())
    one, other = bench.trader(**RICH), bench.trader(**RICH)
    heard = listen(bench)
    bench.pass_time(300)
    one.order("BUY", "MARKET", quantity="0.5")
    bench.pass_time(100)
    if moved:  # its state is written at once; what follows must not be lost to that
        bench.exchange.move(BTC, bench.feed.last(BTC).price * 101 // 100, 900)
    meet(bench, one, other, "0.3", "0.1", ETH)  # the first trade there, after the state's
    for _ in range(seconds):
        bench.pass_time(997)
        one.order("SELL", "MARKET", quantity="0.7", symbol=ETH)
        meet(bench, other, one, "0.02", "0.02")
    bench.pass_time(40)
    killed_at, before = bench.now_ms, record(bench.feed, bench.now_ms)

    shutil.copytree(tmp_path, tmp_path / "after")  # as a kill leaves the files
    store = Store(tmp_path / "after" / "state.sqlite3")
    feed = make(killed_at + 500)
    exchange = PaperExchange(feed, store, now_ms=killed_at + 61_000)
    after = record(feed, killed_at)
    assert after == before
    for symbol in (BTC, ETH):
        told = [p for p in heard if p.symbol == symbol]
        assert after[symbol][-len(told) :] == told, "what was told is what is served"
        ids = [p.id for p in feed.history(symbol, start_ms=START_MS, limit=100_000)]
        assert ids == list(range(ids[0], ids[0] + len(ids))), "ids go on, none missing or doubled"
        own = [p for p in feed.history(symbol, start_ms=START_MS, limit=100_000) if p.own]
        assert len(own) == len(store.taker_fills(symbol, 0))
    assert not exchange.engine.ledger.discrepancies()
    assert exchange.engine.last[BTC] == feed.last(BTC).price
