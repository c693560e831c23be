"""The risk monitor: what a tick or a fill does reaches the page, and what it crosses is kept."""

import asyncio
import time
from datetime import timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from asgiref.sync import async_to_sync

from risk.models import RiskProfile
from tests.trading.risky import SECOND, opened, risk_of, stopped_out
from testudo import clock
from testudo.events.models import OutboxEvent
from trading import monitor
from trading.market.prices import Quote, channel_of
from trading.models import EquityPoint
from trading.periods import begin_days
from trading.points import history
from trading.risk_hint import CHANNEL
from trading.risk_stream import RiskStream


def quote(price: Decimal) -> Quote:
    now = clock.now()
    return Quote(symbol="BTCUSDT", price=price, bid=price, ask=price, at=now, seen=now)


def tick(price: Decimal) -> bytes:
    now = clock.now_ms()
    text = f"{price:f}"
    return orjson.dumps({"price": text, "bid": text, "ask": text, "at": now, "seen": now})


def at(price: Decimal):
    return lambda venue, symbol: quote(price)


class Ear:
    """Stands where the channel layer and Redis do, and keeps what it hears."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.kept: dict[str, str] = {}

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        self.frames.append({"group": group, **orjson.loads(message["text"])})

    async def set(self, key: str, text: str, *, ex: int) -> None:
        self.kept[key] = text


@pytest.fixture
def ear(monkeypatch):
    ear = Ear()
    monkeypatch.setattr("trading.risk_stream.get_channel_layer", lambda: ear)
    return ear


@pytest.fixture
def stream(account):
    """The loop's parts, called one by one; its threads are this one, and its tasks done at once."""

    async def here(call, *args):
        return call(*args)

    made = RiskStream(lambda: [account.pk], here)
    made._start = lambda work: run(made._quietly(work))
    return made


