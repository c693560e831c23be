"""A move that races the market, the trader's own hand, or another worker: one pair, one sale."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
import requests

from tests.trading import faults
from tests.trading.risky import SECOND
from tests.trading.test_moves_faults import (
    CENT,
    closer,
    lost_after,
    places_alone,
    places_pair,
    refusal,
    refusing,
    resting_at,
    settled,
    sold,
    takes_down,
    trade,
    wish,
)
from testudo import clock, failpoints
from trading import orders
from trading.exchange.factory import exchange_for
from trading.exchange.paper.values import to_e8
from trading.models import Move, MoveState
from trading.order_states import State, TradeState

__all__ = ["trade"]  # the fixture

MS = timedelta(milliseconds=1)


def asks_for(request, path) -> bool:
    return request.method == "GET" and request.url.split("?")[0].endswith(path)


def absent(code=-2013, said="Order does not exist."):
    return refusal(code, said)


def one_pair(floor, trade, stop) -> None:
    """The exchange holds one stop, at this price, and one target; no more than is held."""
    found = exchange_for(trade.account).open_orders(trade.symbol)
    assert sorted(order.type for order in found) == ["STOP_LOSS", "TAKE_PROFIT"]
    assert resting_at(floor, trade) == [stop]
    assert all(order.quantity <= trade.held for order in found)


def test_f08_a_replacement_that_cannot_be_read_back_yet_is_not_put_up_twice(floor, account, trade):
    """Its answer is lost, and for two seconds the exchange says it does not exist."""
    wish(floor, trade)
    lost, blind_until = lost_after(places_pair), []

    def lagging(request, go_on):
        asks = asks_for(request, "/order") or asks_for(request, "/orderList")
        if asks and blind_until and clock.now() < blind_until[0]:
            return absent()
        try:
            return lost(request, go_on)
        except requests.ReadTimeout:
            blind_until.append(clock.now() + 2 * SECOND)
            raise

    with faults.wire(floor, lagging):
        move = settled(floor, account, trade, within=15 * SECOND)
    assert blind_until
    assert move.state == MoveState.DONE
    one_pair(floor, trade, closer(trade))


def test_f28_legs_the_trader_canceled_by_hand_before_the_move_are_replaced_once(
    floor, account, trade
):
    """The DELETE is answered with -2011: they are gone already, and nothing was sold."""
    wish(floor, trade)
    answered = []

    def by_hand_first(request, go_on):
        if takes_down(request) and not answered:
            go_on()
            answer = go_on()
            answered.append(json.loads(answer.content)["code"])
            return answer
        return go_on()

    with faults.wire(floor, by_hand_first):
        move = settled(floor, account, trade)
    assert answered == [-2011]
    assert move.state == MoveState.DONE
    one_pair(floor, trade, closer(trade))


def test_f31_a_replacement_that_fills_before_its_answer_sells_once(floor, account, trade):
    held, below = trade.held, (closer(trade) * Decimal("0.999")).quantize(CENT)
    wish(floor, trade)

    def falls_at_once(request, go_on):
        answer = go_on()
        if places_pair(request):
            floor.paper.move("BTCUSDT", to_e8(below), 2_000)
            for _ in range(4):
                floor.advance(SECOND)
        return answer

    with faults.wire(floor, falls_at_once):
        settled(floor, account, trade)
        for _ in range(3):
            floor.turn(account)
            floor.advance(SECOND)
    trade.refresh_from_db()
    assert (trade.state, trade.exit_reason) == (TradeState.CLOSED, "stop")
    assert held - trade.dust < sold(floor, trade) <= held
    assert Move.objects.get().state == MoveState.DONE


def test_f31_a_fill_between_cancel_and_replacement_is_booked_before_anything_is_sent(
    floor, account, trade
):
    """The stop sold, and the DELETE is answered with -2011 before its fill was heard of."""
    below = (trade.stop * Decimal("0.999")).quantize(CENT)
    wish(floor, trade)
    pairs = []

    def sold_first(request, go_on):
        if takes_down(request):
            floor.paper.move("BTCUSDT", to_e8(below), 2_000)
            for _ in range(4):
                floor.advance(SECOND)
            return refusal(-2011, "Unknown order sent.")
        if places_pair(request) or places_alone(request):
            pairs.append(request.url)
        return go_on()

    with faults.wire(floor, sold_first):
        move = settled(floor, account, trade)
    assert pairs == []
    assert (move.state, trade.state) == (MoveState.OVERTAKEN, TradeState.CLOSED)
    assert sold(floor, trade) == trade.orders.get(leg="stop").quantity


@pytest.mark.parametrize("at", [takes_down, places_pair])
def test_f32_two_workers_with_the_same_turn_put_up_one_pair(floor, account, trade, at):
    """The second worker's turn comes while the first waits for the exchange."""
    wish(floor, trade)
    twice = []

    def meanwhile(request, go_on):
        if at(request) and not twice:
            twice.append(True)
            floor.turn(account)
        return go_on()

    with faults.wire(floor, meanwhile):
        move = settled(floor, account, trade)
    assert twice
    assert move.state == MoveState.DONE
    one_pair(floor, trade, closer(trade))
    stops = trade.orders.filter(leg="stop").order_by("pk")
    assert [order.state for order in stops] == [State.CANCELED, State.OPEN]


