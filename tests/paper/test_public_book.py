"""Resting orders of paper accounts show in the public book, and matching counts them once."""

from __future__ import annotations

import itertools
import random
from bisect import insort
from typing import Any

import aiohttp
import pytest

from trading.exchange.paper.live_book import LocalBook
from trading.exchange.paper.market_channels import open_channel
from trading.exchange.paper.public_book import WHOLE, PublicMarket
from trading.exchange.paper.server import PaperServer, wall_ms
from trading.exchange.paper.shown_levels import REMEMBERED, ShownLevels
from trading.exchange.paper.synthetic import SyntheticFeed
from trading.exchange.paper.values import to_e8
from trading.exchange.paper.waiting import Waiting

from .scripted import BTC, START_MS, Bench, Trader

# The scripted book: bids 59999, 59998 … and asks 60001, 60002 …, 50 BTC each.


def public(bench: Bench, path: str, **params: Any) -> Any:
    query = "&".join(f"{name}={value}" for name, value in params.items())
    return bench.exchange.handle("GET", f"/api/v3/{path}", query, "", {}, bench.now_ms).json()


def depth(bench: Bench, limit: int = 100) -> dict[str, Any]:
    return public(bench, "depth", symbol=BTC, limit=limit)


@pytest.fixture
def maker(bench: Bench) -> Trader:
    return bench.trader(USDT="10000000", BTC="100")


def test_a_resting_order_joins_its_level_or_makes_one(bench: Bench, maker: Trader) -> None:
    maker.limit("BUY", "59998", "0.5")
    maker.limit("BUY", "59997.5", "0.25")
    maker.limit("SELL", "60000.5", "0.125")
    book = depth(bench)
    assert book["bids"][:4] == [
        ["59999.00000000", "50.00000000"],
        ["59998.00000000", "50.50000000"],
        ["59997.50000000", "0.25000000"],
        ["59997.00000000", "50.00000000"],
    ]
    assert book["asks"][:2] == [
        ["60000.50000000", "0.12500000"],
        ["60001.00000000", "50.00000000"],
    ]
    assert depth(bench, limit=2)["bids"] == book["bids"][:2]
    touch = public(bench, "ticker/bookTicker", symbol=BTC)
    assert (touch["askPrice"], touch["askQty"]) == ("60000.50000000", "0.12500000")
    assert touch["bidPrice"] == "59999.00000000"


def test_orders_of_two_accounts_at_one_price_are_one_level(bench: Bench, maker: Trader) -> None:
    other = bench.trader(USDT="100000")
    maker.limit("BUY", "60000", "0.1")
    other.limit("BUY", "60000", "0.2", newClientOrderId="theirs")
    assert depth(bench)["bids"][0] == ["60000.00000000", "0.30000000"]
    other.ok("DELETE", "/api/v3/order", symbol=BTC, origClientOrderId="theirs")
    assert depth(bench)["bids"][0] == ["60000.00000000", "0.10000000"]
    maker.ok("DELETE", "/api/v3/openOrders", symbol=BTC)
    assert depth(bench)["bids"][0] == ["59999.00000000", "50.00000000"]


def test_what_waits_for_its_price_does_not_show(bench: Bench, maker: Trader) -> None:
    before = depth(bench)["asks"]
    waits = {"price": "59000", "stopPrice": "59500", "timeInForce": "GTC"}
    maker.order("SELL", "STOP_LOSS_LIMIT", quantity="0.5", **waits)
    assert depth(bench)["asks"] == before


def test_an_iceberg_shows_its_visible_part_and_the_next_one_after_it(
    bench: Bench, maker: Trader
) -> None:
    maker.limit("SELL", "60000.5", "1", icebergQty="0.2")
    assert depth(bench)["asks"][0] == ["60000.50000000", "0.20000000"]
    taker = bench.trader(USDT="100000")
    taker.limit("BUY", "60000.5", "0.15")
    assert depth(bench)["asks"][0] == ["60000.50000000", "0.05000000"]
    taker.limit("BUY", "60000.5", "0.05")
    assert depth(bench)["asks"][0] == ["60000.50000000", "0.20000000"]


def test_a_fill_an_amendment_and_a_prevented_match_each_take_their_part_away(
    bench: Bench, maker: Trader
) -> None:
    maker.limit("BUY", "60000", "1", newClientOrderId="mine")
    bench.print("60000", "0.3")
    assert depth(bench)["bids"][0] == ["60000.00000000", "0.70000000"]
    maker.ok(
        "PUT",
        "/api/v3/order/amend/keepPriority",
        symbol=BTC,
        origClientOrderId="mine",
        newQty="0.9",
    )
    assert depth(bench)["bids"][0] == ["60000.00000000", "0.60000000"]
    maker.limit("SELL", "60000", "0.2", selfTradePreventionMode="DECREMENT")
    assert depth(bench)["bids"][0] == ["60000.00000000", "0.40000000"]
    bench.print("60000", "5")
    assert depth(bench)["bids"][0] == ["59999.00000000", "50.00000000"]


