"""A position managed by the rules it was placed with, over the paper exchange's wire."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from risk.manage_rules import Management, Ratchet
from tests.trading.risky import MINUTE, SECOND, opened
from testudo import clock
from trading import armed, managing
from trading.exchange.paper.values import to_e8
from trading.market.prices import Quote
from trading.models import Move, MoveState
from trading.order_states import State, TradeState

CENT = Decimal("0.01")


@pytest.fixture
def quotes(floor, monkeypatch):
    """Where the rules look for prices: a market that stands where the test puts it."""
    now = {}

    def latest(venue, symbol):
        if "price" not in now:
            return floor.quote_of(venue, symbol)
        price = now["price"]
        at = clock.now()
        return Quote(symbol=symbol, price=price, bid=price, ask=price, at=at, seen=at)

    monkeypatch.setattr("trading.market.prices.latest", latest)
    monkeypatch.setattr("trading.managing.latest", latest)
    return now


def placed(floor, account, draw, **rules):
    return opened(floor, account, draw(management=Management(**rules)))


def half_way(trade) -> Decimal:
    return ((trade.entry + trade.target) / 2 + 5).quantize(CENT)


def stop_at_exchange(trade) -> Decimal:
    return trade.orders.get(leg="stop", state=State.OPEN).stop_price


def test_a_trade_without_rules_waits_for_no_price(floor, account, draw):
    opened(floor, account, draw())
    assert armed.levels_of("paper") == []


def test_the_index_waits_for_half_way_and_then_the_stop_goes_to_break_even(
    floor, account, draw, quotes
):
    trade = placed(floor, account, draw, break_even=True)
    (level,) = armed.levels_of("paper")
    assert (level.key, level.rising) == (trade.pk, True)
    price = half_way(trade)
    assert level.price <= price
    floor.paper.move("BTCUSDT", to_e8(price), 1_000)
    for _ in range(2):
        floor.advance(SECOND)
    assert armed.note_reached(level, price, clock.now())
    floor.turn(account)
    move = Move.objects.get()
    assert (move.why, move.state, move.by_user_id) == ("break_even", MoveState.DONE, None)
    assert stop_at_exchange(trade) == move.to_stop > trade.orders.get(leg="entry").price
    assert armed.levels_of("paper") == []


def test_the_guards_sweep_finds_what_no_stream_noticed(floor, account, draw, quotes):
    trade = placed(floor, account, draw, break_even=True)
    assert armed.sweep("paper") == 0
    quotes["price"] = half_way(trade)
    assert armed.sweep("paper") == 1
    assert armed.sweep("paper") == 0, "noted once"
    assert Move.objects.get().why == "break_even"


def test_a_trailing_stop_follows_the_market_in_steps_and_never_comes_back(
    floor, account, draw, quotes
):
    trade = placed(floor, account, draw, trail_r=Decimal(1))
    r = trade.entry - trade.stop
    seen = [trade.stop]
    for gained in ("0.2", "0.5", "0.55", "1.2", "0.9", "1.6"):
        price = (trade.entry + r * Decimal(gained)).quantize(CENT)
        floor.paper.move("BTCUSDT", to_e8(price), 1_000)
        for _ in range(2):
            floor.advance(SECOND)
        quotes["price"] = price
        armed.sweep("paper")
        floor.turn(account)
        trade.refresh_from_db()
        if trade.stop_now != seen[-1]:
            seen.append(trade.stop_now)
        assert stop_at_exchange(trade) == trade.stop_now
        floor.advance(31 * SECOND)
    assert seen == sorted(seen)
    assert len(seen) == 4  # at +0.5, +1.2 and +1.6 R
    assert all(b - a >= r / 4 for a, b in pairwise(seen))
    assert trade.stop == seen[0]


def test_rules_are_frozen_with_the_trade_and_shown(floor, account, draw):
    from trading.api import present

    rules = {"break_even": True, "ratchets": (Ratchet(Decimal(1), Decimal(0)),)}
    trade = placed(floor, account, draw, **rules)
    shown = present.trade_in_full(trade)["management"]
    assert shown == {"break_even": True, "ratchets": [{"at": "1", "to": "0"}]}


def test_a_time_stop_closes_the_trade_at_the_market(floor, account, draw, quotes):
    trade = placed(floor, account, draw, close_after_minutes=60)
    assert managing.close_overdue() == 0
    floor.advance(60 * MINUTE + SECOND)
    assert managing.close_overdue() == 1
    for _ in range(3):
        floor.turn(account)
        floor.advance(timedelta(seconds=1))
    trade.refresh_from_db()
    assert trade.state == TradeState.CLOSED
    assert trade.state_reason == "Time stop: held for 60 minutes."
    assert managing.close_overdue() == 0


def test_without_candles_nothing_trails_by_their_range(floor, account, draw, quotes):
    placed(floor, account, draw, trail_atr=Decimal(2), atr_interval="1h")
    assert armed.levels_of("paper") == []


def test_a_stop_trails_by_the_range_of_the_candles(floor, account, draw, quotes, monkeypatch):
    managing._atr_of.cache_clear()
    monkeypatch.setattr("trading.managing.average_range", lambda *asked: Decimal(300))
    trade = placed(floor, account, draw, trail_atr=Decimal(2))
    quotes["price"] = half_way(trade)
    assert armed.sweep("paper") == 1
    assert Move.objects.get().to_stop == half_way(trade) - 600
    managing._atr_of.cache_clear()
