"""The market WebSocket, over a real socket: Binance's names, payloads, replies and limits."""

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import pairwise

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.feed.market import NOON, market
from trading.exchange.paper.market_streams import MarketStreams
from trading.exchange.paper.values import to_e8


class Stand:
    """A market, its streams and a server; time passes only in `tick`."""

    def __init__(self) -> None:
        self.feed, self.now = market(), NOON
        self.streams = MarketStreams(self.feed, lambda: self.now)

    async def tick(self, ms: int, times: int = 1) -> list:
        told = []
        for _ in range(times):
            self.now += ms
            prints = self.feed.advance(self.now)
            told += prints
            self.streams.on_prints(prints)
            await self.streams.flush()
            await asyncio.sleep(0)  # the writers' turn, as between a server's ticks
        return told

    async def stand_still(self, ms: int) -> None:
        """Time passes and nothing trades."""
        self.now += ms
        await self.streams.flush()
        await asyncio.sleep(0)


@asynccontextmanager
async def stand():
    place = Stand()
    app = web.Application()
    for path in ("/ws", "/ws/{streams:.*}", "/stream"):
        app.router.add_get(path, place.streams.handle)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:

        @asynccontextmanager
        async def connect(path: str, **options):
            async with session.ws_connect(server.make_url(path), **options) as socket:
                yield socket

        place.connect = connect
        place.get = lambda path: session.get(server.make_url(path))
        yield place


async def said(socket, count: int) -> list:
    return [orjson.loads((await socket.receive(timeout=5)).data) for _ in range(count)]


async def everything(socket) -> list:
    """All that was said so far: what comes before the answer to a question asked now."""
    await socket.send_str('{"method": "LIST_SUBSCRIPTIONS", "id": "end"}')
    heard = []
    while True:
        (one,) = await said(socket, 1)
        if isinstance(one, dict) and one.get("id") == "end":
            return heard
        heard.append(one)


async def wish(socket, method: str, *params, identity=1) -> dict:
    await socket.send_str(
        orjson.dumps({"method": method, "params": list(params), "id": identity}).decode()
    )
    return (await said(socket, 1))[0]


async def test_a_raw_stream_carries_every_trade_once_in_order():
    async with stand() as place, place.connect("/ws/btcusdt@trade") as socket:
        prints = [p for p in await place.tick(50, 600) if p.symbol == "BTCUSDT"]
        heard = await said(socket, len(prints))
    assert [h["t"] for h in heard] == [p.id for p in prints]
    assert [Decimal(h["p"]).scaleb(8) for h in heard] == [p.price for p in prints]
    assert all(h["e"] == "trade" and h["s"] == "BTCUSDT" and h["T"] <= h["E"] for h in heard)


async def test_combined_streams_are_wrapped_in_their_names():
    path = "/stream?streams=btcusdt@aggTrade/ethusdt@bookTicker"
    async with stand() as place, place.connect(path) as socket:
        await place.tick(50, 200)
        heard = await everything(socket)
    assert {h["stream"] for h in heard} == {"btcusdt@aggTrade", "ethusdt@bookTicker"}
    touches = [h["data"] for h in heard if h["stream"] == "ethusdt@bookTicker"]
    assert all(Decimal(t["b"]) < Decimal(t["a"]) for t in touches)
    assert all((a["b"], a["B"], a["a"], a["A"]) != (b["b"], b["B"], b["a"], b["A"])
               for a, b in pairwise(touches))  # fmt: skip


async def test_streams_are_subscribed_listed_and_left():
    async with stand() as place, place.connect("/ws/0") as socket:
        assert await wish(socket, "SUBSCRIBE", "btcusdt@trade", "ethusdt@trade") == {
            "result": None, "id": 1,
        }  # fmt: skip
        listed = await wish(socket, "LIST_SUBSCRIPTIONS", identity="a-1")
        assert listed == {"result": ["btcusdt@trade", "ethusdt@trade"], "id": "a-1"}
        await wish(socket, "UNSUBSCRIBE", "btcusdt@trade")
        await place.tick(1000, 30)
        heard = await everything(socket)
    assert heard
    assert {h["s"] for h in heard} == {"ETHUSDT"}