def test_f33_a_worker_frozen_with_the_replacement_in_hand_finds_it_done_by_another(
    floor, account, trade, monkeypatch
):
    """It claims, stands still for 30 s, and goes on: the guard's turn did the work meanwhile."""
    wish(floor, trade)
    frozen = []

    def freeze(name):
        if name == "after_claim_before_send" and not frozen:
            frozen.append(name)
            for _ in range(15):
                floor.advance(2 * SECOND)
                floor.turn(account)

    with monkeypatch.context() as patch:
        patch.setattr(failpoints, "reach", freeze)
        floor.turn(account)
    move = settled(floor, account, trade)
    assert frozen
    assert move.state == MoveState.DONE
    one_pair(floor, trade, closer(trade))


@pytest.mark.parametrize("code", [-1021, -1003])
def test_f14_a_replacement_whose_moment_was_refused_goes_again_under_its_ids(
    floor, account, trade, code
):
    wish(floor, trade)
    left = [1]

    def refused_once(request, go_on):
        if places_pair(request) and left[0]:
            left[0] -= 1
            return refusal(code, "Timestamp for this request is outside of the recvWindow.")
        return go_on()

    with faults.wire(floor, refused_once):
        move = settled(floor, account, trade, within=15 * SECOND)
    assert move.state == MoveState.DONE
    one_pair(floor, trade, closer(trade))


def test_naked_time_counts_to_the_close_where_no_stop_came_any_more(floor, account, trade):
    """The move ends in an exit: naked from the old stop's end to the fill that ended the position,
    both by the exchange's clock."""
    wish(floor, trade)
    refused = refusing(9, also_alone=True)

    def slowly(request, go_on):
        if request.method == "POST":
            floor.advance(110 * MS)
        return refused(request, go_on)

    with faults.wire(floor, slowly):
        for _ in range(4):
            floor.turn(account)
            floor.advance(SECOND)
    trade.refresh_from_db()
    move = Move.objects.get()
    assert (move.state, trade.state) == (MoveState.EXITED, TradeState.CLOSED)
    down = trade.orders.filter(leg="stop", state=State.CANCELED).get()
    naked = (trade.closed_at - down.ended_at) / MS
    assert move.naked_ms == trade.naked_ms == int(naked)
    assert move.naked_ms == 440, "two pairs and a stop refused, then the sale"


def test_naked_time_of_a_close_at_the_market_is_counted(floor, account, trade):
    orders.request_close(trade.pk)

    def slow(request, go_on):
        if places_alone(request):
            floor.advance(430 * MS)
        return go_on()

    with faults.wire(floor, slow):
        for _ in range(3):
            floor.turn(account)
            floor.advance(SECOND)
    trade.refresh_from_db()
    assert trade.state == TradeState.CLOSED
    assert trade.naked_ms == 430
    assert trade.naked_since is None


@pytest.mark.parametrize("line", ["stop", "target"])
def test_a_leg_that_sells_by_itself_leaves_no_naked_time(floor, account, trade, line):
    before, price = trade.naked_ms, getattr(trade, line)
    factor = Decimal("0.999") if line == "stop" else Decimal("1.001")
    floor.paper.move("BTCUSDT", to_e8((price * factor).quantize(CENT)), 5_000)
    trade = floor.follow(trade, step=SECOND, at_most=timedelta(minutes=1))
    assert (trade.state, trade.naked_ms) == (TradeState.CLOSED, before)
