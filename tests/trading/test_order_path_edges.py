"""What a crash between two steps, a restored database or a clock behind leaves: still one order
each, and one stop."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.trading.risky import MINUTE, opened
from testudo import clock
from trading import account_stream, decide, ooda, orders, protection, submission
from trading.decide import Protect
from trading.exchange.factory import exchange_for
from trading.models import ExchangeAccount, Leg, Order
from trading.order_states import State, TradeState
from trading.positions import OrderFact, position_of, trade_state


@pytest.fixture
def trade(floor, account, draw):
    return opened(floor, account, draw())


def resting(account):
    return sorted(each.type for each in exchange_for(account).open_orders("BTCUSDT"))


def steps_of(account, **changes):
    """What is due if the loop had seen this of the account's one trade."""
    (situation,) = decide.orient(ooda.observe(account.pk))
    return decide.decide([replace(situation, **changes)])


def test_a_sale_whose_fills_are_not_known_yet_is_not_sold_or_protected_again(trade):
    stop = trade.orders.get(leg=Leg.STOP)
    Order.objects.filter(pk=stop.pk).update(state=State.FILLED, filled=stop.quantity)
    before = trade.orders.count()
    protection.exit_now(trade.pk, why="closed")
    protection.protect(trade.pk, quantity=stop.quantity)
    assert trade.orders.count() == before


def test_an_attempt_gets_the_number_after_the_highest_there_is(trade):
    stop = trade.orders.get(leg=Leg.STOP)
    assert protection.next_attempt(trade, Leg.STOP) == 2
    adopted = f"{stop.client_order_id[:-4]}0003"  # its second was lost with a restore
    Order.objects.filter(pk=stop.pk).update(client_order_id=adopted)
    assert protection.next_attempt(trade, Leg.STOP) == 4


@pytest.mark.parametrize("unsettled", [State.SENDING, State.UNKNOWN])
def test_a_trade_whose_legs_may_be_on_the_wire_is_not_over(unsettled):
    def fact(leg, state):
        return OrderFact(leg=leg, state=state, quantity=Decimal(1), filled=Decimal(0))

    def state_with(legs):
        facts = [fact("entry", State.EXPIRED), fact("stop", legs), fact("target", legs)]
        return trade_state(facts, position_of(facts, []), dust=Decimal("0.1"), closing=False)

    assert state_with(unsettled) == TradeState.ENTERING
    assert state_with(State.EXPIRED) == TradeState.EXPIRED


def test_an_entry_that_outlived_a_crash_waits_until_the_account_is_matched(floor, account, draw):
    trade = orders.place_trade(account, draw(), quote_of=floor.quote_of)
    ids = list(trade.orders.values_list("pk", flat=True))
    long_ago = clock.now() - timedelta(seconds=31)
    ExchangeAccount.objects.update(stream_alive_at=long_ago)
    assert submission.claim(ids) == []
    ExchangeAccount.objects.update(stream_alive_at=clock.now(), stream_gap=True)
    assert submission.claim(ids) == []
    ExchangeAccount.objects.update(stream_gap=False)
    assert len(submission.claim(ids)) == len(ids)


def test_legs_the_restored_books_never_sent_are_found_resting_and_sent_no_second_time(
    floor, account, trade
):
    there = resting(account)
    legs = Order.objects.exclude(leg=Leg.ENTRY)
    legs.update(state=State.PLANNED, exchange_order_id=None)
    floor.advance(MINUTE)
    account_stream.match_books(account)
    assert set(legs.values_list("state", flat=True)) == {State.OPEN}
    floor.turn(account)
    assert (resting(account), Order.objects.count()) == (there, 3)


def test_legs_counted_as_refused_that_rest_after_all_come_back(floor, account, trade):
    there = resting(account)
    legs = Order.objects.exclude(leg=Leg.ENTRY)
    legs.update(state=State.REJECTED)
    floor.advance(MINUTE)
    account_stream.match_books(account)
    trade.refresh_from_db()
    assert set(legs.values_list("state", flat=True)) == {State.OPEN}
    assert (trade.state, resting(account)) == (TradeState.OPEN, there)


@pytest.mark.parametrize("behind", [timedelta(0), timedelta(hours=1)])
def test_f15_a_clock_behind_puts_off_no_stop(floor, account, trade, behind):
    """The exchange's moment of the fill lies ahead of us by as much as our clock is behind."""
    (it,) = decide.orient(ooda.observe(account.pk))
    at = it.now + behind - decide.LEGS_ARMED_WITHIN
    legs = [
        replace(order, state=State.WAITING) if order.leg != "entry" else order
        for order in it.trade.orders
    ]
    seen = {
        "trade": replace(it.trade, orders=tuple(legs), naked_since=it.now, polled_at=it.now),
        "position": replace(it.position, opened_at=at, stop_cover=Decimal(0)),
        "missing": it.position.held,
    }
    (step,) = steps_of(account, **seen)
    assert isinstance(step, Protect)
    waiting = {**seen, "position": replace(seen["position"], opened_at=it.now)}
    assert steps_of(account, **waiting) == [], "they have two seconds to be armed"