async def test_the_combined_property_can_be_read_and_set():
    async with stand() as place, place.connect("/ws/btcusdt@trade") as socket:
        assert (await wish(socket, "GET_PROPERTY", "combined"))["result"] is False
        assert (await wish(socket, "SET_PROPERTY", "combined", True))["result"] is None
        await place.tick(1000, 10)
        assert (await said(socket, 1))[0]["stream"] == "btcusdt@trade"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", 3),
        ("[1]", 2),
        ('{"id": 1}', 2),
        ('{"method": "DANCE", "id": 1}', 2),
        ('{"method": "SUBSCRIBE", "params": [1], "id": 1}', 2),
        ('{"method": "SUBSCRIBE", "params": [], "id": 1}', 2),
        ('{"method": "SUBSCRIBE", "params": "btcusdt@trade", "id": 1}', 2),
        ('{"method": "LIST_SUBSCRIPTIONS", "id": 1.5}', 2),
        ('{"method": "LIST_SUBSCRIPTIONS", "id": {"a": 1}}', 2),
        ('{"method": "SET_PROPERTY", "params": ["combined", 1], "id": 1}', 1),
        ('{"method": "SET_PROPERTY", "params": ["colour", true], "id": 1}', 0),
        ('{"method": "GET_PROPERTY", "params": [], "id": 1}', 2),
        ('{"method": "GET_PROPERTY", "params": ["combined", true], "id": 1}', 2),
        ('{"method": "SET_PROPERTY", "params": ["combined", true, true], "id": 1}', 2),
    ],
)
async def test_a_bad_request_is_answered_with_an_error_and_the_line_stays(text, code):
    async with stand() as place, place.connect("/ws") as socket:
        await socket.send_str(text)
        answer = (await said(socket, 1))[0]
        assert answer["code"] == code
        assert answer["msg"]
        # web-socket-streams.md, "Error Messages": only an unknown property is told with the id.
        assert answer.keys() == ({"code", "msg", "id"} if code == 0 else {"code", "msg"})
        assert (await wish(socket, "LIST_SUBSCRIPTIONS"))["result"] == []


async def test_an_unknown_stream_is_accepted_and_silent():
    async with stand() as place, place.connect("/ws/nopeusdt@trade/BTCUSDT@trade") as socket:
        assert (await wish(socket, "SUBSCRIBE", "btcusdt@kline_7m"))["result"] is None
        await place.tick(1000, 10)
        assert await everything(socket) == []


async def test_candles_come_every_two_seconds_and_once_closed():
    async with stand() as place, place.connect("/ws/btcusdt@kline_1m") as socket:
        await place.tick(100, 1300)  # 130 seconds
        heard = await everything(socket)
    served = place.feed.klines("BTCUSDT", "1m", None, None, 3)
    closed = [h["k"] for h in heard if h["k"]["x"]]
    assert [k["t"] for k in closed] == [served[0].open_ms, served[1].open_ms]
    assert 60 <= len(heard) <= 70
    for told, kline in zip(closed, served, strict=False):
        assert Decimal(told["h"]).scaleb(8) == kline.high
        assert Decimal(told["c"]).scaleb(8) == kline.close
        assert Decimal(told["v"]).scaleb(8) == kline.volume
        assert told["n"] == kline.trades == told["L"] - told["f"] + 1
    (first,) = place.feed.history("BTCUSDT", start_ms=served[1].open_ms, limit=1)
    assert closed[1]["f"] == first.id


