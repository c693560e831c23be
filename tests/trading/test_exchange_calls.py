"""The exchange's answers about a trade are kept word for word, bounded, and without secrets."""

import json

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from tests.trading.risky import opened
from trading import exchange_calls
from trading.exchange.factory import exchange_for
from trading.exchange.venue_clock import clock_of
from trading.models import ExchangeCall


def calls_of(trade, method):
    return [each for each in trade.exchange_calls.all() if each.method == method]


def test_the_answer_to_an_order_is_kept_as_it_came(floor, account, draw):
    trade = opened(floor, account, draw())
    (placed,) = calls_of(trade, "POST")
    assert placed.path.startswith("/api/v3/orderList/opoco?")
    assert placed.status == 200
    ids = {each["clientOrderId"] for each in json.loads(placed.answer)["orders"]}
    assert ids == set(trade.orders.values_list("client_order_id", flat=True))


def test_it_keeps_neither_signature_nor_key(floor, account, draw):
    trade = opened(floor, account, draw())
    for call in trade.exchange_calls.all():
        assert "signature" not in call.path
        assert "timestamp" not in call.path


def test_a_question_asked_again_is_kept_when_its_answer_changes(floor, account, draw):
    trade = opened(floor, account, draw())
    before = len(calls_of(trade, "GET"))
    assert before
    with exchange_calls.about(trade.pk):
        for call in calls_of(trade, "GET")[-1:]:
            again = ExchangeCall(method="GET", path=call.path, status=200, answer=call.answer, ms=1)
            exchange_calls._heard.get().append(again)
    assert len(calls_of(trade, "GET")) == before


def test_a_look_at_the_exchanges_clock_on_the_way_is_not_kept(floor, account, draw):
    trade = opened(floor, account, draw())
    before = trade.exchange_calls.count()
    clock_of("paper").doubt()  # so that the exchange is really asked
    with exchange_calls.about(trade.pk):
        assert exchange_for(account).clock_reading() is not None
    assert trade.exchange_calls.count() == before


def test_a_trade_keeps_no_more_than_its_share(floor, account, draw, monkeypatch):
    trade = opened(floor, account, draw())
    most = trade.exchange_calls.count() + 1
    monkeypatch.setattr("trading.exchange_calls.MOST_CALLS", most)
    with exchange_calls.about(trade.pk):
        for number in range(3):
            call = ExchangeCall(method="POST", path="/x", status=200, answer=str(number), ms=1)
            exchange_calls._heard.get().append(call)
    assert trade.exchange_calls.count() == most


def test_a_database_that_refuses_stops_no_turn(floor, account, draw, monkeypatch):
    class Full:
        def cursor(self):
            raise DatabaseError("the disk is full")

    monkeypatch.setattr("trading.exchange_calls.connection", Full())
    trade = opened(floor, account, draw())
    assert trade.protected_at is not None
    assert not trade.exchange_calls.exists()


def test_the_database_lets_nobody_change_or_sign_one(floor, account, draw):
    trade = opened(floor, account, draw())
    for change in (
        lambda: trade.exchange_calls.update(answer="{}"),
        lambda: trade.exchange_calls.all().delete(),
    ):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            change()
    with pytest.raises(IntegrityError, match="keeps_no_signature"), transaction.atomic():
        ExchangeCall.objects.create(
            trade=trade, method="GET", path="/x?signature=ab", status=200, answer="", ms=1
        )
