"""A database of the release before, with rows in it, is brought up to date (F56).

The rows are made by that release's models, as its migrations describe them. After the upgrade
today's models read them, and the old ones can still write: a release rolls out worker by worker.
"""

import os
from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from tests.running import fresh_database
from testudo import clock
from trading import models
from trading.book_facts import facts_of_account

pytestmark = pytest.mark.xdist_group("upgrade")  # one database for all of them

RELEASED = [("trading", "0006_newest_first")]
D = Decimal
PLAN = {
    "base_asset": "BTC", "currency": "USDT", "side": "long", "kind": "now",
    "entry": D(60000), "worst_entry": D(60060), "stop": D(59400), "target": D(62000),
    "quantity": D("0.1"), "planned_risk": D(80), "risk_budget": D(100), "risk_fraction": D("0.01"),
    "reward_to_risk": D(2), "fee_rate": D("0.001"), "dust": D("0.00001"),
}  # fmt: skip


@pytest.fixture(scope="module")
def database(django_db_blocker):
    """An empty database beside the tests' own, which is the default one meanwhile."""
    with pytest.MonkeyPatch.context() as patch, django_db_blocker.unblock():
        patch.delenv("TEST_DATABASE_TEMPLATE", raising=False)
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        name = urlsplit(fresh_database(f"upgrade_{worker}")).path.lstrip("/")
        before = connections["default"]
        patch.setitem(connections.databases["default"], "NAME", name)
        connections["default"] = connections.create_connection("default")
        yield connections["default"]
        connections["default"].close()
        connections["default"] = before


class Release:
    """The models of a release."""

    def __init__(self, apps) -> None:
        self.apps, self.made = apps, 0

    def make(self, model: str, **fields):
        room = "accounts" if model == "User" else "trading"
        return self.apps.get_model(room, model).objects.create(**fields)

    def trade(self, account, symbol: str, *, state: str):
        """A trade with its bracket; one that is open has filled, too."""
        self.made += 1
        now, number = clock.now(), self.made
        decision = self.make(
            "Decision", account=account, number=number, kind="placed", payload="{}", digest="d",
            hash="h", key_id="k",
        )  # fmt: skip
        opened = {"opened_at": now, "protected_at": now, "held": D("0.0999"), "initial_risk": 79}
        trade = self.make(
            "Trade", account=account, decision=decision, symbol=symbol, state=state,
            expires_at=now + timedelta(seconds=30), **PLAN, **(opened if state == "open" else {}),
        )  # fmt: skip
        for leg, kind in (("entry", "LIMIT"), ("stop", "STOP_LOSS"), ("target", "TAKE_PROFIT")):
            done = state == "open" and leg == "entry"
            order = self.make(
                "Order", account=account, trade=trade, leg=leg, symbol=symbol, type=kind,
                client_order_id=f"T{number}{leg}", list_client_order_id=f"L{number}",
                list_kind="OPOCO", side="BUY" if leg == "entry" else "SELL", quantity=D("0.1"),
                state="filled" if done else "open" if state == "open" else "planned",
                filled=D("0.1") if done else 0,
            )  # fmt: skip
            if done:
                self.make(
                    "Fill", account=account, order=order, trade=trade, symbol=symbol,
                    exchange_trade_id=number, price=D(60000), quantity=D("0.1"), at=now,
                    quote_quantity=D(6000), commission=D("0.0001"), commission_asset="BTC",
                    commission_quote=D(6),
                )  # fmt: skip
        return trade


@pytest.fixture(scope="module")
def released(database) -> Release:
    """The release before had a trader with an open trade, and an exchange that did not answer; then
    the database was brought up to date."""
    executor = MigrationExecutor(database)
    executor.migrate(RELEASED)
    old = Release(executor.loader.project_state(RELEASED).apps)
    user = old.make("User", username="alice", password="x", email="a@example.org")
    account = old.make(
        "ExchangeAccount", user=user, venue="paper", name="Practice", sealed_keys=b"x",
        key_fingerprint="f", key_hint="1234",
    )  # fmt: skip
    old.make("AccountRisk", account=account, day_start_equity=D(10000), day_start_at=clock.now())
    old.make("Balance", account=account, asset="USDT", free=D(4000), locked=0, as_of=clock.now(),
             booked=D(4000))  # fmt: skip
    old.make("VenueHealth", venue="paper", breaker="open", failures=5, opened_at=clock.now(),
             retry_at=clock.now(), last_error="HTTP 503")  # fmt: skip
    old.trade(account, "BTCUSDT", state="open")
    executor = MigrationExecutor(database)
    executor.migrate(executor.loader.graph.leaf_nodes())
    return old


def test_f56_an_open_trade_goes_on_as_it_was(released):
    trade = models.Trade.objects.get(symbol="BTCUSDT")
    assert (trade.kind, trade.state, trade.stop_now, trade.target_now) == (
        "now",
        "open",
        59400,
        62000,
    )
    assert (trade.management, trade.crossed_at, trade.cancel_entry_at) == ({}, None, None)
    assert trade.moves.count() == 0
    assert {order.part for order in trade.orders.all()} == {0}


def test_f56_the_account_is_read_as_before(released):
    account = models.ExchangeAccount.objects.get()
    facts = facts_of_account(account)
    stake = next(each for each in facts.stakes if each.symbol == "BTCUSDT")
    assert (stake.quantity, stake.stop) == (D("0.0999"), 59400)
    standing = next(each for each in facts.standing if each.symbol == "BTCUSDT")
    assert (facts.booked, standing.algo_orders) == (4000, 2)


def test_f56_a_breaker_that_stood_open_stands_open(released):
    breaker = models.VenueBreaker.objects.get()
    assert (breaker.venue, breaker.part, breaker.phase) == ("paper", "account", "open")
    assert (breaker.failures, breaker.last_error) == (5, "HTTP 503")


def test_f56_a_worker_of_the_release_before_goes_on_writing(released):
    account = released.apps.get_model("trading", "ExchangeAccount").objects.get()
    released.trade(account, "ETHUSDT", state="approved")
    fresh = models.Trade.objects.get(symbol="ETHUSDT")
    assert (fresh.kind, fresh.cancel_entry_why, fresh.orders.count()) == ("now", "", 3)
