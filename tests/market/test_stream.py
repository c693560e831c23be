"""stream_market: the whole way from a venue's socket to Redis, the table and the page."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from datetime import timedelta
from types import SimpleNamespace

import orjson
import pytest
import redis as redis_client
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.db import OperationalError

from tests.market.venue import NAMES, open_venue
from testudo import clock
from trading.exchange.paper.values import from_e8
from trading.market import prices, stream
from trading.market.candles import count_candles, newest_candle, read_candles
from trading.market.consumers import MarketConsumer
from trading.market.models import Candle
from trading.market.prices import key_of
from trading.market.stream import MarketStream, follow_until, in_thread
from trading.market.symbols import rules

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = 60_000
TO_THE_MINUTE = 4_000  # ms until the venue's minute ends


def behind_ms() -> int:
    """How far the venue's clock must lag for its minute to end in TO_THE_MINUTE."""
    return (clock.now_ms() + TO_THE_MINUTE) % MINUTE


@asynccontextmanager
async def following(venue):
    stop = asyncio.Event()
    process = asyncio.create_task(follow_until(stop, MarketStream(venue.urls, list(NAMES)).run()))
    try:
        yield process
    finally:
        stop.set()
        await asyncio.wait_for(process, 5)


async def until(ask, *args, seconds: float = 15):
    """The first true answer of a blocking question."""
    async with asyncio.timeout(seconds):
        while not (answer := await in_thread(ask, *args)):  # noqa: ASYNC110 (others' doing)
            await asyncio.sleep(0.05)
        return answer


@pytest.fixture(autouse=True)
def no_prices():
    client = redis_client.Redis.from_url(settings.REDIS_URL)
    client.delete(*(key_of("paper", name) for name in NAMES))
    yield client
    client.close()


def thousand(symbol: str) -> bool:
    since = clock.now() - timedelta(minutes=1000)
    return count_candles("paper", symbol, since) >= 998


def ranged(symbol: str) -> bool:
    """Whether the venue's execution rules have come, with the window they measure by."""
    found = rules("paper", symbol)
    return found.price_range is not None and found.average_minutes == 5


async def test_prices_reach_the_page_candles_the_table_and_rules_the_sizer():
    async with open_venue() as venue, following(venue):
        quote = await until(prices.latest, "paper", "BTCUSDT")
        assert quote.bid < quote.ask
        assert abs(quote.price / quote.ask - 1) < 0.001
        assert clock.now() - quote.seen < timedelta(seconds=3)
        for symbol in NAMES:
            assert await until(thousand, symbol)
            assert (await until(rules, "paper", symbol)).name == symbol
            assert await until(lambda name=symbol: ranged(name))
        page = WebsocketCommunicator(MarketConsumer.as_asgi(), "/ws/market/?venue=paper")
        page.scope["user"] = SimpleNamespace(is_authenticated=True)
        await page.connect(timeout=5)
        await page.send_to(text_data='{"op":"subscribe","symbols":["BTCUSDT","ETHUSDT"]}')
        heard: dict[str, set] = {name: set() for name in NAMES}
        async with asyncio.timeout(20):
            while not all(len(said) > 1 for said in heard.values()):
                frame = orjson.loads(await page.receive_from(timeout=5))
                for name, said in frame["prices"].items():
                    if said["candle"] is None:  # a quote came before the first candle did
                        continue
                    assert said["candle"][0] * 1000 % MINUTE == 0
                    heard[name].add((said["price"], said["bid"], said["ask"]))
                assert frame["age_ms"] < 3000
        await page.disconnect()


