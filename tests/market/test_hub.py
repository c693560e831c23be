"""The hub: every page of a process gets the newest prices, and none can hold up another."""

import asyncio
import time

import orjson
import pytest
import redis.asyncio as aioredis
from django.conf import settings

from testudo import clock
from trading.market import hub as hub_module
from trading.market.driving import drive
from trading.market.hub import MOST_UNACKNOWLEDGED, TOO_SLOW, Hub
from trading.market.prices import channel_of, key_of


class FakePage:
    """A page that reads: everything sent to it is there to look at."""

    def __init__(self) -> None:
        self.frames: list[dict] = []
        self.closed_with: int | None = None
        self.news = asyncio.Event()

    async def send(self, text_data: str) -> None:
        self.frames.append(orjson.loads(text_data))
        self.news.set()

    async def close(self, code: int) -> None:
        self.closed_with = code
        self.news.set()

    async def until(self, seen, seconds: float = 5) -> None:
        async with asyncio.timeout(seconds):
            while not seen(self):
                self.news.clear()
                await self.news.wait()


class StalledPage(FakePage):
    """A page whose socket takes nothing more: `send` waits for ever."""

    async def send(self, text_data: str) -> None:
        self.frames.append(orjson.loads(text_data))
        await asyncio.Event().wait()


def tick(price: int, seen_ms: int | None = None) -> bytes:
    seen = clock.now_ms() if seen_ms is None else seen_ms
    said = {"price": str(price), "bid": str(price), "ask": str(price + 1), "at": seen}
    return orjson.dumps({**said, "seen": seen, "candle": None})


@pytest.fixture
async def redis():
    client = aioredis.Redis.from_url(settings.REDIS_URL)
    await client.delete(*(key_of("paper", s) for s in ("BTCUSDT", "ETHUSDT", "XUSDT")))
    yield client
    await client.aclose()


@pytest.fixture
async def hub():
    hub = Hub()
    seats = []
    yield hub, lambda page: seats.append(hub.join(page, "paper")) or seats[-1]
    for seat in seats:
        hub.leave(seat)


async def say(redis, symbol: str, price: int, **traits) -> None:
    message = tick(price, **traits)
    await redis.set(key_of("paper", symbol), message, ex=60)
    await redis.publish(channel_of("paper", symbol), message)


def price_of(page: FakePage, symbol: str) -> int | None:
    told = [f["prices"][symbol]["price"] for f in page.frames if symbol in f["prices"]]
    return int(told[-1]) if told else None


async def test_a_page_gets_the_price_that_is_there_and_every_change_after(hub, redis):
    hub, seat = hub
    page = FakePage()
    await say(redis, "BTCUSDT", 100)
    hub.want(seat(page), ["BTCUSDT", "ETHUSDT"])
    await page.until(lambda p: price_of(p, "BTCUSDT") == 100)
    await say(redis, "BTCUSDT", 101)
    await say(redis, "ETHUSDT", 7)
    await page.until(lambda p: price_of(p, "BTCUSDT") == 101 and price_of(p, "ETHUSDT") == 7)
    assert [f["seq"] for f in page.frames] == list(range(1, len(page.frames) + 1))
    assert all(f["type"] == "market" for f in page.frames)
    assert page.frames[-1]["age_ms"] < 2000


async def test_changes_between_two_frames_are_told_once_with_the_last_price(hub, redis):
    hub, seat = hub
    page = FakePage()
    hub.want(seat(page), ["BTCUSDT"])
    await say(redis, "BTCUSDT", 0)
    await page.until(lambda p: price_of(p, "BTCUSDT") == 0)
    began, frames = time.monotonic(), len(page.frames)
    for price in range(1, 501):
        await redis.publish(channel_of("paper", "BTCUSDT"), tick(price))
    await page.until(lambda p: price_of(p, "BTCUSDT") == 500)
    most = (time.monotonic() - began) / hub_module.FLUSH + 2
    assert len(page.frames) - frames <= most


async def test_a_page_hears_only_what_it_wants_now(hub, redis):
    hub, seat = hub
    page = FakePage()
    own = seat(page)
    hub.want(own, ["BTCUSDT"])
    await say(redis, "BTCUSDT", 1)
    await page.until(lambda p: price_of(p, "BTCUSDT") == 1)
    hub.want(own, ["ETHUSDT"])
    page.frames.clear()
    await say(redis, "BTCUSDT", 2)
    await say(redis, "ETHUSDT", 3)
    await page.until(lambda p: price_of(p, "ETHUSDT") == 3)
    assert price_of(page, "BTCUSDT") is None
    assert list(hub._wanted) == [channel_of("paper", "ETHUSDT")]


async def test_a_silent_market_is_told_by_its_age(hub, redis, monkeypatch):
    monkeypatch.setattr(hub_module, "HEARTBEAT", 0.1)
    hub, seat = hub
    page = FakePage()
    hub.want(seat(page), ["BTCUSDT"])
    await page.until(lambda p: p.frames and p.frames[-1]["age_ms"] is None)
    await say(redis, "BTCUSDT", 1, seen_ms=clock.now_ms() - 30_000)
    await page.until(lambda p: len(p.frames) > 4 and p.frames[-1]["age_ms"] is not None)
    assert page.frames[-1]["prices"] == {} or len(page.frames) > 4
    assert 30_000 <= page.frames[-1]["age_ms"] < 40_000


