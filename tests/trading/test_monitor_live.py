"""The monitor's loop with a real Redis and channel layer: every tick and change reaches the page.

What is asserted is that it arrives and what it says; how fast is printed (`pytest -s`), for a busy
machine must not fail a test. The promise is 100 ms.
"""

import asyncio
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import orjson
import pytest
import redis
import redis.asyncio as aioredis
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import connections
from django.db.models import F

from tests.trading.risky import opened
from testudo import clock
from trading.consumers import group_of
from trading.market.prices import channel_of, client, key_of
from trading.models import Balance
from trading.risk_hint import CHANNEL
from trading.risk_stream import GAP, RiskStream

PATIENCE = 20  # seconds; only a hang takes that long
TICKS, CHANGES = 20, 10


class Page:
    """A page's end of the channel layer."""

    def __init__(self, account_id: Any) -> None:
        self.layer, self.group = get_channel_layer(), group_of(account_id)

    async def join(self) -> None:
        """Come again, as a page does, where a busy machine kept Redis from answering in time."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    self.channel = await self.layer.new_channel()
                    return await self.layer.group_add(self.group, self.channel)
                except (redis.RedisError, OSError):
                    await asyncio.sleep(0.2)

    async def frame(self) -> dict[str, Any]:
        message = await asyncio.wait_for(self.layer.receive(self.channel), PATIENCE)
        return orjson.loads(message["text"])["risk"]

    async def frame_that(self, holds) -> dict[str, Any]:
        while True:
            frame = await self.frame()
            if holds(frame):
                return frame


async def watch(account, held: Decimal, entry: Decimal) -> dict[str, list[float]]:
    with ThreadPoolExecutor(2) as pool:

        async def in_thread(call, *args):
            return await asyncio.get_running_loop().run_in_executor(pool, call, *args)

        running = asyncio.create_task(RiskStream(lambda: [account.pk], in_thread).run())
        page, bus = Page(account.pk), aioredis.Redis.from_url(settings.REDIS_URL)
        await page.join()
        try:
            return await _measure(account, page, bus, in_thread, held, entry)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await bus.aclose()
            for _ in range(2):
                await in_thread(connections.close_all)


async def _measure(account, page, bus, in_thread, held, entry) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {"tick": [], "change": []}
    # The first frame says that the account is watched; its channel is subscribed soon after.
    first = await page.frame()
    before, step = Decimal(first["equity"]), Decimal(0)
    for number in range(1, TICKS + 1):
        price = entry + 10 * number
        heard = 0
        began = time.perf_counter()
        while not heard:  # only the first tick may come before the subscription
            heard = await bus.publish(channel_of("paper", "BTCUSDT"), tick(price))
        frame = await page.frame_that(lambda it: Decimal(it["equity"]) != before)  # noqa: B023
        took["tick"].append((time.perf_counter() - began) * 1000)
        now = Decimal(frame["equity"])
        if number > 1:
            assert abs(now - before - held * 10) <= Decimal("0.01"), "this very tick, priced"
        before = now
        await asyncio.sleep(GAP)  # as ticks come: one waits for no frame before it
    for _ in range(CHANGES):
        step += 1
        began = time.perf_counter()
        await in_thread(spend_one, account)
        await page.frame_that(lambda it: Decimal(it["equity"]) == before - step)  # noqa: B023
        took["change"].append((time.perf_counter() - began) * 1000)
    return took


def tick(price: Decimal) -> bytes:
    now, text = clock.now_ms(), f"{price:f}"
    return orjson.dumps({"price": text, "bid": text, "ask": text, "at": now, "seen": now})


def spend_one(account) -> None:
    """One unit of cash less, as a fill would book it, and the hint that follows its commit."""
    rows = Balance.objects.filter(account=account, asset="USDT")
    rows.update(booked=F("booked") - 1, free=F("free") - 1)
    client().publish(CHANNEL, str(account.pk))


@pytest.mark.django_db(transaction=True)
def test_every_tick_and_every_change_reaches_the_page(floor, account, draw):
    trade = opened(floor, account, draw())
    client().delete(key_of("paper", "BTCUSDT"))  # another test's price is a frame of its own
    took = asyncio.run(watch(account, trade.held, trade.entry))
    assert (len(took["tick"]), len(took["change"])) == (TICKS, CHANGES)
    for what, ms in took.items():
        print(f"{what} to page: p50 {statistics.median(ms):.1f} ms, worst {max(ms):.1f} ms of 100")
