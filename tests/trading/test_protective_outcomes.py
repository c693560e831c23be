"""Stops and exits without an answer: sent again at once under the same ids, and sold once."""

from datetime import timedelta
from itertools import pairwise

import pytest
import requests

from tests.trading import faults
from tests.trading.unanswered import SECOND, Died, is_look, opened, refused
from testudo import clock
from trading import orders, submission, venue_health
from trading.client_ids import LIST, client_id
from trading.exchange.factory import exchange_for
from trading.exchange.port import Refused
from trading.models import Order
from trading.order_states import State, TradeState


def stop_lost(floor, account, trade):
    """The pair is taken down at the exchange; the loop notices it on its next poll."""
    stop = trade.orders.get(leg="stop")
    exchange_for(account).cancel_list("BTCUSDT", stop.list_client_order_id)
    floor.advance(timedelta(seconds=30))


def test_a_stop_that_never_arrived_is_sent_again_at_once_under_the_same_ids(floor, account, draw):
    trade = opened(floor, account, draw)
    stop_lost(floor, account, trade)
    bodies, sent_at = [], []

    def lost_once(request, go_on):
        if faults.is_order(request):
            bodies.append(request.body)
            sent_at.append(clock.now())
            if len(bodies) == 1:
                raise requests.ConnectionError("reset before it left")
        return go_on()

    with faults.wire(floor, lost_once):
        for _ in range(2):
            floor.turn(account)
            floor.advance(SECOND)
    stops = trade.orders.filter(leg="stop").order_by("created_at")
    assert [each.state for each in stops] == [State.CANCELED, State.OPEN]
    assert sent_at[1] == sent_at[0], "in the very same turn"
    ids = [_ids(body) for body in bodies]
    assert len(ids) == 2
    assert ids[0] == ids[1], "the same ids"


def test_a_stop_whose_worker_died_is_sent_by_the_guards_second_look_at_the_latest(
    floor, account, draw, dies_at
):
    """A worker dies, or loses the answer to its COMMIT, once a stop is claimed: the position is
    naked, and must be covered again within two seconds (M4)."""
    trade = opened(floor, account, draw)
    stop_lost(floor, account, trade)
    dies_at("after_claim_before_send")
    with pytest.raises(Died):
        floor.turn(account)
    assert trade.orders.get(leg="stop", state=State.SENDING)
    floor.advance(SECOND)
    floor.turn(account)
    stop = trade.orders.get(leg="stop", state=State.OPEN)
    assert stop.client_order_id.endswith("S0002"), "the same ids"


def test_a_late_refusal_says_nothing_about_an_order_another_worker_claimed_since(
    floor, account, draw, dies_at
):
    trade = opened(floor, account, draw)
    stop_lost(floor, account, trade)
    dies_at("after_claim_before_send")
    with pytest.raises(Died):
        floor.turn(account)
    slow = list(trade.orders.filter(state=State.SENDING))
    ids = [order.pk for order in slow]
    Order.objects.filter(pk__in=ids).update(state=State.PLANNED)  # looked up, and not there
    assert submission.claim(ids)
    submission.record(slow, Refused(-2010, "Stop price would trigger immediately."))
    assert {order.state for order in trade.orders.filter(pk__in=ids)} == {State.SENDING}


def _ids(body) -> list[str]:
    pairs = (body if isinstance(body, str) else body.decode()).split("&")
    return sorted(pair for pair in pairs if "ClientOrderId=" in pair)


def test_a_stop_that_did_arrive_is_refused_a_second_time_and_rests_once(floor, account, draw):
    """The reads lag, so it is sent again: the exchange refuses the duplicate, and it is found."""
    trade = opened(floor, account, draw)
    stop_lost(floor, account, trade)
    shown_at = clock.now() + timedelta(seconds=6)
    answers = []

    def lags(request, go_on):
        if faults.is_order(request):
            answer = go_on()
            answers.append(answer.json())
            if len(answers) == 1:
                raise requests.ReadTimeout("the answer was lost")
            return answer
        new = client_id(trade.pk, LIST, 2)
        if is_look(request) and answers and clock.now() < shown_at:
            if "/openOrders?" in request.url or "/myTrades?" in request.url:
                empty = requests.Response()
                empty.status_code, empty._content = 200, b"[]"
                return empty
            if "0002" in request.url or new in request.url:
                return refused(-2013, "Order does not exist.")
        return go_on()

    with faults.wire(floor, lags):
        for _ in range(12):
            floor.turn(account)
            floor.advance(SECOND)
    assert len(answers) > 1
    assert all("Duplicate" in answer.get("msg", "") for answer in answers[1:])
    trade.refresh_from_db()
    assert trade.state == TradeState.OPEN
    assert trade.orders.get(leg="stop", state=State.OPEN).quantity <= trade.held
    assert len(exchange_for(account).open_orders("BTCUSDT")) == 2
    assert venue_health.new_risk_allowed("paper"), "a duplicate is an answer, and no trouble"