async def test_a_local_book_kept_from_diffs_equals_the_book_served():
    async with stand() as place, place.connect("/ws/btcusdt@depth@100ms") as socket:
        await place.tick(50, 20)
        early = await everything(socket)
        snapshot = place.feed.book("BTCUSDT", 5000)
        bids = {level.price: level.quantity for level in snapshot.bids}
        asks = {level.price: level.quantity for level in snapshot.asks}
        place.feed.move("BTCUSDT", to_e8("65000"), at_ms=place.now, over_ms=2000)
        place.feed.take("BTCUSDT", "BUY", None, to_e8("3"), place.now)
        await place.tick(50, 200)
        await place.tick(100 - place.now % 100)
        late = await everything(socket)
    events = early + late
    assert all(b["U"] == a["u"] + 1 for a, b in pairwise(events))
    usable = [e for e in events if e["u"] > snapshot.update_id]
    assert usable[0]["U"] <= snapshot.update_id + 1 <= usable[0]["u"]
    for event in usable:
        for side, levels in ((bids, event["b"]), (asks, event["a"])):
            for price, quantity in levels:
                side[to_e8(price)] = to_e8(quantity)
    book = place.feed.book("BTCUSDT", 5000)
    assert {p: q for p, q in bids.items() if q} == {x.price: x.quantity for x in book.bids}
    assert {p: q for p, q in asks.items() if q} == {x.price: x.quantity for x in book.asks}


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("btcusdt@ticker", "w"),
        ("btcusdt@miniTicker", "o"),
        ("btcusdt@avgPrice", "w"),
        ("btcusdt@depth5", "lastUpdateId"),
        ("btcusdt@depth20@100ms", "bids"),
        ("!miniTicker@arr", None),
    ],
)
async def test_the_paced_streams_speak_each_second(name, key):
    async with stand() as place, place.connect(f"/ws/{name}") as socket:
        await place.tick(50, 60)  # 3 seconds
        heard = await everything(socket)
    assert len(heard) in ((30, 31) if "100ms" in name else (3, 4))
    assert all(key is None or key in h for h in heard)


async def test_a_reader_who_stops_reading_is_cut_off_and_nobody_else_notices():
    streams = "/".join(f"{s}@depth@100ms" for s in ("btcusdt", "ethusdt"))
    async with (
        stand() as place,
        place.connect(f"/stream?streams={streams}") as stalled,
        place.connect("/ws/btcusdt@trade") as reader,
    ):
        stalled._response.connection.transport.pause_reading()
        count = 0
        for _ in range(400):
            count += len([p for p in await place.tick(100, 10) if p.symbol == "BTCUSDT"])
            if len(place.streams) == 1:
                break
        assert len(place.streams) == 1
        assert len(await said(reader, count)) == count


async def test_a_client_who_talks_too_much_is_disconnected():
    async with stand() as place, place.connect("/ws") as socket:
        for _ in range(7):
            await socket.send_str('{"method":"LIST_SUBSCRIPTIONS","id":1}')
        while (last := await socket.receive(timeout=5)).type is aiohttp.WSMsgType.TEXT:
            assert orjson.loads(last.data)["result"] == []
    assert (last.type, last.data) == (aiohttp.WSMsgType.CLOSE, 1008)


async def test_a_binary_frame_ends_the_connection():
    async with stand() as place, place.connect("/ws") as socket:
        await socket.send_bytes(b"\x00")
        assert (await socket.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE


async def test_dropped_connections_end_at_once_and_leave_nothing_behind():
    async with stand() as place, place.connect("/ws/btcusdt@trade") as socket:
        await wish(socket, "LIST_SUBSCRIPTIONS")
        assert place.streams.drop() == 1
        assert (await socket.receive(timeout=5)).type in (
            aiohttp.WSMsgType.CLOSED,
            aiohttp.WSMsgType.CLOSE,
            aiohttp.WSMsgType.ERROR,
        )
        async with asyncio.timeout(5):
            while len(place.streams):  # noqa: ASYNC110 (the handler ends on its own)
                await asyncio.sleep(0.01)
        assert not place.streams._channels
