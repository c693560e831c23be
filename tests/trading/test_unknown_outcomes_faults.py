"""F01 to F10: whatever becomes of an order's way to the exchange, one order, and the truth (R4)."""

import json
import random
from datetime import timedelta

import pytest
import requests

from tests.trading import faults
from testudo import clock, failpoints
from testudo.events.models import OutboxEvent
from trading import orders, submission, venue_health
from trading.client_ids import LIST, client_id
from trading.exchange import venue_client
from trading.exchange.factory import exchange_for
from trading.exchange.port import Refused
from trading.models import Incident, Order
from trading.order_states import FINISHED, State, TradeState

SECOND = timedelta(seconds=1)


class Died(BaseException):
    """The process is gone; nothing of ours catches it."""


@pytest.fixture
def dies_at(monkeypatch):
    """Let the worker die at a named place, once."""

    def arm(place: str) -> None:
        left = [place]

        def reach(name: str) -> None:
            if name in left:
                left.remove(name)
                raise Died(name)

        monkeypatch.setattr(failpoints, "reach", reach)

    return arm


def placed(floor, account, drawing):
    return orders.place_trade(account, drawing, quote_of=floor.quote_of)


def lived(floor, account, trade, *, seconds: int):
    """A second at a time, a turn each, as the guard does it."""
    for _ in range(seconds):
        floor.advance(SECOND)
        floor.turn(account)
    trade.refresh_from_db()
    return trade


def opened(floor, account, draw):
    trade = placed(floor, account, draw())
    floor.turn(account)
    trade.refresh_from_db()
    assert trade.state == TradeState.OPEN
    return trade


def at_the_exchange(floor) -> int:
    return floor.paper.store.count("orders")


def refused(code: int, text: str, *, status: int = 400) -> requests.Response:
    answer = requests.Response()
    answer.status_code = status
    answer._content = json.dumps({"code": code, "msg": text}).encode()
    return answer


def is_look(request) -> bool:
    return request.method == "GET" and any(
        part in request.url for part in ("/order?", "/orderList?", "/openOrders?", "/myTrades?")
    )


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


def market_exit_lost(floor, account, trade, *, arrives: bool, each_second=lambda: None):
    """The trader closes; the market order's answer is lost, and reads lag for five seconds."""
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
        return go_on()

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


def test_an_unknown_outcome_is_told_in_the_accounts_stream(floor, account, draw):
    trade = placed(floor, account, draw())
    with faults.wire(floor, faults.lost_reply):
        floor.turn(account)
    told = OutboxEvent.objects.filter(name="trading.order_unknown").latest("created_at")
    assert "looked up, not sent again" in told.payload["text"]
    assert trade.pk
