"""Our clock and the exchange's (R20): whatever ours says, orders are signed by theirs."""

from collections.abc import AsyncIterator
from datetime import timedelta
from types import SimpleNamespace

import pytest

from tests.paper.scripted import Bench
from tests.trading import faults
from testudo import clock
from trading import account_stream, guard, orders
from trading.credentials import ApiKeys
from trading.exchange import user_stream, venue_clock
from trading.exchange.factory import exchange_for
from trading.exchange.paper.server import PaperServer
from trading.exchange.user_events import Subscribed
from trading.exchange.venue_clock import VenueClock, clock_of
from trading.models import VenueHealth
from trading.order_states import State, TradeState
from trading.orders import PlanRefused

SECOND = timedelta(seconds=1)
HOUR_MS = 3_600_000


def placed(floor, account, drawing):
    return orders.place_trade(account, drawing, quote_of=floor.quote_of)


@pytest.mark.parametrize("ms", [5_000, -5_000, 1_500, -1_500])
def test_f14_an_order_passes_whatever_our_clock_says(floor, account, draw, ms):
    """The exchange's clock is off ours by `ms`: without the offset it answers -1021."""
    floor.paper.skew_ms = ms
    clock_of("paper").doubt()
    floor.advance(SECOND)
    account_stream.look_at_clock("paper", exchange_for(account))
    account_stream.look_at_clock("paper", exchange_for(account))  # known, and no jump any more
    trade = placed(floor, account, draw())
    floor.turn(account)
    trade.refresh_from_db()
    assert trade.state == TradeState.OPEN
    entry = trade.orders.get(leg="entry")
    assert abs((entry.signed_at - entry.claimed_at) / timedelta(milliseconds=1) - ms) < 250
    assert floor.paper.store.count("orders") == 3


@pytest.mark.parametrize("ms", [5_000, -5_000])
def test_f14_a_position_is_protected_as_fast_with_a_clock_that_is_off(floor, account, draw, ms):
    trade = placed(floor, account, draw())
    floor.turn(account)
    floor.paper.skew_ms = ms
    clock_of("paper").doubt()
    stop = trade.orders.get(leg="stop")
    exchange_for(account).cancel_list("BTCUSDT", stop.list_client_order_id)
    floor.advance(timedelta(seconds=30))
    for _ in range(2):
        floor.turn(account)
        floor.advance(SECOND)
    assert trade.orders.get(leg="stop", state=State.OPEN)


@pytest.mark.parametrize("ms", [HOUR_MS, -HOUR_MS])
def test_f14_a_step_nobody_has_seen_yet_is_refused_once_and_then_known(floor, account, draw, ms):
    """-1021: the fence holds. The trade expires, the clock is measured anew, no storm of orders."""
    trade = placed(floor, account, draw())
    exchange_for(account).clock_offset()
    floor.paper.skew_ms = ms
    sent = []

    def count(request, go_on):
        if faults.is_order(request):
            sent.append(request)
        return go_on()

    with faults.wire(floor, count):
        for _ in range(5):
            floor.turn(account)
            floor.advance(timedelta(milliseconds=100))
    trade.refresh_from_db()
    assert (trade.state, len(sent)) == (TradeState.REJECTED, 1)
    assert exchange_for(account).clock_offset() / timedelta(milliseconds=1) == pytest.approx(
        ms, abs=250
    )


def test_a_jump_holds_new_risk_until_the_next_look(floor, account, draw):
    account_stream.look_at_clock("paper", exchange_for(account))
    floor.paper.skew_ms = 400
    clock_of("paper").doubt()
    account_stream.look_at_clock("paper", exchange_for(account))
    with pytest.raises(PlanRefused) as refused:
        placed(floor, account, draw())
    verdict = next(v for v in refused.value.verdicts if not v.ok)
    assert verdict.code == "clock"
    assert "jumped by" in verdict.message
    account_stream.look_at_clock("paper", exchange_for(account))
    assert placed(floor, account, draw()).state == TradeState.APPROVED


