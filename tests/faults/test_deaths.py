"""A process dies around a protective order: nothing is sold twice, nobody is naked for long."""

from datetime import timedelta

import pytest

from testudo import clock, failpoints
from trading import guard, orders
from trading.exchange.factory import exchange_for
from trading.models import Order
from trading.order_states import State, TradeState


class Died(BaseException):
    """The process is gone here: nothing of the product may catch it."""


@pytest.fixture
def dies_at(monkeypatch):
    """Let the next process that reaches a place die there."""

    def arm(place: str) -> None:
        def reach(name: str) -> None:
            if name == place:
                monkeypatch.undo()
                raise Died

        monkeypatch.setattr(failpoints, "reach", reach)

    return arm


@pytest.mark.parametrize("place", ["after_claim_before_send", "after_send_before_record"])
def test_f01_f03_dying_around_the_send_of_a_stop_leaves_the_position_naked_five_seconds_at_most(
    floor, account, held, wait, dies_at, place
):
    legs = held.orders.get(leg="stop").list_client_order_id
    exchange_for(account).cancel_list("BTCUSDT", legs)
    floor.advance(timedelta(seconds=31))  # no stream tells it: the poll does
    dies_at(place)
    with pytest.raises(Died):
        floor.turn(account)
    stop = held.orders.filter(leg="stop").latest("created_at")
    assert stop.state == State.SENDING
    died = clock.now()
    for _ in range(5):
        floor.advance(timedelta(seconds=1))
        if account.pk in guard.due_accounts(clock.now()):
            floor.turn(account)
    stop = Order.objects.get(trade=held, leg="stop", state=State.OPEN)
    assert held.held - held.dust < stop.quantity <= held.held
    assert clock.now() - died <= timedelta(seconds=5)
    assert floor.paper.store.count("orders") == 5  # the bracket, and one pair


@pytest.mark.parametrize("place", ["after_claim_before_send", "after_send_before_record"])
def test_f01_f03_dying_around_the_send_of_an_exit_sells_once(
    floor, account, held, wait, dies_at, place
):
    orders.request_close(held.pk)
    dies_at(place)
    with pytest.raises(Died):
        floor.turn(account)
    trade = wait(held, 6)
    assert trade.state == TradeState.CLOSED
    assert trade.fills.filter(order__leg="exit").count() == 1
    sales = [each for each in floor.paper.engine.counters.trade.items() if each[0] == "BTCUSDT"]
    assert sales == [("BTCUSDT", 2)]  # one purchase, one sale, by the exchange's own count