def run(coroutine) -> None:
    """Drive a coroutine of the loop that never really waits, in this thread with its database."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration:
        return


def test_a_reading_prices_the_account_without_asking_anyone(
    floor, account, draw, django_assert_num_queries
):
    trade = opened(floor, account, draw())
    watched = monitor.watch(account.pk, quote_of=floor.quote_of)
    with django_assert_num_queries(0):
        low = monitor.read(watched, quote_of=at(trade.stop))
        high = monitor.read(watched, quote_of=at(trade.entry * 2))
    assert high.book.equity - low.book.equity == trade.held * (trade.entry * 2 - trade.stop)
    assert low.book.heat == high.book.heat, "heat is from the entry"
    assert low.book.open_risk < high.book.open_risk
    frame = high.frame()["risk"]
    assert {each["code"] for each in frame["gauges"]} >= {"portfolio_heat", "daily_loss"}
    assert Decimal(frame["equity"]) <= high.book.equity


def test_one_tick_becomes_one_frame_whatever_it_says(floor, account, draw, stream, ear):
    trade = opened(floor, account, draw())
    run(stream.read_stale({account.pk}))
    run(stream.show_dirty(ear))
    before = len(ear.frames)
    shown_again(stream)
    stream.take_in(channel_of("paper", "BTCUSDT"), tick(trade.entry * 2))
    run(stream.show_dirty(ear))
    assert len(ear.frames) == before + 1
    frame = ear.frames[-1]
    assert frame["group"] == f"account.{account.pk}"
    assert Decimal(frame["risk"]["equity"]) > 15_000
    assert [*ear.kept] == [f"risk:live:{account.pk}"]


def test_ticks_wait_where_they_cost_too_much_and_what_was_read_anew_does_not(
    floor, account, draw, stream, ear
):
    trade = opened(floor, account, draw())
    run(stream.read_stale({account.pk}))
    run(stream.show_dirty(ear))
    shown_again(stream)
    stream._ticks_from = time.monotonic() + 60  # the last round took very long
    stream.take_in(channel_of("paper", "BTCUSDT"), tick(trade.entry * 2))
    before = len(ear.frames)
    run(stream.show_dirty(ear))
    assert len(ear.frames) == before
    assert stream._pause() > 50
    run(stream.read_stale({account.pk}))
    run(stream.show_dirty(ear))
    assert len(ear.frames) == before + 1
    assert Decimal(ear.frames[-1]["risk"]["equity"]) > 15_000, "at the newest price"
    shown_again(stream)
    stream._ticks_from = 0
    stream.take_in(channel_of("paper", "BTCUSDT"), tick(trade.entry * 3))
    run(stream.show_dirty(ear))
    assert len(ear.frames) == before + 2
    assert stream._ticks_from > time.monotonic() - 1, "and then they rest for three times as long"


def test_of_many_ticks_at_once_the_newest_is_shown(floor, account, draw, stream, ear):
    trade = opened(floor, account, draw())
    run(stream.read_stale({account.pk}))
    for factor in range(1, 20):
        stream.take_in(channel_of("paper", "BTCUSDT"), tick(trade.entry * factor))
    run(stream.show_dirty(ear))
    assert len(ear.frames) == 1
    whole = (
        10_000 - sum(f.quote_quantity for f in trade.fills.all()) + trade.held * trade.entry * 19
    )
    assert abs(Decimal(ear.frames[0]["risk"]["equity"]) - whole) < Decimal("0.01")


def test_the_same_figures_are_not_sent_twice(floor, account, draw, stream, ear):
    trade = opened(floor, account, draw())
    run(stream.read_stale({account.pk}))
    for _ in range(3):
        stream.take_in(channel_of("paper", "BTCUSDT"), tick(trade.entry))
        run(stream.show_dirty(ear))
        shown_again(stream)
    assert len(ear.frames) == 1


def test_a_fill_is_shown_after_its_hint(floor, account, draw, stream, ear):
    run(stream.read_stale({account.pk}))
    run(stream.show_dirty(ear))
    assert not ear.frames[-1]["risk"]["heat"].strip("0.")
    trade = opened(floor, account, draw())
    shown_again(stream)
    stream.take_in(CHANNEL, str(account.pk).encode())
    run(stream.read_stale(stream._changed))
    run(stream.show_dirty(ear))
    heat = Decimal(ear.frames[-1]["risk"]["heat"])
    assert 0 < heat <= trade.planned_risk


def test_a_hint_that_was_lost_is_found_by_the_stamp(floor, account, draw, stream):
    run(stream.read_stale({account.pk}))
    assert stream._stale() == set()
    opened(floor, account, draw())
    assert stream._stale() == {account.pk}


def test_garbage_on_a_channel_is_passed_over(floor, account, draw, stream, ear):
    opened(floor, account, draw())
    run(stream.read_stale({account.pk}))
    run(stream.show_dirty(ear))
    before = len(ear.frames)
    for channel in (CHANNEL, channel_of("paper", "BTCUSDT"), channel_of("paper", "NOSUCH")):
        stream.take_in(channel, b'{"price": "NaN"')
    shown_again(stream)
    run(stream.show_dirty(ear))
    assert len(ear.frames) == before


def test_a_limit_that_a_tick_reached_stays_reached(floor, account, draw):
    begin_days([account], quote_of=floor.quote_of)
    trade = opened(floor, account, draw())
    RiskProfile.objects.filter(account_id=account.pk).update(max_drawdown="0.005")
    watched = monitor.watch(account.pk, quote_of=floor.quote_of)
    crossing = quote(trade.stop)
    reading = monitor.read(watched, quote_of=at(trade.stop))
    assert reading.needs_sweep
    monitor.sweep_at(watched, {("paper", "BTCUSDT"): crossing})
    assert risk_of(account).state == "halted", "though the market has turned since"
    told = OutboxEvent.objects.filter(stream=str(account.pk)).values_list("name", flat=True)
    assert {"trading.breaker_changed", "trading.trading_halted"} <= set(told)
    again = monitor.watch(account.pk, quote_of=floor.quote_of)
    assert not monitor.read(again, quote_of=at(trade.stop)).needs_sweep, "told once"


def test_a_peak_between_two_looks_is_kept(floor, account, draw):
    trade = opened(floor, account, draw())
    watched = monitor.watch(account.pk, quote_of=floor.quote_of)
    high = monitor.read(watched, quote_of=at(trade.entry * Decimal("1.03")))
    assert monitor.note_peak(watched, high.nav)
    assert not monitor.note_peak(watched, high.nav)
    peak = risk_of(account).peak_nav
    assert peak == high.nav.peak > 1
    now = monitor.watch(account.pk, quote_of=floor.quote_of)
    assert monitor.read(now, quote_of=floor.quote_of).book.drawdown > 0


def test_a_point_is_written_once_a_minute(floor, account, draw):
    opened(floor, account, draw())
    watched = monitor.watch(account.pk, quote_of=floor.quote_of)
    reading = monitor.read(watched, quote_of=floor.quote_of)
    minute = clock.now().replace(second=0, microsecond=0) + timedelta(minutes=5)
    before = EquityPoint.objects.count()
    for _ in range(3):
        monitor.note_point(watched, reading, minute)
    assert EquityPoint.objects.count() == before + 1


def test_a_long_history_is_thinned_but_keeps_its_worst_moment(floor, account):
    start = clock.now()
    EquityPoint.objects.filter(account=account).delete()
    EquityPoint.objects.bulk_create(
        EquityPoint(
            account=account, at=start + timedelta(minutes=number), equity=1, nav=1, heat=0,
            open_risk=0, exposure=0, drawdown=Decimal("0.09") if number == 777 else 0,
        )
        for number in range(1_440)
    )  # fmt: skip
    found = history(account.pk, since=start, until=start + timedelta(days=1))
    assert len(found) == 500
    assert (found[0].at, found[-1].at) == (start, start + timedelta(minutes=1_439))
    assert max(point.drawdown for point in found) == Decimal("0.09")
    assert [point.at for point in found] == sorted(point.at for point in found)


def test_the_account_socket_carries_the_frame():
    from trading.consumers import AccountConsumer

    consumer, sent = AccountConsumer(), []

    async def send(text_data):
        sent.append(text_data)

    consumer.send = send
    async_to_sync(consumer.account_risk)({"text": '{"type":"risk"}'})
    assert sent == ['{"type":"risk"}']


def test_a_part_that_fails_is_started_again(stream, monkeypatch):
    calls = []

    async def no_pause(seconds):
        calls.append(seconds)
        if len(calls) == 3:
            raise asyncio.CancelledError

    async def fails():
        raise OSError("Redis is away")

    monkeypatch.setattr("trading.risk_stream.asyncio.sleep", no_pause)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(stream._keep(fails))
    assert len(calls) == 3


def test_what_a_closed_trade_leaves_is_in_the_history(floor, account, draw):
    stopped_out(floor, account, draw())
    last = EquityPoint.objects.filter(account=account).order_by("-at").first()
    assert last.equity < 10_000
    assert (last.heat, last.exposure) == (0, 0)
    assert last.drawdown > 0


def shown_again(stream) -> None:
    """The pause between two frames is over."""
    for seen in stream._seen.values():
        seen.sent_at -= float(SECOND.total_seconds())
