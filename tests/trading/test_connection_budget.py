"""R21: sessions of the user streams are begun within what the exchange takes from one address."""

from datetime import timedelta

import pytest
import redis

from testudo import clock
from trading import connection_budget
from trading.connection_budget import WINDOW, begin
from trading.exchange.port import RequestsHeld
from trading.management.commands.stream_accounts import WEIGHT_OF_SESSION, _take_room
from trading.models import ExchangeAccount
from trading.rate_budget import budget_of, client

MOST = 9  # nine tenths of ten


@pytest.fixture(autouse=True)
def _fresh(db, monkeypatch, settings):
    settings.PAPER_CONNECTION_LIMIT = 10
    monkeypatch.setattr(connection_budget, "_alone", {})
    client().delete("connections:{paper}", "connections:{binance}")
    yield
    client().delete("connections:{paper}", "connections:{binance}")


@pytest.fixture
def moment(floor):
    return floor.moment


def room_after(venue="paper") -> timedelta:
    """How long there is no room."""
    with pytest.raises(RequestsHeld) as held:
        begin(venue)
    return held.value.until - clock.now()


def test_no_more_sessions_are_begun_than_fit_in_any_five_minutes(moment):
    for number in range(MOST):
        begin("paper")
        if number == 0:
            moment.advance(timedelta(seconds=100))
    assert room_after() == WINDOW - timedelta(seconds=100)
    moment.advance(timedelta(seconds=199))
    assert room_after() == timedelta(seconds=1)
    moment.advance(timedelta(seconds=1))
    begin("paper")  # in the place of the first
    assert room_after() == timedelta(seconds=100)


def test_each_venue_counts_for_itself_and_what_it_documents_holds_outside_of_paper(moment):
    for _ in range(MOST):
        begin("paper")
    for _ in range(270):
        begin("binance")
    assert room_after("binance") == WINDOW


def test_without_redis_each_process_keeps_to_its_half(moment, monkeypatch):
    def away():
        raise redis.ConnectionError("away")

    monkeypatch.setattr(connection_budget, "client", away)
    for _ in range(MOST // 2):
        begin("paper")
        moment.advance(timedelta(seconds=1))
    assert room_after() == WINDOW - timedelta(seconds=MOST // 2)
    moment.advance(WINDOW - timedelta(seconds=MOST // 2))
    begin("paper")
    assert room_after() == timedelta(seconds=1)


def test_a_session_that_finds_no_room_costs_no_weight(moment):
    assert ExchangeAccount.objects.count() == 0
    for _ in range(MOST):
        begin("paper")
    budget = budget_of("paper")
    budget.take(1)
    used = budget._used
    with pytest.raises(RequestsHeld, match="sessions were begun"):
        _take_room("paper")
    budget.take(1)
    assert budget._used == used + 1


def test_a_session_for_which_a_minute_has_no_weight_left_counts_as_none(moment):
    budget = budget_of("paper")
    while True:
        try:
            budget.take(WEIGHT_OF_SESSION)
        except RequestsHeld:
            break
    with pytest.raises(RequestsHeld, match="This minute"):
        _take_room("paper")
    assert client().zcard("connections:{paper}") == 0