def market_exit_lost(
    floor,
    account,
    trade,
    *,
    arrives: bool,
    each_second=lambda: None,
    pairs=lambda _, go_on: go_on(),
):
    """The trader closes; the market order's answer is lost, and reads lag for five seconds.
    `pairs`: what becomes of other requests."""
    orders.request_close(trade.pk)
    shown_at = clock.now() + timedelta(seconds=5)
    sent = []

    def fault(request, go_on):
        if request.method == "POST" and request.url.endswith("/api/v3/order"):
            sent.append(request)
            if len(sent) == 1:
                if arrives:
                    go_on()
                raise requests.ReadTimeout("lost")
        if is_look(request) and sent and clock.now() < shown_at:
            if "/order?" in request.url and "X0001" in request.url:
                return refused(-2013, "Order does not exist.")
            if "/myTrades?" in request.url:
                empty = requests.Response()
                empty.status_code, empty._content = 200, b"[]"
                return empty
        return pairs(request, go_on)

    with faults.wire(floor, fault):
        for _ in range(30):
            floor.turn(account)
            each_second()
            floor.advance(SECOND)
    trade.refresh_from_db()
    return sent


def test_a_market_exit_that_never_arrived_goes_again_at_once_where_the_wallet_stands_guard(
    floor, account, draw
):
    trade = opened(floor, account, draw)
    sent = market_exit_lost(floor, account, trade, arrives=False)
    assert (trade.state, len(sent)) == (TradeState.CLOSED, 2)


@pytest.mark.parametrize("arrives", [True, False])
def test_a_market_exit_is_not_sent_twice_while_other_coin_is_in_the_wallet(
    floor, account, draw, arrives
):
    floor.paper.deposit(1, "BTC", 3 * 10**8)
    trade = opened(floor, account, draw)
    held = trade.held
    before = {each.asset: each.free + each.locked for each in exchange_for(account).balances()}
    covered, began = [], clock.now()

    def look():
        resting = exchange_for(account).open_orders("BTCUSDT")
        covered.append((clock.now() - began, len(resting)))

    sent = market_exit_lost(floor, account, trade, arrives=arrives, each_second=look)
    assert any(resting for after, resting in covered if after <= timedelta(seconds=3)), (
        "until it is known what became of the exit, a stop holds the position"
    )
    if not arrives:
        until = [after for after, resting in covered if resting]
        assert max(until) >= timedelta(seconds=15)
        first = min(until)
        assert all(resting for after, resting in covered if first <= after <= max(until))
    assert exchange_for(account).open_orders("BTCUSDT") == [], "nothing is left resting"
    after = {each.asset: each.free + each.locked for each in exchange_for(account).balances()}
    assert trade.state == TradeState.CLOSED
    assert before["BTC"] - after["BTC"] <= held, "sold once"
    assert len(sent) == (1 if arrives else 2)


def test_a_stop_refused_in_the_place_of_a_lost_exit_is_tried_again(floor, account, draw):
    """While it is not known what became of the exit it may not go again; nor stays it naked."""
    floor.paper.deposit(1, "BTC", 3 * 10**8)
    trade = opened(floor, account, draw)
    tried, covered = [], []
    began = clock.now()

    def look():
        covered.append((clock.now() - began, len(exchange_for(account).open_orders("BTCUSDT"))))

    def refuses_once(request, go_on):
        if faults.is_order(request) and "/orderList/" in request.url:
            tried.append(clock.now())
            if len(tried) <= 2:
                return refused(-2010, "An error occurred.")
        return go_on()

    market_exit_lost(floor, account, trade, arrives=False, each_second=look, pairs=refuses_once)
    assert trade.state == TradeState.CLOSED
    assert any(resting for after, resting in covered if after <= timedelta(seconds=6))
    pauses = [later - sooner for sooner, later in pairwise(tried)]
    assert SECOND <= pauses[0] < pauses[1], "ever more slowly"


def test_a_stop_refused_for_its_moment_is_sent_again_and_the_position_is_not_sold(
    floor, account, draw
):
    """-1021, -1015, 429 say nothing about the stop: closing the position for it would cost."""
    trade = opened(floor, account, draw)
    stop_lost(floor, account, trade)
    tried = []

    def too_many(request, go_on):
        if faults.is_order(request):
            tried.append(request)
            if len(tried) < 4:
                return refused(-1015, "Too many new orders.", status=429)
        return go_on()

    with faults.wire(floor, too_many):
        for _ in range(8):
            floor.turn(account)
            floor.advance(SECOND)
    trade.refresh_from_db()
    assert trade.state == TradeState.OPEN
    assert not Order.objects.filter(trade=trade, leg="exit").exists()
    assert trade.orders.get(leg="stop", state=State.OPEN)
    assert len(tried) == 4
