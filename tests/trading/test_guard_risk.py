"""The guard's look at risk: whatever Celery, Redis and the pages do, limits are kept."""

from datetime import timedelta
from decimal import Decimal

import orjson
import pytest

from risk.breaker import Cause
from tests.trading.risky import opened, risk_of
from testudo import clock
from trading import breakers, guard, limits, risk_live
from trading.actors import Actor
from trading.book import limits_of
from trading.market import prices
from trading.models import Trade, VenueHealth


@pytest.fixture(autouse=True)
def _prices(floor):
    with prices.quoted_by(floor.quote_of):
        yield


def test_accounts_with_nothing_at_stake_are_left_alone(floor, account):
    assert guard.look_after_risk(clock.now()) == 0
    assert risk_of(account).day is not None, "but their day begins"


def test_a_position_an_open_breaker_and_an_uncounted_trade_are_looked_at(floor, account, draw):
    opened(floor, account, draw())
    assert guard.look_after_risk(clock.now()) == 1


def test_what_the_monitor_measured_lately_is_not_swept_once_more(floor, account, draw):
    opened(floor, account, draw())
    key = risk_live.live_key(account.pk)

    def swept_with(frame: bytes) -> int:
        prices.client().set(key, frame, ex=5)
        return guard.look_after_risk(clock.now())

    try:
        now = clock.now()
        assert swept_with(orjson.dumps({"risk": {"at": now.isoformat()}})) == 0
        old = now - risk_live.WATCHED_WITHIN - timedelta(seconds=1)
        assert swept_with(orjson.dumps({"risk": {"at": old.isoformat()}})) == 1
        assert swept_with(b"no frame") == 1
        breakers.open_breaker(account.pk, Cause.STOP_OUTS, reason="Four times", until=None)
        assert swept_with(orjson.dumps({"risk": {"at": now.isoformat()}})) == 1
    finally:
        prices.client().delete(key)


def test_who_has_no_stop_comes_before_who_is_only_asked_about(floor, alice, draw):
    accounts = [
        floor.open_account(alice, name=f"A{n}", balances={"USDT": "9000"}) for n in range(4)
    ]
    trades = [opened(floor, each, draw()) for each in accounts]
    floor.advance(timedelta(seconds=31))  # every one is due to be asked about
    for naked in (trades[2], trades[0], trades[3]):
        Trade.objects.filter(state="open").update(naked_since=None)
        Trade.objects.filter(pk=naked.pk).update(naked_since=clock.now())
        due = guard.due_accounts(clock.now())
        assert due[0] == naked.account_id
        assert sorted(due) == sorted(each.pk for each in accounts)


def test_a_pause_that_is_over_ends_by_the_guard_alone(floor, account):
    until = clock.now() + timedelta(hours=4)
    breakers.open_breaker(account.pk, Cause.STOP_OUTS, reason="Four times", until=until)
    guard.look_after_risk(clock.now())
    assert risk_of(account).state == "reducing"
    floor.advance(timedelta(hours=4))
    guard.look_after_risk(clock.now())
    assert risk_of(account).state == "active"


def test_a_loosening_takes_effect_by_the_guard_when_its_time_has_come(floor, account):
    by = Actor("trader", account.user_id)
    guard.look_after_risk(clock.now())
    limits.ask(account, {"max_risk": Decimal("0.02")}, by=by)
    guard.look_after_risk(clock.now())
    assert limits_of(account).max_risk == Decimal("0.01")
    for _ in range(5):
        floor.advance(timedelta(hours=12))
        guard.look_after_risk(clock.now())
    assert limits_of(account).max_risk == Decimal("0.02")


def test_one_accounts_trouble_does_not_keep_the_others_waiting(floor, account, alice, monkeypatch):
    from django.db import OperationalError

    other = floor.open_account(alice, name="Other", balances={"USDT": "500"})
    for each in (account, other):
        breakers.open_breaker(each.pk, Cause.HEAT, reason="Too hot")
    real = breakers.sweep

    def sweep(each, **options):
        if each.pk == account.pk:
            raise OperationalError("lock timeout")
        real(each, **options)

    monkeypatch.setattr("trading.guard.breakers.sweep", sweep)
    assert guard.look_after_risk(clock.now()) == 1
    assert risk_of(other).state == "active"


def test_a_venue_that_does_not_answer_is_noted(account, monkeypatch):
    monkeypatch.setattr("trading.guard.BinanceExchange.clock_reading", lambda self: None)
    for _ in range(5):
        guard.look_at_venues()
    assert VenueHealth.objects.get(venue="paper").breaker == "open"


def test_the_guards_own_look_is_the_probe_that_closes_it(floor, account, monkeypatch):
    monkeypatch.setattr("trading.guard.BinanceExchange.clock_reading", lambda self: None)
    for _ in range(5):
        guard.look_at_venues()
    monkeypatch.setattr("trading.guard.BinanceExchange.clock_reading", lambda self: (3, 4))
    guard.look_at_venues()
    assert VenueHealth.objects.get(venue="paper").breaker == "open"
    floor.advance(timedelta(seconds=60))
    guard.look_at_venues()
    row = VenueHealth.objects.get(venue="paper")
    assert (row.breaker, row.clock_uncertainty_ms) == ("closed", 4)
