"""Two workers with one task, a worker that wakes late, a COMMIT without its answer."""

from datetime import timedelta

import pytest
import requests
from django.db import OperationalError, connection

from tests.trading import faults
from testudo import clock, failpoints
from trading import guard, orders
from trading.models import Trade
from trading.order_states import State, TradeState


@pytest.fixture
def once_at(monkeypatch):
    """Let something happen when a place is reached, the first time."""

    def arm(place: str, act) -> None:
        left = [act]

        def reach(name: str) -> None:
            if name == place and left:
                left.pop()()

        monkeypatch.setattr(failpoints, "reach", reach)

    return arm


def orders_taken(floor) -> int:
    return floor.paper.store.count("orders")


def test_f05_an_answer_that_never_comes_leaves_one_order_found_and_protected(
    floor, account, draw, wait
):
    def never(request, go_on):
        answer = go_on()
        if faults.is_order(request):
            floor.advance(timedelta(seconds=10))  # the client's own time-out
            raise requests.ReadTimeout("held back")
        return answer

    trade = orders.place_trade(account, draw(), quote_of=floor.quote_of)
    with faults.wire(floor, never):
        floor.turn(account)
    trade = wait(trade, 3)
    assert trade.state == TradeState.OPEN
    assert trade.orders.get(leg="stop").state == State.OPEN
    assert orders_taken(floor) == 3


def test_f32_a_task_that_two_workers_got_sends_once(floor, account, draw, once_at):
    """The second runs its whole turn while the first is about to claim what both have seen."""
    trade = orders.place_trade(account, draw(), quote_of=floor.quote_of)
    once_at("before_claim", lambda: floor.turn(account))
    floor.turn(account)
    trade.refresh_from_db()
    assert trade.state == TradeState.OPEN
    assert orders_taken(floor) == 3


@pytest.mark.parametrize("seconds", [3, 30])
def test_f33_a_worker_stopped_between_claim_and_send_is_refused_by_the_exchange(
    floor, account, draw, wait, once_at, seconds
):
    """R5: others go on meanwhile, and take its lease; when it wakes its moment is over."""

    def stopped() -> None:
        for _ in range(seconds):
            floor.advance(timedelta(seconds=1))
            if account.pk in guard.due_accounts(clock.now()):
                floor.turn(account)

    trade = orders.place_trade(account, draw(), quote_of=floor.quote_of)
    once_at("after_claim_before_send", stopped)
    floor.turn(account)
    trade = wait(trade, 25)
    assert trade.state in (TradeState.REJECTED, TradeState.EXPIRED)
    assert orders_taken(floor) == 0


@pytest.mark.django_db(transaction=True)
def test_f40_a_placement_whose_commit_was_not_answered_is_there_once(
    floor, account, draw, monkeypatch
):
    commit, lost = connection.commit, [True]

    def unanswered() -> None:
        commit()
        if lost:
            lost.clear()
            connection.run_on_commit = []
            raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(connection, "commit", unanswered)
        with pytest.raises(OperationalError):
            orders.place_trade(account, draw(), quote_of=floor.quote_of)
    assert not lost
    trade = Trade.objects.get(account=account)
    floor.advance(timedelta(seconds=2))
    assert account.pk in guard.due_accounts(clock.now()), "nobody was woken: the guard finds it"
    floor.turn(account)
    trade.refresh_from_db()
    assert trade.state == TradeState.OPEN
    again = draw(symbol="BTCUSDT")
    with pytest.raises(orders.PlanRefused):  # what the page would send again
        orders.place_trade(account, again, quote_of=floor.quote_of)
    assert orders_taken(floor) == 3
