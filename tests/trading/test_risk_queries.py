"""The doors of risk ask the database as often for many trades and decisions as for few."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.trading.risky import won
from trading import decisions
from trading.api import accounts, risk_profile
from trading.breakers import lock_risk
from trading.models import Decision, EquityPoint, Trade

D = Decimal


@pytest.fixture(autouse=True)
def _prices(floor, monkeypatch):
    for view in (accounts.AccountRiskView, risk_profile.RiskProfileView):
        monkeypatch.setattr(view, "quote_of", staticmethod(floor.quote_of))


@pytest.fixture
def http(alice) -> Client:
    client = Client()
    client.force_login(alice, "accounts.sign_in.PasswordBackend")
    return client


def more_of(trade, count: int) -> None:
    """As many further trades like it, each with its decision and a point of the history."""
    for _ in range(count):
        with transaction.atomic():
            lock_risk(trade.account_id)
            record = decisions.record(trade.account_id, "placed", {"symbol": trade.symbol})
        copy = Trade.objects.get(pk=trade.pk)
        copy.pk, copy.decision = record.pk, record
        copy.save(force_insert=True)
        EquityPoint.objects.create(
            account=trade.account, at=trade.placed_at - timedelta(minutes=record.number),
            equity=D(1), nav=D(1), drawdown=D(0), heat=D(0), open_risk=D(0), exposure=D(0),
        )  # fmt: skip


def test_many_trades_and_decisions_cost_no_more_queries_than_few(http, floor, account, draw):
    trade = won(floor, account, draw())
    first = Decision.objects.filter(account=account).order_by("number").first()
    asked = f"?account={account.pk}"
    doors = [
        f"/api/v1/accounts/{account.pk}/risk",
        f"/api/v1/accounts/{account.pk}/risk/history?hours=24",
        f"/api/v1/accounts/{account.pk}/holdings",
        f"/api/v1/risk-profile{asked}",
        f"/api/v1/decisions{asked}",
        f"/api/v1/decisions/{first.pk}",
        f"/api/v1/decisions/export{asked}",
        "/risk/",
        "/settings/risk/",
        f"/risk/decisions/{first.pk}/",
    ]

    def count(path: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            answer = http.get(path)
            assert answer.status_code == 200, (path, answer.content[:200])
            b"".join(answer.streaming_content) if answer.streaming else answer.content
        return len(queries)

    for path in doors:
        count(path)  # what is made when first asked for
    more_of(trade, 2)
    few = {path: count(path) for path in doors}
    more_of(trade, 18)
    assert {path: count(path) for path in doors} == few
    assert max(few.values()) <= 25, few
