"""Double entry: the entries sum to zero, and the wallet is what the exchange has."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction

from tests.trading.conftest import START
from tests.trading.risky import MINUTE, SECOND, opened, stopped_out, won
from testudo import clock
from testudo.db.ids import new_id
from trading import account_stream, asset_flows, ledger
from trading.exchange.factory import exchange_for
from trading.exchange.paper.exchange import PaperExchange
from trading.exchange.paper.store import Store
from trading.exchange.paper.synthetic import SyntheticFeed
from trading.exchange.port import OrderReport, TradeReport
from trading.exchange.user_events import FundsMoved
from trading.models import AccountFlow, Balance, Fill, LedgerBalance, LedgerEntry
from trading.reconcile import catch_up_trade
from trading.virtual_floor import virtual_floor

BTC, USDT = 100_000_000, 100_000_000


@pytest.fixture
def floor(db, tmp_path):
    """As elsewhere, and BNB has a market: fees may be paid in it."""
    start_ms = clock.to_ms(START)
    feed = SyntheticFeed(("BTCUSDT", "ETHUSDT", "BNBUSDT"), seed=7, now_ms=start_ms)
    paper = PaperExchange(feed, Store(tmp_path / "paper.sqlite3"), now_ms=start_ms, seed=7)
    with virtual_floor(paper, start=START) as running:
        yield running
    paper.close()


Book = LedgerEntry.Book


def at_the_exchange(account) -> dict[str, Decimal]:
    reports = exchange_for(account).balances()
    return {each.asset: each.free + each.locked for each in reports if each.free + each.locked}


def in_our_books(account) -> dict[str, Decimal]:
    return {asset: total for asset, total in ledger.totals(account).items() if total}


def agrees(floor, account) -> None:
    """I6, to the last digit; and equity counts the same cash."""
    assert in_our_books(account) == at_the_exchange(account)
    assert ledger.faults(account) == []
    cash = Balance.objects.get(account=account, asset=account.currency)
    assert cash.booked == ledger.totals(account)[account.currency]


def test_an_account_opens_with_what_the_exchange_holds_of_every_coin(floor, alice):
    account = floor.open_account(alice, name="Two", balances={"USDT": "500", "BTC": "0.25"})
    assert in_our_books(account) == {"USDT": 500, "BTC": Decimal("0.25")}
    opening = account.flows.filter(kind="opening")
    assert {flow.asset: flow.value for flow in opening} == {"USDT": 500, "BTC": 0}
    external = LedgerEntry.objects.filter(account=account, book=Book.EXTERNAL)
    assert {each.asset: each.change for each in external} == {
        "USDT": -500, "BTC": Decimal("-0.25"),
    }  # fmt: skip
    agrees(floor, account)


def test_an_empty_account_is_opened_too_and_its_first_deposit_is_seen(floor, alice):
    account = floor.open_account(alice, name="Empty", balances={"BNB": "0"})
    assert ledger.is_open(account)
    floor.advance(MINUTE)
    floor.paper.deposit(1, "USDT", 40 * USDT)
    account_stream.match_books(account)
    assert in_our_books(account) == {"USDT": 40}
    agrees(floor, account)


def test_a_trade_from_entry_to_exit_is_entered_to_the_last_digit(floor, account, draw):
    trade = opened(floor, account, draw())
    agrees(floor, account)
    entry = Fill.objects.filter(trade=trade, order__leg="entry").first()
    rows = LedgerEntry.objects.filter(source=ledger.source_of_fill(entry))
    found = {(row.book, row.asset): row.change for row in rows}
    assert found == {
        (Book.WALLET, "BTC"): entry.quantity - entry.commission,
        (Book.MARKET, "BTC"): -entry.quantity,
        (Book.FEES, "BTC"): entry.commission,
        (Book.WALLET, "USDT"): -entry.quote_quantity,
        (Book.MARKET, "USDT"): entry.quote_quantity,
    }


@pytest.mark.parametrize("ending", [stopped_out, won])
def test_after_the_end_of_a_trade_the_wallet_is_the_exchanges(floor, account, draw, ending):
    ending(floor, account, draw())
    agrees(floor, account)
    fees = LedgerEntry.objects.filter(account=account, book=Book.FEES, asset="USDT")
    assert sum(each.change for each in fees) > 0


def test_a_commission_in_a_third_coin_leaves_that_coin(floor, alice, draw):
    account = floor.open_account(alice, name="BNB", balances={"USDT": "10000", "BNB": "5"})
    floor.paper.set_account(1, pays_bnb=True)
    opened(floor, account, draw())
    assert in_our_books(account)["BNB"] < 5
    agrees(floor, account)


def test_a_fill_told_again_and_again_is_entered_once(floor, account, draw):
    trade = opened(floor, account, draw())
    before = list(LedgerEntry.objects.filter(account=account).values_list("pk", flat=True))
    for _ in range(3):
        catch_up_trade(trade.pk, exchange=exchange_for(account))
        account_stream.match_books(account)
    assert ledger.enter_missing(account) == 0
    fill = trade.fills.select_related("order", "trade").first()
    assert ledger.post_fill(fill) is False
    after = list(LedgerEntry.objects.filter(account=account).values_list("pk", flat=True))
    assert sorted(before) == sorted(after)
    agrees(floor, account)


@pytest.mark.parametrize(("asset", "change"), [("USDT", "250"), ("BTC", "0.5"), ("USDT", "-100")])
def test_a_deposit_or_withdrawal_the_stream_tells_is_entered_once(floor, account, asset, change):
    floor.advance(SECOND)
    floor.paper.deposit(1, asset, int(Decimal(change) * USDT))
    for _ in range(2):
        account_stream.take_in(account, FundsMoved(asset, Decimal(change), clock.now()))
    agrees(floor, account)
    account_stream.match_books(account)
    assert account.flows.filter(kind="external").count() == 0
    agrees(floor, account)


@pytest.mark.parametrize("asset", ["USDT", "BTC", "ETH"])
def test_what_nobody_explained_is_external_and_what_explains_it_later_only_names_it(
    floor, account, asset
):
    floor.advance(MINUTE)
    at = clock.now()
    floor.paper.deposit(1, asset, 3 * USDT)
    floor.advance(MINUTE)
    account_stream.match_books(account)
    found = account.flows.get(kind="external")
    assert (found.asset, found.change) == (asset, 3)
    assert found.value == (3 if asset == "USDT" else 0)
    agrees(floor, account)
    account_stream.take_in(account, FundsMoved(asset, Decimal(3), at))
    agrees(floor, account)
    assert account.flows.filter(kind="transfer").count() == 1


def by_hand(account, *, side="BUY", fee=("0.0006", "BNB")) -> TradeReport:
    return TradeReport(
        symbol="BTCUSDT", exchange_order_id=77, trade_id=5, price=Decimal(60000),
        quantity=Decimal("0.01"), quote_quantity=Decimal(600), commission=Decimal(fee[0]),
        commission_asset=fee[1], at=clock.now(),
    )  # fmt: skip


def foreign(side: str) -> OrderReport:
    return OrderReport(
        symbol="BTCUSDT", client_order_id="by-hand", exchange_order_id=77, side=side,
        type="MARKET", status="FILLED", price=None, stop_price=None, quantity=Decimal("0.01"),
        executed=Decimal("0.01"), at=clock.now(),
    )  # fmt: skip


@pytest.mark.parametrize(("side", "sign"), [("BUY", 1), ("SELL", -1)])
def test_a_trade_made_by_hand_moves_coin_cash_and_fee_as_external(floor, account, side, sign):
    floor.advance(SECOND)
    before = in_our_books(account)
    for _ in range(2):
        account_stream.book_foreign_trade(account, foreign(side), by_hand(account))
    now = ledger.totals(account)
    assert now["BTC"] - before.get("BTC", 0) == sign * Decimal("0.01")
    assert now["USDT"] - before["USDT"] == -sign * 600
    assert now["BNB"] - before.get("BNB", 0) == Decimal("-0.0006")
    assert account.flows.filter(kind="foreign_trade").count() == 3
    assert ledger.faults(account) == []


@pytest.mark.parametrize("asset", ["BTC", "USDT"])
def test_nothing_is_compared_right_after_it_moved(floor, account, draw, asset):
    """The exchange's word and the fill that follows it may cross: the next comparison tells."""

    def compared():
        told = exchange_for(account).balances()
        off = [replace(each, free=each.free + (each.asset == asset)) for each in told]
        return [flow.change for flow in asset_flows.compare(account, off, quote_of=floor.quote_of)]

    floor.advance(SECOND)
    opened(floor, account, draw())
    assert compared() == []
    floor.advance(MINUTE)
    assert compared() == [1]


