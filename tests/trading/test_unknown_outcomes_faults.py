"""F01 to F10: whatever becomes of an order's way to the exchange, one order, and the truth (R4)."""

import random
from datetime import timedelta

import pytest
import requests

from tests.trading import faults
from tests.trading.unanswered import Died, at_the_exchange, is_look, lived, placed, refused
from testudo import clock
from testudo.events.models import OutboxEvent
from trading.exchange import venue_client
from trading.models import Incident
from trading.order_states import FINISHED, State, TradeState


def test_f01_dying_between_the_claim_and_the_send_expires_the_entry_and_frees_its_risk(
    floor, account, draw, dies_at
):
    trade = placed(floor, account, draw())
    dies_at("after_claim_before_send")
    with pytest.raises(Died):
        floor.turn(account)
    trade = lived(floor, account, trade, seconds=25)
    assert (trade.state, at_the_exchange(floor)) == (TradeState.EXPIRED, 0)
    assert "not sent again" in trade.state_reason
    assert placed(floor, account, draw()).state == TradeState.APPROVED, "its risk is free again"


@pytest.mark.parametrize("place", ["after_send_before_record"])
def test_f02_f03_dying_after_the_send_finds_the_order_and_protects_it(
    floor, account, draw, dies_at, place
):
    trade = placed(floor, account, draw())
    dies_at(place)
    with pytest.raises(Died):
        floor.turn(account)
    assert set(trade.orders.values_list("state", flat=True)) == {State.SENDING}
    trade = lived(floor, account, trade, seconds=16)
    assert (trade.state, at_the_exchange(floor)) == (TradeState.OPEN, 3)
    assert trade.orders.get(leg="stop").state == State.OPEN


@pytest.mark.parametrize("fault", [faults.lost_reply, faults.truncated])
def test_f04_f09_an_order_taken_whose_answer_is_lost_is_one_order(floor, account, draw, fault):
    trade = placed(floor, account, draw())
    with faults.wire(floor, fault):
        floor.turn(account)
    assert Incident.objects.get(kind="outcome_unknown", trade=trade).closed_at is None
    trade = lived(floor, account, trade, seconds=3)
    assert (trade.state, at_the_exchange(floor)) == (TradeState.OPEN, 3)
    told = Incident.objects.get(kind="outcome_unknown", trade=trade)
    assert "found at the exchange" in told.what_was_done
    assert told.closed_at is not None


def test_f05_an_order_whose_answer_never_comes_is_given_up_after_ten_seconds_and_found(
    floor, account, draw
):
    """The exchange takes it and holds its answer back for a minute; the read times out before."""
    trade = placed(floor, account, draw())

    def hangs(request, go_on):
        answer = go_on()
        if faults.is_order(request):
            floor.advance(timedelta(seconds=venue_client.READ_TIMEOUT))
            raise requests.ReadTimeout("no answer in time")
        return answer

    with faults.wire(floor, hangs):
        floor.turn(account)
    assert set(trade.orders.values_list("state", flat=True)) == {State.UNKNOWN}
    trade = lived(floor, account, trade, seconds=2)
    assert (trade.state, at_the_exchange(floor)) == (TradeState.OPEN, 3)


@pytest.mark.parametrize("seed", range(6))
def test_f06_a_server_error_is_resolved_rightly_whether_the_order_passed_or_not(
    floor, account, draw, seed
):
    dice = random.Random(seed)
    passed = []

    def maybe(request, go_on):
        if not faults.is_order(request):
            return go_on()
        passed.append(dice.random() < 0.5)
        if passed[-1]:
            go_on()
        return refused(-1000, "An unknown error", status=503)

    trade = placed(floor, account, draw())
    with faults.wire(floor, maybe):
        floor.turn(account)
    trade = lived(floor, account, trade, seconds=25)
    assert len(passed) == 1, "never sent again"
    expected = (TradeState.OPEN, 3) if passed[0] else (TradeState.EXPIRED, 0)
    assert (trade.state, at_the_exchange(floor)) == expected