def test_a_taker_gets_what_the_book_shows_and_no_more(bench: Bench, maker: Trader) -> None:
    """Shown together with the feed's level, an order is still filled once."""
    maker.limit("SELL", "60001", "0.5")
    shown = depth(bench)["asks"][0]
    assert shown == ["60001.00000000", "50.50000000"]
    taker = bench.trader(USDT="10000000")
    answer = taker.limit("BUY", "60001", "60", timeInForce="IOC")
    assert answer["executedQty"] == shown[1]
    assert bench.conserved()


def test_an_order_the_market_has_passed_is_not_shown_until_it_is_back(
    bench: Bench, maker: Trader
) -> None:
    """The market fell through a bid with too few prints to fill it: the book must not be crossed,
    and the others must still see the market."""
    maker.limit("BUY", "59990", "5")
    bench.feed.set_book(BTC, "59900", "50")
    bench.print("59900", "1")
    book = depth(bench)
    assert book["bids"][0] == ["59899.00000000", "50.00000000"]
    assert book["asks"][0] == ["59901.00000000", "50.00000000"]
    bench.feed.set_book(BTC, "60000", "50")
    assert ["59990.00000000", "4.00000000"] in depth(bench)["bids"]


def test_the_number_of_the_book_rises_with_each_change_and_only_then(
    bench: Bench, maker: Trader
) -> None:
    first = depth(bench)["lastUpdateId"]
    assert depth(bench)["lastUpdateId"] == first
    maker.limit("BUY", "59990", "1", newClientOrderId="mine")  # in the same millisecond
    second = depth(bench)["lastUpdateId"]
    assert second > first
    assert depth(bench, limit=5)["lastUpdateId"] == second
    maker.ok("DELETE", "/api/v3/order", symbol=BTC, origClientOrderId="mine")
    assert depth(bench)["lastUpdateId"] > second


def test_resting_orders_are_shown_again_after_a_restart(bench: Bench, maker: Trader) -> None:
    maker.limit("SELL", "60000.5", "1", icebergQty="0.2")
    again = Bench(bench.exchange.store, bench.feed)
    assert depth(again)["asks"][0] == ["60000.50000000", "0.20000000"]


@pytest.mark.parametrize("seed", range(4))
def test_a_local_book_kept_by_the_documented_procedure_equals_the_one_served(seed: int) -> None:
    """web-socket-streams.md, "How to manage a local order book correctly", while the market moves
    and paper orders come, fill, change and go between the events."""
    chance = random.Random(seed)
    feed = SyntheticFeed((BTC,), seed=seed, now_ms=START_MS)
    bench = Bench(feed=feed)
    traders = [bench.trader(USDT="10000000", BTC="100") for _ in range(3)]
    channel = open_channel(bench.exchange.public, "btcusdt@depth@100ms")
    partial = open_channel(bench.exchange.public, "btcusdt@depth5@100ms")
    touch = open_channel(bench.exchange.public, "btcusdt@bookTicker")
    assert channel
    assert partial
    assert touch
    local, events, snapshots, open_ids = LocalBook(), [], [], []
    for step in range(300):
        trader = chance.choice(traders)
        last = feed.last(BTC).price
        for _ in range(chance.randrange(3)):
            away = chance.randrange(-2_000, 2_000) * to_e8("0.01")
            side = "BUY" if away < 0 else "SELL"
            price = (last + away) // to_e8("0.01")
            how = {"icebergQty": "0.01"} if chance.random() < 0.2 else {}
            done = trader.limit(
                side, f"{price // 100}.{price % 100:02d}", f"0.{chance.randrange(1, 9)}", **how
            )
            open_ids.append((trader, done["orderId"]))
        if open_ids and chance.random() < 0.5:
            owner, number = open_ids.pop(chance.randrange(len(open_ids)))
            owner.call("DELETE", "/api/v3/order", symbol=BTC, orderId=number)
        if chance.random() < 0.1:
            feed.move(BTC, last + chance.randrange(-30, 30) * 10**8, at_ms=bench.now_ms, over_ms=0)
        if step in (40, 180):
            snapshots.append(depth(bench, limit=5000))
            local.load(snapshots[-1])
        bench.pass_time(50)
        if chance.random() < 0.8:  # at times the tick comes with orders just placed before it
            events += (told := channel.due(bench.now_ms))
            if snapshots:
                for event in told:
                    local.apply(event)  # raises where one does not follow
        for five in partial.due(bench.now_ms):
            served = depth(bench, limit=5)
            assert (five["bids"], five["asks"]) == (served["bids"], served["asks"])
            assert five["lastUpdateId"] == served["lastUpdateId"]
    bench.pass_time(100)
    for event in channel.due(bench.now_ms):
        events.append(event)
        local.apply(event)
    for before, after in itertools.pairwise(events):
        assert after["U"] == before["u"] + 1 <= after["u"]
    for snapshot in snapshots:
        number = snapshot["lastUpdateId"]
        assert any(event["U"] <= number <= event["u"] for event in events)
    book = bench.exchange.public.book(BTC, WHOLE)
    assert local.sides(WHOLE) == (list(book.bids), list(book.asks))
    assert book.bids[0].price < book.asks[0].price
    (best,) = touch.due(bench.now_ms)
    assert to_e8(best["b"]) == book.bids[0].price
    assert to_e8(best["a"]) == book.asks[0].price
    assert bench.conserved()


