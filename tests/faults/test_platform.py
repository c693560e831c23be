"""Redis, daphne and beat die under the running platform: orders and stops go on."""

import os
import signal
import time

import pytest
import redis

from tests.flows.account_page import PROTECTED, account_page
from tests.flows.trader import Trader, until
from testudo.stack import addresses


@pytest.fixture
def trader(stack) -> Trader:
    return Trader(stack)


@pytest.fixture
def cache(stack) -> redis.Redis:
    found: dict[str, str] = {}
    addresses.fill(found, stack.home)
    return redis.Redis.from_url(found["REDIS_URL"])


def closed(trader, trade, *, seconds: float = 30) -> dict:
    trader.post(f"/api/v1/trades/{trade['id']}/close", status=202)
    return trader.wait(trade["id"], "closed", seconds=seconds)


def test_f37_a_redis_that_comes_back_empty_in_the_middle_of_a_trade_loses_nothing(trader, cache):
    trade = trader.protected(trader.place()["id"])
    cache.flushall()
    cache.client_kill_filter(_type="normal", skipme=True)
    assert closed(trader, trade)["exit_reason"] == "closed"
    until("prices to be there again", lambda: cache.keys("price:*"))
    other = trader.protected(trader.place("ETHUSDT")["id"])
    closed(trader, other)


def test_f38_a_redis_that_stands_still_delays_neither_answers_nor_exits(trader, stack):
    trade = trader.protected(trader.place()["id"])
    pid = stack.pid("valkey")
    os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        trader.post(f"/api/v1/trades/{trade['id']}/close", status=202)
        answered = time.monotonic() - began
        trader.wait(trade["id"], "closed", seconds=45)  # by the guard: no wake-up came through
    finally:
        os.kill(pid, signal.SIGCONT)
    assert answered < 5  # two seconds, and room for a machine with other things to do
    until("prices to move again", lambda: trader.plan("ETHUSDT"))


def test_f43_a_page_goes_on_by_its_number_after_the_web_process_was_killed(trader, stack):
    with account_page(trader) as page:
        seen = page.last
        trade = trader.protected(trader.place()["id"])
        stack.restart("web")
    with account_page(trader) as page:
        page.last = seen
        page.resume()
        page.until(PROTECTED)
    numbers = [message["seq"] for message in page.told]
    assert numbers == list(range(seen + 1, seen + 1 + len(numbers)))
    closed(trader, trade)


def test_f44_without_beat_a_trade_is_placed_protected_and_closed(trader, stack):
    stack.kill("beat")
    try:
        trade = trader.protected(trader.place()["id"])
        assert closed(trader, trade)["exit_reason"] == "closed"
    finally:
        stack.start("beat")
