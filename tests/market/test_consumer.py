"""The market socket: who may open it, what it understands, how it answers nonsense."""

from types import SimpleNamespace

import orjson
import pytest
import redis.asyncio as aioredis
from channels.testing import WebsocketCommunicator
from django.conf import settings

from testudo import clock
from testudo.web.close_codes import NOT_FOUND, NOT_SIGNED_IN, TOO_MANY_FAULTS
from trading.market.consumers import MarketConsumer
from trading.market.hub import hub
from trading.market.prices import channel_of, key_of

pytestmark = pytest.mark.django_db  # Channels looks for idle connections when a socket ends

TRADER, VISITOR = SimpleNamespace(is_authenticated=True), SimpleNamespace(is_authenticated=False)


@pytest.fixture
async def connect():
    opened = []

    async def open_socket(user=TRADER, query: str = "venue=paper") -> WebsocketCommunicator:
        socket = WebsocketCommunicator(MarketConsumer.as_asgi(), f"/ws/market/?{query}")
        socket.scope["user"] = user
        accepted, _ = await socket.connect(timeout=5)
        assert accepted
        opened.append(socket)
        return socket

    yield open_socket
    for socket in opened:
        await socket.disconnect()
    assert len(hub) == 0, "every page leaves its seat"


async def closed_with(socket: WebsocketCommunicator) -> int:
    while (said := await socket.receive_output(timeout=5))["type"] != "websocket.close":
        pass
    return said["code"]


async def answer(socket: WebsocketCommunicator, text: str) -> dict:
    await socket.send_to(text_data=text)
    while (said := orjson.loads(await socket.receive_from(timeout=5)))["type"] == "market":
        pass
    return said


async def test_a_visitor_is_shown_out_with_4401(connect):
    assert await closed_with(await connect(VISITOR)) == NOT_SIGNED_IN


async def test_an_unknown_venue_is_4404(connect):
    assert await closed_with(await connect(query="venue=mtgox")) == NOT_FOUND


async def test_a_page_hears_the_prices_it_subscribed_to(connect):
    price = {"price": "1.5", "bid": "1.4", "ask": "1.5", "at": 1, "seen": clock.now_ms()}
    client = aioredis.Redis.from_url(settings.REDIS_URL)
    await client.set(key_of("paper", "BTCUSDT"), orjson.dumps({**price, "candle": None}), ex=60)
    socket = await connect()
    await socket.send_to(text_data='{"op":"subscribe","symbols":["BTCUSDT"]}')
    frame = {"prices": {}}
    while not frame["prices"]:
        frame = orjson.loads(await socket.receive_from(timeout=5))
    assert frame["type"] == "market"
    assert frame["prices"] == {"BTCUSDT": {**price, "candle": None}}
    await socket.send_to(text_data=orjson.dumps({"op": "ack", "seq": frame["seq"]}).decode())
    changed = orjson.dumps({**price, "price": "1.6", "candle": None})
    await client.publish(channel_of("paper", "BTCUSDT"), changed)
    frame = {"prices": {}}
    while not frame["prices"]:
        frame = orjson.loads(await socket.receive_from(timeout=5))
    assert frame["prices"]["BTCUSDT"]["price"] == "1.6"
    await client.aclose()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "bad_frame"),
        ("[1]", "bad_frame"),
        ('"subscribe"', "bad_frame"),
        ("[" * 4000, "bad_frame"),
        ("x" * 5000, "bad_frame"),
        ("{}", "unknown_op"),
        ('{"op":"place_order"}', "unknown_op"),
        ('{"op":["subscribe"]}', "unknown_op"),
        ('{"op":"subscribe"}', "bad_symbols"),
        ('{"op":"subscribe","symbols":"BTCUSDT"}', "bad_symbols"),
        ('{"op":"subscribe","symbols":[1]}', "bad_symbols"),
        ('{"op":"subscribe","symbols":["btcusdt"]}', "bad_symbols"),
        ('{"op":"subscribe","symbols":["BTC:USDT*"]}', "bad_symbols"),
        ('{"op":"subscribe","symbols":["٣٣٣"]}', "bad_symbols"),
        ('{"op":"ack"}', "bad_ack"),
        ('{"op":"ack","seq":true}', "bad_ack"),
        ('{"op":"ack","seq":-1}', "bad_ack"),
        ('{"op":"ack","seq":999}', "bad_ack"),
        ('{"op":"ack","seq":1.0}', "bad_ack"),
    ],
)
async def test_nonsense_is_answered_with_an_error_that_says_what_to_send(connect, text, code):
    said = await answer(await connect(), text)
    assert said["type"] == "error"
    assert said["code"] == code
    assert len(said["detail"]) > 20


async def test_more_than_fifty_symbols_are_refused(connect):
    names = orjson.dumps([f"A{n}USDT" for n in range(51)]).decode()
    said = await answer(await connect(), f'{{"op":"subscribe","symbols":{names}}}')
    assert said["code"] == "too_many_symbols"


async def test_a_binary_frame_is_answered_too(connect):
    socket = await connect()
    await socket.send_to(bytes_data=b"\x00\x01")
    assert orjson.loads(await socket.receive_from(timeout=5))["code"] == "bad_frame"


async def test_who_keeps_sending_nonsense_is_closed(connect):
    socket = await connect()
    for _ in range(5):
        await socket.send_to(text_data="{")
    assert await closed_with(socket) == TOO_MANY_FAULTS


async def test_who_floods_is_told_and_closed(connect):
    socket = await connect()
    for _ in range(30):
        await socket.send_to(text_data='{"op":"ack","seq":0}')
    assert orjson.loads(await socket.receive_from(timeout=5))["code"] == "too_fast"
    assert await closed_with(socket) == TOO_MANY_FAULTS


async def test_the_consumer_holds_no_channel_layer():
    """A layer would cost a Redis receive loop for every page."""
    seen = {}

    class Watched(MarketConsumer):
        async def connect(self) -> None:
            seen["layer"] = self.channel_layer
            await super().connect()

    socket = WebsocketCommunicator(Watched.as_asgi(), "/ws/market/?venue=paper")
    socket.scope["user"] = TRADER
    await socket.connect(timeout=5)
    await socket.disconnect()
    assert seen["layer"] is None
