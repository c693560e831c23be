"""The price-crossing index: what a price has reached, and nothing else."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import OperationalError
from hypothesis import given
from hypothesis import strategies as st

from tests.trading.waiting import drawn_away, place
from testudo import clock
from trading import armed
from trading.crossings import Crossings, Level
from trading.models import Trade
from trading.price_watch import PriceWatch

levels = st.builds(
    Level,
    st.uuids(),
    st.sampled_from(["breakout", "trail"]),
    st.sampled_from(["BTCUSDT", "ETHUSDT"]),
    st.integers(1, 50).map(Decimal),
    st.booleans(),
)


def level(number: int, price: str, *, rising=True, symbol="BTCUSDT") -> Level:
    return Level(UUID(int=number), "breakout", symbol, Decimal(price), rising)


def test_a_price_at_the_level_has_reached_it_and_one_a_tick_short_has_not():
    index = Crossings()
    index.set([level(1, "100"), level(2, "90", rising=False)])
    assert index.reached("BTCUSDT", Decimal("99.99")) == []
    assert index.reached("BTCUSDT", Decimal("100")) == [level(1, "100")]
    assert index.reached("BTCUSDT", Decimal("90")) == [level(2, "90", rising=False)]


def test_a_level_is_reached_once_until_it_is_set_again():
    index = Crossings()
    index.set([level(1, "100")])
    assert len(index.reached("BTCUSDT", Decimal(101))) == 1
    assert index.reached("BTCUSDT", Decimal(102)) == []
    index.set([level(1, "100")])
    assert len(index.reached("BTCUSDT", Decimal(101))) == 1


def test_a_level_that_moved_waits_at_its_new_price():
    index = Crossings()
    index.set([level(1, "100"), level(2, "105")])
    assert index.set([level(1, "110"), level(2, "105")]) == [level(1, "110")]
    assert index.reached("BTCUSDT", Decimal(107)) == [level(2, "105")]


@given(st.lists(levels, unique_by=lambda each: (each.key, each.purpose)), st.data())
def test_it_finds_what_looking_at_every_level_finds(wanted, data):
    index, left = Crossings(), list(wanted)
    index.set(wanted)
    for _ in range(5):
        symbol = data.draw(st.sampled_from(["BTCUSDT", "ETHUSDT"]))
        price = Decimal(data.draw(st.integers(0, 51)))
        found = index.reached(symbol, price)
        plain = [
            each
            for each in left
            if each.symbol == symbol
            and (each.price <= price if each.rising else each.price >= price)
        ]
        assert sorted(found, key=repr) == sorted(plain, key=repr)
        left = [each for each in left if each not in plain]
        assert len(index) == len(left)


@pytest.fixture
def breakout(floor, account) -> Trade:
    return place(floor, account, drawn_away(floor, "0.01"))


async def directly(call, *args):
    return call(*args)


def watching(breakout) -> PriceWatch:
    """A process that starts and reads what is armed."""
    watch = PriceWatch("paper")
    watch.arm(armed.levels_of("paper"))
    return watch


def written(watch: PriceWatch, in_thread=directly) -> None:
    """Let it write down what was reached."""

    async def run() -> None:
        noting = asyncio.create_task(watch._note(in_thread))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        noting.cancel()
        await asyncio.gather(noting, return_exceptions=True)

    asyncio.run(run())


@pytest.mark.django_db
def test_a_process_that_starts_reads_what_is_armed_and_notices_the_crossing(breakout):
    watch = watching(breakout)
    watch.see("BTCUSDT", breakout.entry - 1)
    watch.see("ETHUSDT", breakout.entry + 1)
    assert watch._reached == {}
    watch.see("BTCUSDT", breakout.entry)
    [(found, price, _)] = watch._reached.values()
    assert (found.key, price) == (breakout.pk, breakout.entry)
    assert armed.note_reached(found, price, clock.now())
    assert not armed.note_reached(found, price, clock.now()), "once"
    breakout.refresh_from_db()
    assert breakout.crossed_at == clock.now()
    assert armed.levels_of("paper") == []


def test_a_touch_that_is_gone_with_the_next_trade_is_noticed(breakout):
    watch = watching(breakout)
    watch.see("BTCUSDT", breakout.entry)
    watch.see("BTCUSDT", breakout.entry - 50)
    assert len(watch._reached) == 1


def test_what_is_armed_after_the_price_has_passed_it_is_reached_at_once(floor, breakout):
    watch = PriceWatch("paper")
    watch.see("BTCUSDT", breakout.entry + 1)
    watch.arm(armed.levels_of("paper"))
    assert len(watch._reached) == 1


def test_a_price_of_a_silent_stream_reaches_nothing(floor, breakout):
    watch = PriceWatch("paper")
    watch.see("BTCUSDT", breakout.entry + 1)
    floor.advance(timedelta(seconds=6))
    watch.arm(armed.levels_of("paper"))
    assert watch._reached == {}


def test_a_withdrawn_breakout_is_armed_no_more(breakout):
    from trading import orders

    watch = watching(breakout)
    orders.request_cancel(breakout.pk)
    watch.arm(armed.levels_of("paper"))
    watch.see("BTCUSDT", breakout.entry + 1)
    assert watch._reached == {}


def test_a_crossing_waits_for_the_database_but_not_for_long(floor, breakout):
    watch = watching(breakout)
    watch.see("BTCUSDT", breakout.entry)

    async def away(call, *args):
        raise OperationalError("the database is away")

    written(watch, away)
    assert len(watch._reached) == 1
    floor.advance(timedelta(seconds=31))
    watch._stir.set()
    written(watch, away)
    assert watch._reached == {}
    breakout.refresh_from_db()
    assert breakout.crossed_at is None
