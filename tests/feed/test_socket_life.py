"""Market sockets: their unit of time, their goodbyes, their limits, and lists of what changed."""

import asyncio
from itertools import pairwise

import aiohttp
import pytest

from tests.feed.test_market_streams import everything, said, stand, wish
from trading.exchange.paper.values import to_e8

MINUTE = 60_000


@pytest.mark.parametrize("name", ["!miniTicker@arr", "!ticker_1h@arr"])
async def test_the_list_of_all_tickers_holds_only_those_that_changed(name):
    async with stand() as place, place.connect(f"/ws/{name}") as socket:
        await wish(socket, "LIST_SUBSCRIPTIONS")
        await place.tick(1000)
        (first,) = await said(socket, 1)
        assert {row["s"] for row in first} == {"BTCUSDT", "ETHUSDT"}
        for _ in range(20):
            told = {p.symbol for p in await place.tick(1000)}
            if told:
                (heard,) = await said(socket, 1)
                assert {row["s"] for row in heard} == told
        await place.stand_still(1000)
        assert await everything(socket) == []


async def test_the_reference_price_comes_every_second():
    async with stand() as place:
        place.streams.reference = lambda symbol: to_e8("65000.5")
        async with place.connect("/ws/btcusdt@referencePrice") as socket:
            await place.tick(100, 30)
            heard = await everything(socket)
    assert len(heard) in (3, 4)
    assert all(b["t"] - a["t"] == 1000 for a, b in pairwise(heard[1:]))
    assert heard[-1] == {
        "e": "referencePrice", "s": "BTCUSDT", "r": "65000.50000000", "t": heard[-1]["t"],
    }  # fmt: skip


def times(told: object) -> list[int]:
    """Every time in a payload of trades, tickers, candles, averages, diffs or a reference price."""
    if isinstance(told, list):
        return [at for one in told for at in times(one)]
    found = [told[name] for name in ("E", "T", "O", "C") if name in told]
    candle = [told["k"][name] for name in ("t", "T")] if told["e"] == "kline" else []
    return [*found, *candle, *([told["t"]] if told["e"] == "referencePrice" else [])]


async def test_a_socket_opened_for_microseconds_tells_every_time_in_them():
    kinds = (
        "trade", "aggTrade", "kline_1m", "ticker", "miniTicker", "ticker_1h", "avgPrice", "depth",
        "referencePrice",
    )  # fmt: skip
    names = "/".join(["!miniTicker@arr", *(f"btcusdt@{kind}" for kind in kinds)])
    path = f"/stream?streams={names}&timeUnit="
    async with stand() as place:
        place.streams.reference = lambda symbol: to_e8("65000")
        async with (
            place.connect(path + "MICROSECOND") as fine,
            place.connect(path + "microsecond") as same,
            place.connect(path + "MILLISECOND") as coarse,
        ):
            await place.tick(100, 100)
            micros, small, millis = [await everything(one) for one in (fine, same, coarse)]
    assert micros == small
    assert {one["stream"] for one in micros} == set(names.split("/"))
    assert len(micros) == len(millis)
    for a, b in zip(micros, millis, strict=True):
        assert a["stream"] == b["stream"]
        assert times(b["data"])
        assert [at // 1000 for at in times(a["data"])] == times(b["data"])
    candle = next(one["data"]["k"] for one in micros if one["stream"].endswith("kline_1m"))
    assert candle["T"] - candle["t"] == 60_000_000 - 1
    ids = [
        [one["data"]["t"] for one in told if one["stream"].endswith("@trade")]
        for told in (micros, millis)
    ]
    assert ids[0] == ids[1], "an id is no time"


async def test_a_time_unit_that_does_not_exist_is_refused_before_the_socket_opens():
    async with stand() as place, place.get("/ws/btcusdt@trade?timeUnit=DAY") as reply:
        assert reply.status == 400
        assert (await reply.json())["code"] == -1194


async def test_before_the_server_goes_every_reader_is_told_and_then_let_go():
    async with (
        stand() as place,
        place.connect("/ws/btcusdt@trade") as raw,
        place.connect("/stream?streams=btcusdt@trade&timeUnit=MICROSECOND") as combined,
    ):
        await wish(raw, "LIST_SUBSCRIPTIONS")
        await wish(combined, "LIST_SUBSCRIPTIONS")
        closing = asyncio.create_task(place.streams.close())
        assert await said(raw, 1) == [{"e": "serverShutdown", "E": place.now}]
        (frame,) = await said(combined, 1)
        assert frame == {
            "stream": "!serverShutdown", "data": {"e": "serverShutdown", "E": place.now * 1000},
        }  # fmt: skip
        for socket in (raw, combined):
            last = await socket.receive(timeout=5)
            assert (last.type, last.data) == (aiohttp.WSMsgType.CLOSE, 1001)
        await closing
        assert len(place.streams) == 0


async def test_a_reader_is_warned_before_its_day_is_over_and_closed_after_it():
    async with stand() as place, place.connect("/ws/nobody@trade") as socket:
        await wish(socket, "LIST_SUBSCRIPTIONS")
        await place.stand_still((24 * 60 - 11) * MINUTE)
        await place.stand_still(2 * MINUTE)
        await place.stand_still(MINUTE)
        assert [one["e"] for one in await everything(socket)] == ["serverShutdown"]
        await place.stand_still(8 * MINUTE)
        last = await socket.receive(timeout=5)
        assert (last.type, last.data) == (aiohttp.WSMsgType.CLOSE, 1001)


async def test_pings_count_among_the_five_messages_a_second():
    async with stand() as place, place.connect("/ws", autoping=False) as socket:
        for _ in range(7):
            await socket.ping()
        while (last := await socket.receive(timeout=5)).type is aiohttp.WSMsgType.PONG:
            pass
    assert (last.type, last.data) == (aiohttp.WSMsgType.CLOSE, 1008)
