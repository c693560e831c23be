"""What the pages read of an account's risk: every limit with its room, and the way back."""

from datetime import timedelta
from decimal import Decimal

import pytest
import redis
from rest_framework.test import APIClient

from risk.breaker import Cause
from tests.trading.risky import SECOND, asleep, opened, stopped_out
from testudo import clock
from trading import book_cache, breakers, reconcile, venue_health
from trading.exchange.factory import exchange_for
from trading.market import prices
from trading.periods import begin_days

BACKEND = "accounts.sign_in.PasswordBackend"
KEYS = {
    "account", "currency", "state", "state_reason", "state_until", "at", "version", "equity",
    "cash", "locked", "available", "holdings", "nav", "peak_nav", "drawdown", "day", "week", "heat",
    "day_loss", "positions", "streak", "reconciled", "messages", "gauges", "by_symbol", "breakers",
    "warnings", "pending_changes", "unprotected", "naked", "exchange",
}  # fmt: skip


@pytest.fixture
def http(alice, floor):
    client = APIClient()
    client.force_login(alice, BACKEND)
    with prices.quoted_by(floor.quote_of):
        yield client


def panel(http, account) -> dict:
    answer = http.get(f"/api/v1/accounts/{account.pk}/risk")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_the_panel_says_what_the_contract_names(http, floor, account, draw):
    begin_days([account], quote_of=floor.quote_of)
    trade = opened(floor, account, draw())
    it = panel(http, account)
    assert set(it) == KEYS
    assert [each["symbol"] for each in it["by_symbol"]] == ["BTCUSDT"]
    assert Decimal(it["by_symbol"][0]["heat"]) == Decimal(it["heat"]["value"])
    assert (it["day"]["start_equity"], it["week"]["flows"]) == ("10000", "0")
    assert all(isinstance(each["used"], str) for each in it["gauges"])
    assert it["holdings"] == [], "what a trade holds is no holding"
    assert trade.held > 0
    assert (it["unprotected"], it["exchange"]) == ([], None)
    assert it["naked"] == {
        "days": 30, "trades": 1, "p50_ms": trade.naked_ms, "p99_ms": trade.naked_ms,
        "longest_ms": trade.naked_ms, "unprotected_now": 0,
    }  # fmt: skip


def test_a_position_without_a_stop_is_named_with_the_moment_it_began(http, floor, account, draw):
    trade = opened(floor, account, draw())
    exchange = exchange_for(account)
    exchange.cancel_list(trade.symbol, trade.orders.get(leg="stop").list_client_order_id)
    reconcile.catch_up_trade(trade.pk, exchange=exchange)
    it = panel(http, account)
    [bare] = it["unprotected"]
    assert (bare["trade"], bare["symbol"], bare["state"]) == (str(trade.pk), "BTCUSDT", "open")
    assert Decimal(bare["held_quantity"]) == trade.held
    assert bare["since"] == clock.now().isoformat().replace("+00:00", "Z")
    assert it["naked"]["unprotected_now"] == 1
    floor.turn(account)
    assert panel(http, account)["unprotected"] == []


def test_a_silent_exchange_says_what_protects_what_works_and_what_waits(http, account):
    for _ in range(venue_health.MOST_FAILURES):
        venue_health.note_failure("paper", "timed out", part=venue_health.Part.ORDERS)
    trouble = panel(http, account)["exchange"]
    assert (trouble["title"], trouble["phase"]) == ("The paper exchange is down", "open")
    assert trouble["fails"] == "The paper exchange does not answer orders (timed out)."
    assert "it fills them whether or not it answers us" in trouble["protects"]
    assert "sent again until it answers" in trouble["works"]
    assert trouble["waits"].startswith("New trades wait.")
    assert trouble["parts"] == ["orders"]


def test_where_orders_still_pass_closing_does_too(http, account):
    for _ in range(venue_health.MOST_FAILURES):
        venue_health.note_failure("paper", "silent", part=venue_health.Part.PRICES)
    trouble = panel(http, account)["exchange"]
    assert trouble["title"] == "The paper exchange sends no prices"
    assert "sent at once" in trouble["works"]


def test_coins_nobody_manages_are_shown_apart(http, floor, account):
    floor.advance(SECOND)
    floor.paper.deposit(1, "BTC", 50_000_000)
    asleep(floor, account, SECOND)
    it = panel(http, account)
    (holding,) = it["holdings"]
    assert (holding["asset"], holding["quantity"]) == ("BTC", "0.5")
    assert Decimal(holding["value"]) > 1_000
    assert it["equity"] == "10000"


def test_an_open_breaker_says_why_and_how_it_ends(http, account):
    breakers.open_breaker(account.pk, Cause.OPERATOR, reason="On holiday")
    it = panel(http, account)
    (stopped,) = it["breakers"]
    assert (it["state"], it["state_reason"]) == ("halted", "On holiday")
    assert (stopped["cause"], stopped["phase"], stopped["reason"]) == (
        "operator", "open", "On holiday",
    )  # fmt: skip
    assert "password" in stopped["way_back"]
    assert "exits" in stopped["way_back"].lower()


def test_the_panel_is_the_same_without_redis(http, floor, account, draw, monkeypatch):
    opened(floor, account, draw())
    whole = panel(http, account)
    away = redis.Redis(port=1, socket_connect_timeout=0.1)
    monkeypatch.setattr("trading.book_cache.client", lambda: away)
    book_cache.forget()
    assert panel(http, account) == whole


def test_the_history_is_that_of_the_hours_asked_for(http, floor, account, draw):
    stopped_out(floor, account, draw())
    url = f"/api/v1/accounts/{account.pk}/risk/history"
    points = http.get(url).json()["points"]
    assert set(points[0]) == {"at", "equity", "nav", "heat", "exposure", "open_risk", "drawdown"}
    assert Decimal(points[-1]["drawdown"]) > 0
    floor.advance(timedelta(hours=2))
    assert http.get(f"{url}?hours=1").json()["points"] == []


@pytest.mark.parametrize("hours", ["0", "-1", "1e3", "NaN", "٢٤", "99999", "1.5"])
def test_hours_that_are_none_are_refused_by_name(hours, http, account):
    answer = http.get(f"/api/v1/accounts/{account.pk}/risk/history", {"hours": hours})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "hours"


def test_anothers_account_is_absent(account, django_user_model):
    mallory = django_user_model.objects.create_user("mallory", "m@example.com", "a password")
    client = APIClient()
    client.force_login(mallory, BACKEND)
    for path in ("risk", "risk/history"):
        assert client.get(f"/api/v1/accounts/{account.pk}/{path}").status_code == 404