def test_an_account_older_than_the_ledger_is_entered_when_it_is_matched(floor, account, draw):
    won(floor, account, draw())
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE trading_ledgerentry DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM trading_ledgerentry")
        cursor.execute("ALTER TABLE trading_ledgerentry ENABLE TRIGGER USER")
    LedgerBalance.objects.all().delete()
    floor.advance(MINUTE)
    account_stream.match_books(account)
    agrees(floor, account)
    assert not account.flows.filter(kind="external").exists()


# What the database itself holds.

INSERT = (
    "INSERT INTO trading_ledgerentry (id, account_id, source, book, asset, change, at, booked_at) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
)


def entry(account, **changes) -> LedgerEntry:
    facts = {
        "account": account, "source": "test", "book": Book.WALLET, "asset": "USDT",
        "change": Decimal(5), "at": clock.now(),
    }  # fmt: skip
    return LedgerEntry(id=new_id(), **{**facts, **changes})


@pytest.mark.django_db(transaction=True)
def test_the_database_refuses_entries_that_do_not_sum_to_zero(account):
    with pytest.raises(IntegrityError, match="do not sum to zero: 5"), transaction.atomic():
        entry(account).save(force_insert=True)
    other = entry(account, book=Book.EXTERNAL, asset="BTC", change=Decimal(-5))
    with pytest.raises(IntegrityError, match="do not sum to zero"), transaction.atomic():
        LedgerEntry.objects.bulk_create([entry(account), other])
    with transaction.atomic():
        both = [entry(account), entry(account, book=Book.FEES, change=Decimal(-5))]
        LedgerEntry.objects.bulk_create(both)


