"""F23: a connection that lives a day is renewed before its end, without a gap or a loss."""

import asyncio
from datetime import timedelta

import pytest

from testudo import clock
from trading.exchange import overlap
from trading.exchange.overlap import renewed
from trading.exchange.user_events import (
    Alive,
    Ending,
    FundsMoved,
    StreamLost,
    Subscribed,
)

NEVER, AT_ONCE = timedelta(days=1), timedelta(0)


class Session:
    """A session of a stream, whose events are put in by the test."""

    def __init__(self) -> None:
        self.said: asyncio.Queue = asyncio.Queue()
        self.closed = False

    def tell(self, *events) -> "Session":
        for event in events:
            self.said.put_nowait(event)
        return self

    async def run(self):
        try:
            while True:
                event = await self.said.get()
                if isinstance(event, StreamLost):
                    raise event
                yield event
        finally:
            self.closed = True


class Opened:
    """Hands out prepared sessions, one after the other."""

    def __init__(self, count: int) -> None:
        self.sessions = [Session() for _ in range(count)]
        self.opened = 0

    def __call__(self):
        self.opened += 1
        return self.sessions[self.opened - 1].run()


def moved(number: int) -> FundsMoved:
    return FundsMoved("USDT", number, clock.now())


async def some(events, count: int) -> list:
    async with asyncio.timeout(20):
        return [await anext(events) for _ in range(count)]


async def settled() -> None:
    """Let what was begun beside us run."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_f23_an_announced_end_begins_the_next_session_before_the_last_is_closed():
    opened = Opened(2)
    last, coming = opened.sessions
    events = renewed(opened, after=NEVER)
    last.tell(Subscribed(), moved(1), Ending(), moved(2))
    assert [type(each) for each in await some(events, 3)] == [Subscribed, FundsMoved, FundsMoved]
    last.tell(moved(3))
    (third,) = await some(events, 1)
    assert third.change == 3
    assert opened.opened == 2, "the next one begins while this one goes on"
    assert not last.closed
    coming.tell(Subscribed(), moved(4))
    await settled()
    subscribed, following = await some(events, 2)
    assert isinstance(subscribed, Subscribed), "the caller matches the books now"
    assert following.change == 4
    assert last.closed
    await events.aclose()
    assert coming.closed


async def test_f23_a_session_is_renewed_before_its_day_is_over():
    assert timedelta(hours=23) < overlap.RENEW_AFTER < timedelta(hours=24)
    opened = Opened(3)
    last, coming, _ = opened.sessions
    events = renewed(opened, after=AT_ONCE)
    last.tell(Subscribed(), Alive())
    coming.tell(Subscribed())
    await some(events, 2)
    assert opened.opened == 2
    await settled()
    assert [type(each) for each in await some(events, 1)] == [Subscribed]
    assert not last.closed, "not before the books were matched"
    coming.tell(Alive())
    await some(events, 1)
    assert last.closed
    await events.aclose()


async def test_f23_an_end_that_comes_before_the_next_has_begun_is_waited_out_without_a_gap():
    opened = Opened(2)
    last, coming = opened.sessions
    events = renewed(opened, after=NEVER)
    last.tell(Subscribed(), Ending(), StreamLost("closed by the exchange"))
    assert [type(each) for each in await some(events, 1)] == [Subscribed]
    waits = asyncio.ensure_future(some(events, 2))
    await settled()
    coming.tell(Subscribed(), moved(1))
    assert [type(each) for each in await waits] == [Subscribed, FundsMoved]
    await events.aclose()


async def test_f23_an_end_nobody_announced_is_a_gap():
    opened = Opened(1)
    opened.sessions[0].tell(Subscribed(), StreamLost("reset"))
    events = renewed(opened, after=NEVER)
    await some(events, 1)
    with pytest.raises(StreamLost, match="reset"):
        await some(events, 1)
    assert opened.sessions[0].closed


async def test_f23_where_the_next_cannot_begin_the_last_goes_on_and_it_is_tried_again_later():
    opened = Opened(2)
    last, coming = opened.sessions
    events = renewed(opened, after=NEVER)
    last.tell(Subscribed(), Ending(), Alive())
    coming.tell(StreamLost("refused"))
    await some(events, 2)
    await settled()
    last.tell(moved(1), moved(2), moved(3))
    assert [type(each) for each in await some(events, 3)] == [FundsMoved] * 3
    assert opened.opened == 2, "not again at once"
    assert not last.closed
    await events.aclose()
