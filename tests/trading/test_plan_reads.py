"""What a plan is judged by: one statement, and it says what the rows say."""

import dataclasses
import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from risk.limits import DEFAULTS
from risk.models import RiskProfile
from tests.trading.risky import opened, risk_of
from testudo import clock
from trading import global_halt, orders
from trading.actors import OPERATOR
from trading.api.views import PreviewView
from trading.book import read_book
from trading.book_known import read_known
from trading.book_stamp import stamp_of
from trading.market.candles import Minute, upsert_candles
from trading.market.symbols import rules
from trading.models import AccountBreaker, AccountRisk, Balance, FeeRate, VenueHealth
from trading.plan_reads import read_for_plan
from trading.venue_health import note_failure

BTC = "BTCUSDT"
BACKEND = "accounts.sign_in.PasswordBackend"
SMALL = Decimal("0.002")


def reads(account):
    return read_for_plan(account, rules("paper", BTC))


def columns(row) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_the_rows_are_those_the_models_read_one_by_one(floor, account, draw):
    opened(floor, account, draw(risk_fraction=SMALL))
    FeeRate.objects.filter(account=account, symbol=BTC).delete()
    rate = FeeRate.objects.create(
        account=account, symbol=BTC, maker="0.0007", taker="0.0009", max_base="3"
    )
    mine = {"max_risk": Decimal("0.004"), "max_positions": 3}
    RiskProfile.objects.update_or_create(account_id=account.pk, defaults=mine)
    AccountRisk.objects.filter(pk=account.pk).update(warned=["portfolio_heat"])
    note_failure("paper", "a timeout")
    it = reads(account)
    assert columns(it.risk) == columns(risk_of(account))
    assert columns(it.health) == columns(VenueHealth.objects.get(pk="paper"))
    assert columns(it.rate) == columns(FeeRate.objects.get(pk=rate.pk))
    assert columns(it.coin) == columns(Balance.objects.get(account=account, asset="BTC"))
    assert it.limits.max_positions == 3
    assert it.limits == RiskProfile.objects.get(account_id=account.pk).limits()
    assert it.free == {"BTC": it.coin.free, "BNB": 0}
    assert it.known.stamp == stamp_of(account.pk)
    assert it.known == read_known(account.pk, venue="paper")


def test_what_was_never_stored_is_read_as_its_default(floor, account):
    FeeRate.objects.all().delete()
    Balance.objects.all().delete()
    RiskProfile.objects.all().delete()
    VenueHealth.objects.all().delete()
    it = reads(account)
    assert it.limits == DEFAULTS
    assert (it.rate, it.coin, it.free) == (None, None, {"BTC": 0, "BNB": 0})
    assert (it.health.venue, it.health.breaker) == ("paper", "closed")
    assert (it.switch.halted, it.low, it.high) == (False, None, None)
    assert (it.known.half_size, it.known.order_room) == (False, None)


def test_a_halt_of_all_trading_and_a_half_open_breaker_are_in_it(floor, account):
    global_halt.halt_all(reason="a drill", by=OPERATOR)
    AccountBreaker.objects.create(
        account=account, cause="losing_streak", phase="half_open", reason="three losses",
        opened_at=clock.now(),
    )  # fmt: skip
    it = reads(account)
    assert it.switch.halted
    assert it.switch.reason == "a drill"
    assert it.known.half_size


def test_only_the_candles_the_exchange_still_averages_are_looked_at(floor, account):
    now = clock.now_ms() // 60_000 * 60_000
    minutes = rules("paper", BTC).average_minutes
    for ago, low, high in [(1, "59000", "61000"), (minutes, "58000", "62000"), (99, "1", "999999")]:
        one = Minute(now - ago * 60_000, low, high, low, high, "1")
        upsert_candles("paper", BTC, [one])
    it = reads(account)
    assert (it.low, it.high) == (58_000, 62_000)


def test_the_room_for_orders_comes_back_with_time_in_a_cached_book_too(floor, account, draw):
    room = read_known(account.pk, venue="paper").order_room
    opened(floor, account, draw())

    def cached():
        facts = {"symbol": "", "quote_of": floor.quote_of, "fresh": False}
        return read_book(account, risk=risk_of(account), **facts).order_room

    assert cached() == room - 3
    floor.advance(timedelta(seconds=11))
    assert cached() == room


@pytest.fixture
def ask(floor, alice, monkeypatch):
    """A preview over HTTP, and how many statements it took."""
    monkeypatch.setattr(PreviewView, "quote_of", staticmethod(floor.quote_of))
    client = APIClient()
    client.force_login(alice, BACKEND)

    def preview(account, drawing):
        lines = {name: str(getattr(drawing, name)) for name in ("entry", "stop", "target")}
        body = {
            "account": str(account.pk),
            "symbol": drawing.symbol,
            "side": "long",
            "risk_fraction": str(drawing.risk_fraction),
            **lines,
        }
        raw = json.dumps(body)
        with CaptureQueriesContext(connection) as asked:
            answer = client.post("/api/v1/plans/preview", raw, content_type="application/json")
        assert answer.status_code == 200, answer.content
        return answer.json(), len(asked)

    return preview


@pytest.mark.parametrize("symbol", [BTC, "ETHUSDT"])
def test_a_warm_preview_takes_three_statements_whether_it_passes_or_not(
    symbol, floor, account, draw, ask
):
    opened(floor, account, draw(BTC, risk_fraction=SMALL))
    drawing = draw(symbol, risk_fraction=SMALL)
    ask(account, drawing)
    said, statements = ask(account, drawing)
    assert said["ok"] is (symbol != BTC)
    assert bool(said["fixes"]) is not said["ok"]
    assert statements <= 3


@pytest.mark.parametrize("refused", [True, False])
def test_a_placement_takes_few_statements_while_others_wait(
    refused, floor, account, draw, django_assert_max_num_queries
):
    opened(floor, account, draw("ETHUSDT", risk_fraction=SMALL))
    drawing = draw(BTC, risk_fraction=Decimal("0.018") if refused else SMALL)
    drawing = dataclasses.replace(drawing, acknowledged=frozenset({"large_risk"}))
    with django_assert_max_num_queries(8 if refused else 5):  # the savepoint's two among them
        try:
            orders.place_trade(account, drawing, quote_of=floor.quote_of)
        except orders.PlanRefused:
            assert refused
        else:
            assert not refused
