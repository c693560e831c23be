"""The cap over all live accounts of one trader: their sums, one NAV, one lock before theirs."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from testudo import clock
from trading import flows, orders
from trading.book import read_book
from trading.connecting import store_account
from trading.credentials import ApiKeys
from trading.market.symbols import store_rules
from trading.models import AccountRisk, Balance, TraderRisk
from trading.risk_lock import lock_trader
from trading.trader_totals import trader_totals


def nothing(venue, symbol):
    return None


@pytest.fixture
def live(db, alice):
    """Opens a live account with some money, without an exchange behind it."""

    def opened(name: str, money: str):
        keys = ApiKeys(f"key-{name}-0123456789", "secret")
        account = store_account(alice, venue="binance", name=name, keys=keys)
        Balance.objects.create(
            account=account, asset="USDT", free=Decimal(money), locked=0, as_of=clock.now()
        )
        flows.compare_cash(account, total=Decimal(money), at=clock.now(), quote_of=nothing)
        return account

    return opened


def test_a_paper_account_has_no_trader_above_it(account):
    assert trader_totals(account, quote_of=nothing) is None
    assert lock_trader(account) is None


def test_the_only_live_account_is_its_own_cap(live):
    assert trader_totals(live("One", "1000"), quote_of=nothing) is None


def test_two_live_accounts_are_summed(live):
    one, _ = live("One", "1000"), live("Two", "3000")
    found = trader_totals(one, quote_of=nothing)
    assert (found.equity, found.day_start_equity, found.heat) == (4_000, 4_000, 0)
    assert found.drawdown == 0
    book = read_book(one, risk=AccountRisk.objects.get(account=one), symbol="", quote_of=nothing)
    assert (book.equity, book.trader) == (1_000, found)


def test_other_currencies_and_other_traders_are_not_in_it(live, django_user_model):
    one, other = live("One", "1000"), live("Two", "3000")
    other.currency = "EUR"
    other.save()
    assert trader_totals(one, quote_of=nothing) is None
    other.currency = "USDT"
    other.user = django_user_model.objects.create_user("mallory", "m@example.com", "a password")
    other.save()
    assert trader_totals(one, quote_of=nothing) is None


def test_a_new_live_account_is_no_profit_and_its_withdrawal_no_loss(live):
    one, two = live("One", "1000"), live("Two", "3000")
    row = TraderRisk.objects.get(user=one.user, currency="USDT")
    assert (row.units, row.peak_nav) == (4_000, 1)
    flows.book_flow(
        two, kind="transfer", key="out", asset="USDT", change=Decimal(-2_000),
        at=clock.now() + timedelta(seconds=1), quote_of=nothing,
    )  # fmt: skip
    found = trader_totals(one, quote_of=nothing)
    assert (found.equity, found.drawdown, found.day_flows) == (2_000, 0, 0)


def test_a_loss_in_one_account_is_a_drawdown_of_all(live):
    one, two = live("One", "1000"), live("Two", "3000")
    Balance.objects.filter(account=two).update(booked=2_600)
    assert trader_totals(one, quote_of=nothing).drawdown == Decimal("0.1")


def test_a_live_placement_locks_the_trader_before_the_account(live, draw, floor):
    account = live("One", "1000")
    listing = floor.paper.handle("GET", "/api/v3/exchangeInfo", "", "", {}, clock.now_ms())
    store_rules("binance", listing.json())
    with CaptureQueriesContext(connection) as asked, pytest.raises(Exception, match="live price"):
        orders.place_trade(account, draw(), quote_of=nothing)
    statements = [sql for query in asked for sql in query["sql"].split(";")]
    order = [
        next(name for name in ("globalhalt", "traderrisk", "accountrisk") if name in sql)
        for sql in statements
        if re.search(r"FOR (SHARE|NO KEY UPDATE)", sql)
    ]
    assert order == ["globalhalt", "traderrisk", "accountrisk"]