@pytest.mark.parametrize("visible_after", [0, 3, 8, 12])
@pytest.mark.parametrize("code", [-1006, -1007])
def test_f07_f08_an_order_that_reads_do_not_show_for_a_while_is_not_taken_for_absent(
    floor, account, draw, code, visible_after
):
    """Every question answers as if nothing were there until the read side has caught up."""
    trade = placed(floor, account, draw())
    shown_at = clock.now() + timedelta(seconds=visible_after)
    sent = []

    def lags(request, go_on):
        if faults.is_order(request):
            sent.append(request)
            go_on()
            return refused(code, "Execution status unknown.", status=504)
        if is_look(request) and clock.now() < shown_at:
            if "/order?" in request.url:
                return refused(-2013, "Order does not exist.")
            if "/orderList?" in request.url:
                return refused(-2018, "Order list does not exist.")
            empty = requests.Response()
            empty.status_code, empty._content = 200, b"[]"
            return empty
        return go_on()

    with faults.wire(floor, lags):
        floor.turn(account)
        trade = lived(floor, account, trade, seconds=20)
    assert (trade.state, at_the_exchange(floor), len(sent)) == (TradeState.OPEN, 3, 1)


def test_f10_an_entry_that_filled_at_once_is_never_sent_again_though_its_id_is_free(
    floor, account, draw
):
    """The exchange would take the same ids once more: only we stand between."""
    sent = []

    def count(request, go_on):
        if faults.is_order(request):
            sent.append(request.body)
            return faults.lost_reply(request, go_on)
        return go_on()

    trade = placed(floor, account, draw())
    with faults.wire(floor, count):
        floor.turn(account)
        lived(floor, account, trade, seconds=20)
    assert len(sent) == 1


def test_absent_takes_three_looks_by_every_question_and_seventeen_seconds(floor, account, draw):
    trade = placed(floor, account, draw())
    with faults.wire(floor, faults.lost_request):
        floor.turn(account)
    asked = []

    def note(request, go_on):
        if is_look(request):
            asked.append((clock.now(), request.url.split("/api/v3/")[1].split("?")[0]))
        return go_on()

    sent_at = trade.orders.first().signed_at
    with faults.wire(floor, note):
        trade = lived(floor, account, trade, seconds=25)
    assert trade.state == TradeState.EXPIRED
    kinds = {kind for _, kind in asked}
    assert kinds == {"order", "orderList", "openOrders", "myTrades"}
    last = [at for at, kind in asked if kind == "myTrades"]
    assert len(last) >= 3
    assert last[-1] - sent_at >= timedelta(seconds=17)
    assert last[-2] - sent_at < timedelta(seconds=17)


def test_a_list_the_exchange_knows_is_no_absent_list_though_its_orders_lag(floor, account, draw):
    trade = placed(floor, account, draw())

    def only_the_list(request, go_on):
        if faults.is_order(request):
            return faults.lost_reply(request, go_on)
        if is_look(request) and "/orderList?" not in request.url:
            if "/order?" in request.url:
                return refused(-2013, "Order does not exist.")
            empty = requests.Response()
            empty.status_code, empty._content = 200, b"[]"
            return empty
        return go_on()

    with faults.wire(floor, only_the_list):
        floor.turn(account)
        trade = lived(floor, account, trade, seconds=40)
    assert trade.state not in FINISHED, "a trace of it is there: it is not absent"
    assert lived(floor, account, trade, seconds=6).state == TradeState.OPEN


def test_an_executed_order_is_found_by_its_trades_alone(floor, account, draw):
    trade = placed(floor, account, draw())

    def only_trades(request, go_on):
        if faults.is_order(request):
            return faults.lost_reply(request, go_on)
        if is_look(request) and "/myTrades?" not in request.url and "orderId=" not in request.url:
            if "/openOrders?" in request.url:
                empty = requests.Response()
                empty.status_code, empty._content = 200, b"[]"
                return empty
            return refused(-2013, "Order does not exist.")
        return go_on()

    with faults.wire(floor, only_trades):
        floor.turn(account)
        lived(floor, account, trade, seconds=1)
    entry = trade.orders.get(leg="entry")
    assert entry.state == State.FILLED


def test_an_unknown_outcome_is_told_in_the_accounts_stream(floor, account, draw):
    trade = placed(floor, account, draw())
    with faults.wire(floor, faults.lost_reply):
        floor.turn(account)
    told = OutboxEvent.objects.filter(name="trading.order_unknown").latest("created_at")
    assert "looked up, not sent again" in told.payload["text"]
    assert trade.pk
