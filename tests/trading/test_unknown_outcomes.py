"""No clear answer: the order is looked up, never sent again, and its fate is told."""

from datetime import timedelta
from decimal import Decimal

import pytest
import requests

from tests.trading import faults
from testudo.events.models import OutboxEvent
from trading import orders
from trading.bookkeeping import book_order
from trading.exchange.factory import exchange_for
from trading.exchange.paper.values import to_e8
from trading.models import Order
from trading.order_states import State, TradeState
from trading.reconcile import catch_up_trade

SECOND = timedelta(seconds=1)


def place(floor, account, drawing):
    return orders.place_trade(account, drawing, quote_of=floor.quote_of)


def wait_until_settled(floor, account, trade, *, seconds):
    for _ in range(seconds):
        floor.advance(SECOND)
        floor.turn(account)
    trade.refresh_from_db()
    return trade


@pytest.mark.parametrize("fault", [faults.lost_reply, faults.server_error, faults.truncated])
def test_an_order_whose_answer_is_lost_is_found_adopted_and_protected(floor, account, draw, fault):
    trade = place(floor, account, draw())
    with faults.wire(floor, fault):
        floor.turn(account)
    assert {o.state for o in trade.orders.all()} == {State.UNKNOWN}
    trade = wait_until_settled(floor, account, trade, seconds=3)
    assert trade.state == TradeState.OPEN
    assert trade.orders.get(leg="stop").state == State.OPEN
    assert floor.paper.store.count("orders") == 3  # the entry and its two legs, once


def test_an_order_that_never_arrived_expires_and_frees_its_risk(floor, account, draw):
    trade = place(floor, account, draw())
    with faults.wire(floor, faults.lost_request):
        floor.turn(account)
    trade = wait_until_settled(floor, account, trade, seconds=10)
    assert trade.state == TradeState.ENTERING, "not found yet is not absent"
    trade = wait_until_settled(floor, account, trade, seconds=15)
    assert trade.state == TradeState.EXPIRED
    assert floor.paper.store.count("orders") == 0
    told = OutboxEvent.objects.get(name="trading.entry_ended")
    assert "free again" in told.payload["text"]
    assert place(floor, account, draw()).state == TradeState.APPROVED


def test_a_claim_whose_worker_died_is_looked_up_after_its_lease(floor, account, draw):
    from trading.submission import claim

    trade = place(floor, account, draw())
    claim([order.pk for order in trade.orders.all()])  # and then the worker dies
    trade = wait_until_settled(floor, account, trade, seconds=13)
    assert {o.state for o in trade.orders.all()} == {State.SENDING}
    trade = wait_until_settled(floor, account, trade, seconds=12)
    assert trade.state == TradeState.EXPIRED
    assert floor.paper.store.count("orders") == 0


def test_a_claim_can_be_won_once(floor, account, draw):
    from trading.submission import claim

    trade = place(floor, account, draw())
    ids = [order.pk for order in trade.orders.all()]
    assert len(claim(ids)) == 3
    assert claim(ids) == []


def test_a_worker_that_wakes_late_is_refused_by_the_exchange_itself(floor, account, draw):
    """R5: the claim's moment is signed, with a window of two seconds."""
    from trading.submission import _send, claim, record

    trade = place(floor, account, draw())
    claimed = claim([order.pk for order in trade.orders.all()])
    floor.advance(timedelta(seconds=3))
    outcome = _send(claimed, exchange_for(account))
    record(claimed, outcome)
    trade.refresh_from_db()
    assert outcome.code == -1021
    assert trade.state == TradeState.REJECTED
    assert floor.paper.store.count("orders") == 0


def test_an_entry_not_sent_in_time_is_not_sent_at_all(floor, account, draw):
    trade = place(floor, account, draw())
    floor.advance(timedelta(seconds=31))
    floor.turn(account)
    trade.refresh_from_db()
    assert trade.state == TradeState.EXPIRED
    assert floor.paper.store.count("orders") == 0


def test_a_stop_the_trader_cancels_at_the_exchange_is_put_back(floor, account, draw):
    trade = place(floor, account, draw())
    floor.turn(account)
    stop = trade.orders.get(leg="stop")
    exchange_for(account).cancel_list("BTCUSDT", stop.list_client_order_id)
    for _ in range(2):  # a poll of the exchange, as without its stream
        floor.advance(timedelta(seconds=30))
        floor.turn(account)
    stops = Order.objects.filter(trade=trade, leg="stop").order_by("created_at")
    assert [order.state for order in stops] == [State.CANCELED, State.OPEN]
    assert stops[1].quantity == stops[0].quantity


def test_a_leg_that_fills_after_its_siblings_expiry_was_told_sells_nothing_twice(
    floor, account, draw
):
    """When one leg of a pair triggers, the exchange reports the other's end first. With other coin
    of the same kind in the wallet a new pair would be accepted: so the exchange is asked first."""
    other = to_e8("2")
    floor.paper.deposit(1, "BTC", other)
    drawing = draw()
    trade = place(floor, account, drawing)
    floor.turn(account)
    floor.advance(SECOND)
    floor.paper.move("BTCUSDT", to_e8(drawing.target + 50), 2000)
    for _ in range(4):
        floor.advance(SECOND)
    exchange = exchange_for(account)
    stop = trade.orders.get(leg="stop")
    expired = exchange.find_order("BTCUSDT", stop.client_order_id)
    assert expired.status == "EXPIRED"
    book_order(account.pk, expired)  # all that the stream has told so far
    floor.turn(account)
    trade.refresh_from_db()
    assert trade.state == TradeState.CLOSED
    assert floor.paper.store.count("orders") == 3
    assert not OutboxEvent.objects.filter(name="trading.position_unprotected").exists()
    held = {each.asset: each.free for each in exchange.balances()}
    assert held["BTC"] > Decimal("1.999")  # less the entry's fee, taken from it


def test_a_position_is_told_protected_once(floor, account, draw):
    trade = place(floor, account, draw())
    floor.turn(account)
    catch_up_trade(trade.pk, exchange=exchange_for(account))
    catch_up_trade(trade.pk, exchange=exchange_for(account))
    assert OutboxEvent.objects.filter(name="trading.position_protected").count() == 1


def test_a_position_whose_stop_is_refused_is_closed(floor, account, draw):
    trade = place(floor, account, draw())
    floor.turn(account)
    stop = trade.orders.get(leg="stop")
    exchange_for(account).cancel_list("BTCUSDT", stop.list_client_order_id)

    def refuse(request, go_on):
        if request.method == "POST" and request.url.endswith("/orderList/oco"):
            response = requests.Response()
            response.status_code = 400
            response._content = b'{"code":-2010,"msg":"Stop price would trigger immediately."}'
            return response
        return go_on()

    with faults.wire(floor, refuse):
        for _ in range(2):
            floor.advance(timedelta(seconds=30))
            floor.turn(account)
    trade.refresh_from_db()
    assert trade.state == TradeState.CLOSED
    assert trade.orders.get(leg="exit").state == State.FILLED