async def test_the_candles_stored_are_the_venues_own_and_only_closed_ones():
    async with open_venue(behind_ms()) as venue, following(venue):
        assert await until(thousand, "BTCUSDT")
        opened = clock.from_ms(venue.now_ms() // MINUTE * MINUTE)
        closing = await until(lambda: newest_candle("paper", "BTCUSDT") >= opened)
        assert closing, "the minute that ended while we listened came by the stream"
        stored = await in_thread(read_candles, "paper", "BTCUSDT", "1m", limit=300)
        own = {k.open_ms // 1000: k for k in venue.feed.klines("BTCUSDT", "1m", None, None, 400)}
    assert stored[-1][0] * 1000 + MINUTE <= venue.now_ms()
    for row in stored:
        kline = own[row[0]]
        expected = (kline.open, kline.high, kline.low, kline.close, kline.volume)
        assert [f"{float(text):.8f}" for text in row[1:5]] == [from_e8(e) for e in expected[:4]]
        assert row[5].rstrip("0") == from_e8(kline.volume).rstrip("0").rstrip(".")


async def test_after_a_lost_connection_it_returns_and_fetches_what_it_missed():
    async with open_venue() as venue, following(venue):
        assert await until(thousand, "BTCUSDT")
        lost = Candle.objects.filter(time__gte=clock.now() - timedelta(minutes=90))
        await lost.filter(symbol="BTCUSDT").adelete()
        assert not await in_thread(thousand, "BTCUSDT")
        venue.refusing = True  # REST is down as well, for a while
        venue.asked.clear()
        assert venue.streams.drop() == 1
        await until(lambda: len(venue.asked) >= 2)
        venue.refusing = False
        assert await until(thousand, "BTCUSDT")
        assert len(venue.streams) == 1


async def test_prices_go_on_after_redis_cut_the_line_and_lost_everything(no_prices):
    async with open_venue() as venue, following(venue):
        await until(prices.latest, "paper", "ETHUSDT")
        no_prices.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        no_prices.delete(*(key_of("paper", name) for name in NAMES))
        assert await until(prices.latest, "paper", "ETHUSDT", seconds=5)


async def test_candles_wait_while_the_database_is_away(monkeypatch):
    refused, real = [], stream.upsert_candles

    def away(venue: str, symbol: str, minutes: list) -> int:
        if len(refused) < 2:
            refused.append(symbol)
            raise OperationalError("the database is starting up")
        return real(venue, symbol, minutes)

    monkeypatch.setattr(stream, "upsert_candles", away)
    async with open_venue(behind_ms()) as venue, following(venue):
        opened = clock.from_ms(venue.now_ms() // MINUTE * MINUTE)
        for symbol in NAMES:
            stored = Candle.objects.filter(symbol=symbol, time=opened)
            assert await until(stored.exists, seconds=20)
        assert len(refused) == 2


async def test_a_venue_that_is_not_there_is_waited_for():
    async with open_venue() as venue:
        absent = MarketStream(venue.urls, list(NAMES))
    stop = asyncio.Event()
    process = asyncio.create_task(follow_until(stop, absent.run()))
    await asyncio.sleep(0.5)  # as long as it likes: it must neither end nor fail
    assert not process.done()
    stop.set()
    await asyncio.wait_for(process, 5)


def test_the_command_lives_without_venue_redis_or_database_and_stops_on_sigterm():
    nowhere = {
        "DATABASE_URL": "postgres://nobody:nothing@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "PAPER_REST_URL": "http://127.0.0.1:1",
        "PAPER_STREAM_URL": "ws://127.0.0.1:1",
    }
    process = subprocess.Popen(
        [sys.executable, "manage.py", "stream_market", "--venue", "paper"],
        env={**os.environ, **nowhere},
        stderr=subprocess.PIPE,
        text=True,
        cwd=settings.BASE_DIR,
    )
    heard = set()
    for line in process.stderr:
        if line.startswith("{"):
            heard.add(json.loads(line)["event"])
        if {"stream_market_ready", "market_lost", "rules_failed"} <= heard:
            break
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "stream_market_stopped" in rest


def test_a_venue_that_does_not_exist_is_refused_by_name():
    from django.core.management import CommandError, call_command

    with pytest.raises(CommandError, match="paper"):
        call_command("stream_market", venue="mtgox")
