"""A move that goes wrong between any two steps: never two sales, never long without a stop."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
import requests

from tests.trading import faults
from tests.trading.risky import SECOND, opened
from testudo import failpoints
from trading import moves
from trading.exchange.factory import exchange_for
from trading.exchange.paper.values import to_e8
from trading.models import Incident, Move, MoveState
from trading.moves import Wish
from trading.order_states import State, TradeState

CENT = Decimal("0.01")
TICK = timedelta(milliseconds=500)


@pytest.fixture
def trade(floor, account, draw):
    floor.paper.deposit(1, "BTC", to_e8("2"))  # other coin: the wallet is no fence
    return opened(floor, account, draw())


def closer(trade) -> Decimal:
    return ((trade.stop + trade.entry) / 2).quantize(CENT)


def wish(floor, trade) -> Move:
    return moves.request_move(trade.pk, Wish(stop=closer(trade)), quote_of=floor.quote_of)


def settled(floor, account, trade, *, within=5 * SECOND):
    """Turns as the guard gives them, until the move is over; on a market that stands still."""
    passed = timedelta(0)
    while True:
        floor.turn(account)
        trade.refresh_from_db()
        if trade.open_move_id is None:
            return Move.objects.get(trade=trade)
        assert passed < within, "the move is stuck"
        floor.advance(TICK)
        passed += TICK


def places_pair(request) -> bool:
    return request.method == "POST" and request.url.endswith("/orderList/oco")


def places_alone(request) -> bool:
    return request.method == "POST" and request.url.split("?")[0].endswith("/api/v3/order")


def takes_down(request) -> bool:
    return request.method == "DELETE"


def refusal(code=-2010, said="The relationship of the prices for the orders is not correct."):
    response = requests.Response()
    response.status_code = 400
    response._content = json.dumps({"code": code, "msg": said}).encode()
    return response


def refusing(times, *, also_alone=False):
    """The exchange refuses so many pairs, and stops sent alone too where wanted."""
    left = [times]

    def fault(request, go_on):
        if places_pair(request) and left[0]:
            left[0] -= 1
            return refusal()
        if also_alone and places_alone(request) and b"STOP_LOSS" in _body(request):
            return refusal(said="Stop price would trigger immediately.")
        return go_on()

    return fault


def _body(request) -> bytes:
    return (request.body or "").encode() if isinstance(request.body, str) else request.body or b""


def sold(floor, trade) -> Decimal:
    return sum((f.quantity for f in trade.fills.exclude(order__leg="entry")), Decimal(0))


def resting_at(floor, trade) -> list[Decimal]:
    """The stops as the exchange itself has them."""
    found = exchange_for(trade.account).open_orders(trade.symbol)
    return sorted(order.stop_price for order in found if order.type == "STOP_LOSS")


def test_f30_a_refused_pair_brings_the_old_prices_back(floor, account, trade):
    wish(floor, trade)
    with faults.wire(floor, refusing(1)):
        move = settled(floor, account, trade, within=2 * SECOND)
    assert (move.state, trade.stop_now) == (MoveState.KEPT, trade.stop)
    assert resting_at(floor, trade) == [trade.stop]
    assert "relationship of the prices" in move.said
    incident = Incident.objects.get(kind="move_refused")
    assert "as before" in incident.text
    assert incident.closed_at is not None


def test_f30_where_the_old_pair_is_refused_too_a_stop_alone_rests(floor, account, trade):
    wish(floor, trade)
    with faults.wire(floor, refusing(2)):
        move = settled(floor, account, trade, within=2 * SECOND)
    assert move.state == MoveState.STOP_ONLY
    assert resting_at(floor, trade) == [trade.stop]
    assert not trade.orders.filter(leg="target", state=State.OPEN).exists()
    assert trade.naked_since is None


def test_a_stop_alone_can_be_moved_into_a_pair_again(floor, account, trade):
    wish(floor, trade)
    with faults.wire(floor, refusing(2)):
        settled(floor, account, trade)
    again = moves.request_move(trade.pk, Wish(target=trade.target + 10), quote_of=floor.quote_of)
    floor.turn(account)
    again.refresh_from_db()
    assert again.state == MoveState.DONE
    assert resting_at(floor, trade) == [trade.stop]
    assert trade.orders.filter(leg="target", state=State.OPEN).count() == 1


def test_a_stop_alone_comes_down_when_the_trade_is_closed(floor, account, trade):
    from trading import orders

    wish(floor, trade)
    with faults.wire(floor, refusing(2)):
        settled(floor, account, trade)
    orders.request_close(trade.pk)
    for _ in range(3):
        floor.turn(account)
        floor.advance(SECOND)
    trade.refresh_from_db()
    assert trade.state == TradeState.CLOSED
    assert resting_at(floor, trade) == []


def test_f30_where_no_stop_is_taken_the_position_is_closed(floor, account, trade):
    held = trade.held
    wish(floor, trade)
    with faults.wire(floor, refusing(9, also_alone=True)):
        for _ in range(4):
            floor.turn(account)
            floor.advance(TICK)
    trade.refresh_from_db()
    assert Move.objects.get().state == MoveState.EXITED
    assert trade.state == TradeState.CLOSED
    assert held - trade.dust < sold(floor, trade) <= held
    assert Incident.objects.filter(kind="move_refused").exists()


def test_f31_a_stop_that_fills_while_it_is_taken_down_sells_once(floor, account, trade):
    """The DELETE arrives after the stop has sold: nothing is put up in its place."""
    below = (trade.stop * Decimal("0.999")).quantize(CENT)
    wish(floor, trade)
    done = []

    def price_is_faster(request, go_on):
        if takes_down(request) and not done:
            done.append(True)
            floor.paper.move("BTCUSDT", to_e8(below), 2_000)
            for _ in range(4):
                floor.advance(SECOND)
        return go_on()

    with faults.wire(floor, price_is_faster):
        move = settled(floor, account, trade)
    assert done
    assert (move.state, trade.state) == (MoveState.OVERTAKEN, TradeState.CLOSED)
    assert sold(floor, trade) == trade.orders.get(leg="stop").quantity
    assert floor.paper.store.count("orders") == 3


def lost_after(matches):
    """The exchange does it; its answer is lost, once."""
    seen = []

    def fault(request, go_on):
        answer = go_on()
        if matches(request) and not seen:
            seen.append(True)
            raise requests.ReadTimeout("the answer was lost")
        return answer

    return fault


def lost_before(matches):
    """It never arrives, once."""
    seen = []

    def fault(request, go_on):
        if matches(request) and not seen:
            seen.append(True)
            raise requests.ConnectionError("reset before it left")
        return go_on()

    return fault


@pytest.mark.parametrize("lost", [lost_after, lost_before])
@pytest.mark.parametrize("which", [takes_down, places_pair])
def test_f04_an_unknown_answer_is_resolved_and_one_pair_rests(floor, account, trade, lost, which):
    wish(floor, trade)
    with faults.wire(floor, lost(which)):
        move = settled(floor, account, trade)
    assert move.state == MoveState.DONE
    assert resting_at(floor, trade) == [closer(trade)]
    stops = trade.orders.filter(leg="stop").order_by("pk")
    assert [order.state for order in stops] == [State.CANCELED, State.OPEN]
    assert floor.paper.store.count("orders") == 5


class Died(BaseException):
    """The process is gone."""


PLACES = [
    "before_legs_down", "after_legs_down", "after_move_planned", "before_claim",
    "after_claim_before_send", "after_send_before_record",
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_f01_f02_f03_a_worker_that_dies_between_two_steps_leaves_the_rest_to_the_next_turn(
    floor, account, trade, monkeypatch, place
):
    wish(floor, trade)

    def die(name):
        if name == place:
            raise Died

    with monkeypatch.context() as patch:
        patch.setattr(failpoints, "reach", die)
        with pytest.raises(Died):
            floor.turn(account)
    move = settled(floor, account, trade)
    assert move.state == MoveState.DONE
    assert resting_at(floor, trade) == [closer(trade)]
    assert floor.paper.store.count("orders") == 5, "one pair each, never two"


def test_the_guard_finds_a_move_that_no_turn_came_for(floor, account, trade):
    from testudo import clock
    from trading.guard import due_accounts

    assert account.pk not in due_accounts(clock.now())
    wish(floor, trade)
    assert account.pk in due_accounts(clock.now())


def test_naked_milliseconds_are_those_between_the_two_stops(floor, account, trade):
    """By the exchange's clock: from the old stop's end to the new one's rest."""
    wish(floor, trade)

    def slow(request, go_on):
        if places_pair(request):
            floor.advance(timedelta(milliseconds=730))
        return go_on()

    with faults.wire(floor, slow):
        move = settled(floor, account, trade)
    assert move.naked_ms == trade.naked_ms == 730