def test_a_clock_that_is_known_to_300_ms_only_holds_new_risk(floor, account, draw):
    VenueHealth.objects.filter(pk="paper").update(clock_uncertainty_ms=300)
    with pytest.raises(PlanRefused) as refused:
        placed(floor, account, draw())
    assert {v.code for v in refused.value.verdicts if not v.ok} == {"clock"}


def test_f15_our_clock_put_back_an_hour_stops_no_look_no_lease_and_no_poll(floor, account, draw):
    """What was written down before lies in the future then: it is over, not an hour away."""
    trade = placed(floor, account, draw())
    with faults.wire(floor, faults.lost_reply):
        floor.turn(account)
    put_back(floor)
    assert account.pk in guard.due_accounts(clock.now())
    floor.turn(account)
    trade.refresh_from_db()
    assert trade.state == TradeState.OPEN, "looked up at once"
    assert len(set(trade.orders.values_list("client_order_id", flat=True))) == 3
    put_back(floor)
    assert account.pk in guard.due_accounts(clock.now()), "the poll is due"
    polled = []

    def note(request, go_on):
        polled.append(request.url)
        return go_on()

    with faults.wire(floor, note):
        floor.turn(account)
    assert any("/openOrders" in url for url in polled)


def put_back(floor) -> None:
    """Our clock goes back an hour; the exchange's does not."""
    floor.moment.moment -= timedelta(hours=1)
    floor.paper.skew_ms += HOUR_MS
    floor.paper.engine.now_ms -= HOUR_MS


class Stepping:
    """A wall clock that can be put elsewhere."""

    def __init__(self, monkeypatch) -> None:
        self.off_ms = 0
        honest = clock.now_ms
        monkeypatch.setattr(clock, "now_ms", lambda: honest() + self.off_ms)


def test_a_local_step_is_noticed_by_the_monotonic_clock_without_waiting(monkeypatch):
    stepping, asked = Stepping(monkeypatch), []
    truth = clock.now_ms

    def ask() -> int:
        asked.append(1)
        return truth() - stepping.off_ms

    mine = VenueClock("paper")
    assert abs(mine.reading(ask).offset_ms) < 100
    looked = len(asked)
    assert mine.reading(ask) == mine.reading(ask)
    assert len(asked) == looked, "fresh for thirty seconds"
    stepping.off_ms = 3_000
    assert abs(mine.reading(ask).offset_ms + 3_000) < 100
    assert len(asked) > looked


def test_the_lowest_round_trip_of_five_tells_the_offset(monkeypatch):
    """A slow way there and a fast one back would look like an offset."""
    trips, passed = iter([0.4, 0.3, 0.02, 0.3, 0.4]), [100.0]
    monkeypatch.setattr(venue_clock, "time", SimpleNamespace(monotonic=lambda: passed[0]))
    monkeypatch.setattr(clock, "now_ms", lambda: round(passed[0] * 1000))

    def ask() -> int:
        passed[0] += next(trips)
        return clock.now_ms() + 1_000  # read as it left

    reading = VenueClock("paper").reading(ask)
    assert reading.offset_ms == 1_010
    assert reading.uncertainty_ms in (10, 11)


def test_a_venue_that_stops_telling_its_time_leaves_the_last_offset_uncertain():
    mine = VenueClock("paper")
    assert mine.reading(lambda: clock.now_ms() + 700).offset_ms == pytest.approx(700, abs=50)
    later = mine.reading(lambda: None, good_for=-1)
    assert later.offset_ms == pytest.approx(700, abs=50)
    assert later.uncertainty_ms is None


@pytest.fixture
async def skewed() -> AsyncIterator[tuple[str, ApiKeys]]:
    """A paper exchange on a socket, its clock an hour ahead of ours."""
    bench = Bench()
    bench.exchange.skew_ms = HOUR_MS
    trader = bench.trader(USDT="10000")
    server = PaperServer(bench.exchange)
    port = await server.start("127.0.0.1", 0)
    yield f"ws://127.0.0.1:{port}/ws-api/v3", ApiKeys(trader.key.key, trader.key.secret)
    await server.stop()


async def test_f14_the_user_stream_signs_by_the_exchanges_clock(skewed):
    url, keys = skewed
    events = user_stream.session(url, keys)
    assert isinstance(await anext(events), Subscribed)
    await events.aclose()
