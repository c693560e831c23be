"""The same wish twice: two tabs, a double click, a retry after no answer; many wishes at once."""

import json
import threading
from uuid import uuid4

import pytest
from django.db import connections

from tests.trading.test_api import http, quotes
from testudo import clock
from trading import orders
from trading.models import Trade
from trading.order_states import FINISHED

__all__ = ["http", "quotes"]


@pytest.fixture
def plan(account, draw, quotes):
    """As the page sends it: with the price the trader saw, and when."""
    drawing, quote = draw(), quotes()
    return {
        "account": str(account.pk),
        "symbol": drawing.symbol,
        "side": "long",
        "entry": str(drawing.entry),
        "stop": str(drawing.stop),
        "target": str(drawing.target),
        "quoted_price": f"{quote.ask:f}",
        "quoted_at": clock.now().isoformat(),
        "risk_fraction": "0.005",
    }


def place(http, plan, key):
    return http.post("/api/v1/trades", plan, format="json", headers={"Idempotency-Key": key})


def test_f35_a_double_click_and_a_retry_are_one_trade_with_one_answer(http, plan):
    key = str(uuid4())
    answers = [place(http, plan, key) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len({json.dumps(answer.json(), sort_keys=True) for answer in answers}) == 1
    assert Trade.objects.count() == 1
    another_tab = place(http, plan, str(uuid4()))
    assert another_tab.status_code == 409
    assert Trade.objects.count() == 1


def test_f36_the_same_key_with_another_body_is_refused_and_places_nothing(http, plan):
    key = str(uuid4())
    assert place(http, plan, key).status_code == 201
    other = {**plan, "risk_fraction": "0.002"}
    assert place(http, other, key).status_code == 422
    assert Trade.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_f34_of_many_placements_at_once_exactly_those_that_fit_are_accepted(floor, account, draw):
    """One symbol holds one position: of eight at once one is accepted, seven refused in words."""
    drawing, outcomes = draw(), []
    gate = threading.Barrier(8)

    def submit() -> None:
        try:
            gate.wait(10)
            orders.place_trade(account, drawing, quote_of=floor.quote_of)
            outcomes.append("accepted")
        except orders.PlanRefused as refused:
            codes = {each.code for each in refused.verdicts if not each.ok}
            outcomes.append("refused" if "symbol_position" in codes else str(codes))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=submit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["accepted", *["refused"] * 7]
    assert Trade.objects.exclude(state__in=FINISHED).count() == 1
