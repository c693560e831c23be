"""An exchange that answers no question, or a step that fails as nobody foresaw: what closes the
account's other trades is sent all the same."""

from decimal import Decimal

import pytest
import requests
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.trading.faults import wire
from tests.trading.risky import SECOND, opened
from trading import ooda, orders, reconcile
from trading.decide import CatchUp, decide, orient
from trading.exchange.factory import exchange_for
from trading.models import ExchangeAccount, Order
from trading.order_states import State, TradeState

SMALL = "0.002"


def deaf_to_questions(request, go_on):
    if request.method == "GET":
        raise requests.ReadTimeout("no answer")
    return go_on()


@pytest.fixture
def two(floor, account, draw):
    """The older is due to be asked about; then the younger is to be closed."""
    older = opened(floor, account, draw(risk_fraction=Decimal(SMALL)))
    floor.advance(SECOND)
    younger = opened(floor, account, draw("ETHUSDT", risk_fraction=Decimal(SMALL)))
    floor.advance(31 * SECOND)
    steps = decide(orient(ooda.observe(account.pk)))
    assert isinstance(steps[0], CatchUp)
    assert steps[0].trade_id == older.pk
    orders.request_close(younger.pk)
    return older, younger


def resting(account, symbol):
    return exchange_for(account).open_orders(symbol)


def test_a_trade_is_closed_while_questions_about_another_go_unanswered(floor, account, two):
    older, younger = two
    assert resting(account, "BTCUSDT")
    assert resting(account, "ETHUSDT")
    with wire(floor, deaf_to_questions):
        for _ in range(3):
            ooda.run_turn(account.pk, exchange=exchange_for(account))
    assert resting(account, "BTCUSDT")
    assert not resting(account, "ETHUSDT")
    exit_order = Order.objects.get(trade=younger, leg="exit")
    assert exit_order.claimed_at is not None
    assert floor.paper.engine.counters.trade["ETHUSDT"] >= 2, "bought, and sold"
    floor.advance(3 * SECOND)
    floor.turn(account)
    younger.refresh_from_db()
    older.refresh_from_db()
    assert (younger.state, older.state) == (TradeState.CLOSED, TradeState.OPEN)


def test_a_turn_asks_an_exchange_that_does_not_answer_once(floor, account, two):
    asked = []

    def deaf(request, go_on):
        if not request.url.endswith(
            "/api/v3/time"
        ):  # asked whenever our clock seems to have jumped
            asked.append(request.method)
        return deaf_to_questions(request, go_on)

    with wire(floor, deaf):
        ooda.run_turn(account.pk, exchange=exchange_for(account))
    assert asked.count("GET") == 2, "about the older, once; and about what was then sent"


def test_a_step_that_fails_as_nobody_foresaw_keeps_no_other_trade_open(
    floor, account, two, monkeypatch
):
    older, younger = two
    as_it_is = reconcile.catch_up_trade

    def broken(trade_id, *, exchange):
        if trade_id == older.pk:
            raise LookupError("nobody foresaw this")
        return as_it_is(trade_id, exchange=exchange)

    monkeypatch.setattr("trading.ooda.reconcile.catch_up_trade", broken)
    with pytest.raises(LookupError, match="foresaw"):
        ooda.run_turn(account.pk, exchange=exchange_for(account))
    younger.refresh_from_db()
    assert younger.close_requested_at is not None
    assert not resting(account, "ETHUSDT")
    assert Order.objects.get(trade=younger, leg="exit").state == State.FILLED


def test_an_entry_that_must_wait_is_tried_once_a_turn(floor, account, draw):
    trade = orders.place_trade(account, draw(), quote_of=floor.quote_of)
    ExchangeAccount.objects.update(stream_gap=True)
    with CaptureQueriesContext(connection) as asked:
        assert ooda.run_turn(account.pk, exchange=exchange_for(account)) == 0
    claims = [each for each in asked.captured_queries if "FOR NO KEY UPDATE" in each["sql"]]
    assert len(claims) == 1
    assert trade.orders.filter(state=State.PLANNED).count() == 3
