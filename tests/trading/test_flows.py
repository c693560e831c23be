"""Money from outside: booked once, in units of NAV, hiding no loss and making none."""

from datetime import timedelta
from decimal import Decimal

import pytest

from risk.breaker import Cause
from tests.trading.risky import MINUTE, SECOND, asleep, opened, risk_of, stopped_out
from testudo import clock
from trading import account_stream, breakers, coverage
from trading.book import read_book
from trading.exchange.user_events import FundsMoved, OrderUpdate, read_event
from trading.models import AccountFlow
from trading.periods import begin_days

USDT = 100_000_000


def book(floor, account):
    return read_book(account, risk=risk_of(account), symbol="", quote_of=floor.quote_of)


@pytest.fixture(autouse=True)
def _later(floor, account):
    """A moment after the account was opened: what came before is in its opening."""
    floor.advance(SECOND)


def moved(change: str, at=None) -> FundsMoved:
    return FundsMoved("USDT", Decimal(change), at or clock.now())


def test_an_account_begins_with_one_unit_for_each_unit_of_money(account):
    risk = risk_of(account)
    assert (risk.units, risk.nav, risk.peak_nav) == (10_000, 1, 1)
    assert AccountFlow.objects.get(account=account).kind == "opening"


def test_the_streams_word_of_a_deposit_is_read(account):
    raw = {"event": {"e": "balanceUpdate", "E": 2, "a": "USDT", "d": "-1.50000000", "T": 1_000}}
    assert read_event(raw) == FundsMoved("USDT", Decimal("-1.5"), clock.from_ms(1_000))


@pytest.mark.parametrize("change", ["5000", "-5000"])
def test_a_deposit_or_withdrawal_moves_neither_nav_nor_loss_nor_drawdown(
    change, floor, account, draw
):
    begin_days([account], quote_of=floor.quote_of)
    stopped_out(floor, account, draw())
    floor.advance(timedelta(seconds=1))
    before, nav = book(floor, account), breakers.sweep(account, quote_of=floor.quote_of)
    nav = risk_of(account).nav
    account_stream.take_in(account, moved(change))
    after = book(floor, account)
    assert after.equity == before.equity + Decimal(change)
    assert after.day_flows == after.week_flows == Decimal(change)
    assert after.day_start_equity == before.day_start_equity
    assert abs(after.drawdown - before.drawdown) < Decimal("1e-15")
    assert abs(risk_of(account).nav - nav) < Decimal("1e-15")


def test_an_event_told_twice_is_booked_once(floor, account):
    event = moved("250")
    for _ in range(3):
        account_stream.take_in(account, event)
    assert book(floor, account).equity == 10_250


def test_a_deposit_lost_in_a_gap_is_booked_as_external_and_named_when_it_is_heard(floor, account):
    floor.advance(MINUTE)
    at = clock.now()
    floor.paper.deposit(1, "USDT", 300 * USDT)
    floor.advance(MINUTE)
    account_stream.match_books(account)
    assert book(floor, account).equity == 10_300
    assert account.flows.get(kind="external").value == 300
    account_stream.take_in(account, moved("300", at))
    it = book(floor, account)
    assert it.equity == 10_300, "not twice"
    assert account.flows.filter(kind="transfer").count() == 1
    assert risk_of(account).units == 10_300


def test_matching_again_books_nothing(floor, account, draw):
    opened(floor, account, draw())
    for _ in range(3):
        asleep(floor, account, MINUTE)
    assert account.flows.count() == 1, "the opening"


def test_an_outside_withdrawal_never_halts(floor, account):
    begin_days([account], quote_of=floor.quote_of)
    floor.advance(MINUTE)
    floor.paper.deposit(1, "USDT", -6_000 * USDT)
    asleep(floor, account, MINUTE)
    risk, it = risk_of(account), book(floor, account)
    assert (risk.state, it.equity, it.drawdown) == ("active", 4_000, 0)
    assert it.day_flows == -6_000


def test_a_trade_made_by_hand_is_a_flow_and_its_coins_are_holdings(floor, account):
    report = {
        "e": "executionReport", "E": 1, "s": "BTCUSDT", "c": "by-hand", "C": "", "S": "BUY",
        "o": "MARKET", "x": "TRADE", "X": "FILLED", "r": "NONE", "i": 77, "l": "0.01", "z": "0.01",
        "L": "60000", "Y": "600", "n": "0.6", "N": "USDT", "T": clock.now_ms(), "t": 5,
        "q": "0.01", "p": "0", "P": "0", "W": clock.now_ms(),
    }  # fmt: skip
    event = read_event(report)
    assert isinstance(event, OrderUpdate)
    for _ in range(2):
        account_stream.take_in(account, event)
    flow = account.flows.get(kind="foreign_trade", asset="USDT")
    assert account.flows.get(kind="foreign_trade", asset="BTC").value == 0
    assert (flow.change, flow.key) == (Decimal("-600.6"), "trade:BTCUSDT:5")
    assert book(floor, account).equity == Decimal("9399.4")
    assert book(floor, account).drawdown == 0


def test_a_managed_position_that_is_gone_halts(floor, account, draw):
    trade = opened(floor, account, draw())
    assert coverage.missing(account) == []
    floor.advance(MINUTE)
    taken = -int(trade.held * USDT) // 2
    from trading.exchange.factory import exchange_for

    exchange_for(account).cancel_list("BTCUSDT", trade.orders.get(leg="stop").list_client_order_id)
    floor.paper.deposit(1, "BTC", taken)
    account_stream.match_books(account)
    risk = risk_of(account)
    assert risk.state == "halted"
    assert "BTC are managed" in risk.reason
    assert breakers.open_causes(account.pk) == {Cause.RECONCILIATION}


def test_flows_are_append_only(account):
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        AccountFlow.objects.update(value=1)


@pytest.mark.parametrize("figure", ["NaN", "Infinity"])
def test_the_database_refuses_what_is_no_number(figure, account):
    from django.db import DatabaseError, connection, transaction

    for table, column in [
        ("trading_accountrisk", "nav"), ("trading_accountrisk", "peak_nav"),
        ("trading_accountrisk", "units"), ("trading_accountrisk", "week_start_equity"),
        ("trading_balance", "booked"),
    ]:  # fmt: skip
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET {column} = '{figure}'::numeric")  # noqa: S608