async def test_the_server_streams_the_book_with_a_paper_order_in_it(bench: Bench) -> None:
    maker = bench.trader(USDT="100000")
    server = PaperServer(bench.exchange)
    url = f"http://127.0.0.1:{await server.start('127.0.0.1', 0)}"
    names = "btcusdt@bookTicker/btcusdt@depth@100ms/btcusdt@depth5@100ms/btcusdt@ticker"
    heard: dict[str, Any] = {}
    try:
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(f"{url}/stream?streams={names}") as socket,
        ):
            while "btcusdt@depth5@100ms" not in heard:
                frame = await socket.receive_json(timeout=10)
                heard[frame["stream"]] = frame["data"]
            heard.clear()
            bench.now_ms = wall_ms()
            maker.limit("BUY", "60000", "0.5")
            shown = ["60000.00000000", "0.50000000"]
            while heard.keys() < set(names.split("/")) or heard["btcusdt@ticker"]["b"] != shown[0]:
                frame = await socket.receive_json(timeout=10)
                heard[frame["stream"]] = frame["data"]
        best = heard["btcusdt@bookTicker"]
        assert [best["b"], best["B"]] == shown
        assert heard["btcusdt@depth@100ms"]["b"] == [shown]
        assert heard["btcusdt@depth5@100ms"]["bids"][0] == shown
        assert heard["btcusdt@depth@100ms"]["u"] == best["u"]
    finally:
        await server.stop()


def test_who_asks_about_changes_too_long_ago_looks_at_all_levels_again() -> None:
    shown = ShownLevels(1, [])
    shown.put(1, 100, 5)
    since = shown.version
    for number in range(REMEMBERED + 1):
        shown.put(2, 200, number + 1)
    assert shown.changed_since(since) is None
    feed, waiting = SyntheticFeed((BTC,), seed=1, now_ms=START_MS), Waiting()
    watch = PublicMarket(feed, {BTC: waiting}).watch(BTC)
    price = feed.book(BTC, 1).bids[0].price - 1
    rest(waiting, 1, price, 7)
    for number in range(REMEMBERED):
        waiting.bids.put(2, 3, number + 1)
    waiting.bids.drop(2)
    bids, asks = watch.changes()
    assert ([(level.price, level.quantity) for level in bids], asks) == ([(price, 7)], [])


def test_a_step_of_a_followed_book_looks_at_what_changed_not_at_every_order() -> None:
    """Ten thousand resting orders, one of which changes: the work is counted, not timed."""
    feed, waiting = SyntheticFeed((BTC,), seed=1, now_ms=START_MS), Waiting()
    market = PublicMarket(feed, {BTC: waiting})
    below = feed.book(BTC, 5000).bids[-1].price
    for number in range(10_000):
        rest(waiting, number, below - 1 - number, 5)
    watch = market.watch(BTC)
    read: list[int] = []
    waiting.bids.quantity = _counting(waiting.bids.quantity, read)  # type: ignore[method-assign]
    waiting.bids.put(5_000, below - 5_001, 8)
    bids, asks = watch.changes()
    assert [(level.price, level.quantity) for level in bids] == [(below - 5_001, 8)]
    assert asks == []
    assert read == [-(below - 5_001)]
    read.clear()
    assert len(market.book(BTC, 20).bids) == 20
    assert len(read) <= 20


def rest(waiting: Waiting, number: int, price: int, quantity: int) -> None:
    """An order on the book, as far as its level goes."""
    insort(waiting.buys, (-price, number, number))
    waiting.bids.put(number, price, quantity)


def _counting(function: Any, read: list[int]) -> Any:
    def counted(key: int) -> Any:
        read.append(key)
        return function(key)

    return counted


def test_a_market_in_which_nothing_traded_for_a_day_still_has_a_ticker(bench: Bench) -> None:
    day = public(bench, "ticker/24hr", symbol=BTC)
    assert (day["count"], day["firstId"], day["lastId"]) == (0, -1, -1)
    assert day["openPrice"] == day["lastPrice"] == day["highPrice"] == "60000.00000000"
    assert (day["volume"], day["priceChangePercent"]) == ("0.00000000", "0.000")
    assert (day["bidPrice"], day["askPrice"]) == ("59999.00000000", "60001.00000000")