@pytest.mark.parametrize(
    "changes",
    [
        {"change": Decimal("NaN")},
        {"change": Decimal("Infinity")},
        {"change": Decimal(0)},
        {"book": "pocket"},
    ],
)
def test_the_database_refuses_what_is_no_entry(account, changes):
    row = entry(account, **changes)
    values = [row.pk, account.pk, row.source, row.book, row.asset, str(row.change), row.at, row.at]
    with (
        pytest.raises(DatabaseError, match=r"ledger_|numeric"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(INSERT, values)


@pytest.mark.parametrize(
    "how", ["UPDATE trading_ledgerentry SET change = 1", "DELETE FROM trading_ledgerentry"]
)
def test_entries_are_append_only(account, how):
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(how)


# The command.


def test_check_ledger_says_that_all_agrees(floor, account, draw, capsys):
    won(floor, account, draw())
    call_command("check_ledger")
    assert "agrees" in capsys.readouterr().out


def test_check_ledger_names_what_does_not_hold(floor, account, draw, capsys):
    won(floor, account, draw())
    LedgerBalance.objects.filter(account=account, asset="BTC").update(total=7)
    with pytest.raises(CommandError, match="1 account"):
        call_command("check_ledger")
    said = capsys.readouterr().out
    assert "the balance says 7.0" in said
    assert "BTC" in said


def test_check_ledger_finds_a_change_nobody_booked_and_books_nothing(floor, account, capsys):
    floor.advance(timedelta(minutes=5))
    floor.paper.deposit(1, "BTC", BTC // 2)
    with pytest.raises(CommandError):
        call_command("check_ledger", account=account.pk)
    assert "The exchange holds 0.5 BTC more than the books" in capsys.readouterr().out
    assert not AccountFlow.objects.filter(kind="external").exists()
    call_command("check_ledger", account=account.pk, offline=True)