async def test_a_stalled_page_holds_up_nobody_and_is_closed(hub, redis, monkeypatch):
    monkeypatch.setattr(hub_module, "PATIENCE", 0.4)
    hub, seat = hub
    stalled, good = StalledPage(), FakePage()
    for page in (stalled, good):
        hub.want(seat(page), ["BTCUSDT"])
    for price in range(1, 40):
        await say(redis, "BTCUSDT", price)
        await good.until(lambda p, price=price: price_of(p, "BTCUSDT") == price, seconds=1)
    await stalled.until(lambda p: p.closed_with is not None)
    assert stalled.closed_with == TOO_SLOW
    assert len(stalled.frames) == 1
    assert good.closed_with is None


async def test_a_page_that_never_acknowledges_is_sent_a_bounded_amount_and_closed(
    hub, redis, monkeypatch
):
    monkeypatch.setattr(hub_module, "MOST_UNACKNOWLEDGED", 2000)
    monkeypatch.setattr(hub_module, "PATIENCE", 0.3)
    hub, seat = hub
    silent, polite = FakePage(), FakePage()
    seats = [seat(silent), seat(polite)]
    for one in seats:
        hub.want(one, ["BTCUSDT"])
    for price in range(1, 60):
        await say(redis, "BTCUSDT", price)
        await polite.until(lambda p, price=price: price_of(p, "BTCUSDT") == price, seconds=1)
        seats[1].acknowledge(polite.frames[-1]["seq"])
    await silent.until(lambda p: p.closed_with is not None)
    assert silent.closed_with == TOO_SLOW
    sizes = [len(orjson.dumps(frame)) for frame in silent.frames]
    assert sum(sizes) <= 2000 + max(sizes)
    assert polite.closed_with is None
    assert MOST_UNACKNOWLEDGED == 256 * 1024


async def test_a_page_that_catches_up_in_time_goes_on_with_the_newest_price(
    hub, redis, monkeypatch
):
    monkeypatch.setattr(hub_module, "MOST_UNACKNOWLEDGED", 500)
    hub, seat = hub
    page = FakePage()
    own = seat(page)
    hub.want(own, ["BTCUSDT"])
    for price in range(1, 30):
        await say(redis, "BTCUSDT", price)
        await asyncio.sleep(hub_module.FLUSH / 2)  # more prices than it may be sent
    held = len(page.frames)
    assert price_of(page, "BTCUSDT") < 29
    own.acknowledge(page.frames[-1]["seq"])
    await page.until(lambda p: price_of(p, "BTCUSDT") == 29)
    assert len(page.frames) == held + 1


async def test_prices_flow_again_after_redis_has_cut_every_connection(hub, redis):
    hub, seat = hub
    page = FakePage()
    hub.want(seat(page), ["BTCUSDT"])
    await say(redis, "BTCUSDT", 1)
    await page.until(lambda p: price_of(p, "BTCUSDT") == 1)
    await redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    await redis.set(key_of("paper", "BTCUSDT"), tick(2), ex=60)  # said while the hub was deaf
    await page.until(lambda p: price_of(p, "BTCUSDT") == 2)
    await say(redis, "BTCUSDT", 3)
    await page.until(lambda p: price_of(p, "BTCUSDT") == 3)


async def test_a_message_that_is_no_price_silences_nobody(hub, redis):
    hub, seat = hub
    page = FakePage()
    hub.want(seat(page), ["BTCUSDT", "XUSDT"])
    await say(redis, "BTCUSDT", 1)
    await page.until(lambda p: price_of(p, "BTCUSDT") == 1)
    for bad in (b"{", b"[]", b'{"seen": null}', b"\xff"):
        await redis.publish(channel_of("paper", "XUSDT"), bad)
    await say(redis, "BTCUSDT", 2)
    await page.until(lambda p: price_of(p, "BTCUSDT") == 2)


async def test_the_last_page_to_leave_ends_the_hubs_work(hub, redis):
    hub, _ = hub
    seat = hub.join(FakePage(), "paper")
    hub.want(seat, ["BTCUSDT"])
    tasks = list(hub._tasks)
    hub.leave(seat)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert all(task.cancelled() for task in tasks)
    assert not hub._wanted
    assert len(hub) == 0


async def test_a_send_that_does_not_wait_needs_no_task_and_one_that_does_is_carried_on():
    done: list[str] = []
    gate = asyncio.Event()

    async def send(name: str, *, waits: bool = False) -> None:
        if waits:
            await gate.wait()
            await asyncio.sleep(0)
            await asyncio.sleep(0.001)
        done.append(name)

    assert drive(send("at once")) is None
    task = drive(send("later", waits=True))
    assert done == ["at once"]
    gate.set()
    await task
    assert done == ["at once", "later"]

    async def fails() -> None:
        await asyncio.sleep(0)
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match="gone"):
        await drive(fails())
    waiting = drive(asyncio.Event().wait())
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
