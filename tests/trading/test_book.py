"""The book: equity, heat and counts of one account, the same from PostgreSQL and from Redis."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
import redis
from django.db import connection
from django.test.utils import CaptureQueriesContext

from risk.limits import Limits
from tests.trading.risky import MINUTE, SECOND, asleep, opened, risk_of, stopped_out
from trading import book_cache, flows
from trading.book import read_book
from trading.book_cache import key_of
from trading.book_stamp import stamp_of
from trading.market.prices import client
from trading.models import ManagedHolding, Trade
from trading.periods import begin_days, week_of

WIDE = Limits(max_positions=8, max_trades_a_day=20)


@pytest.fixture
def book(floor):
    """The account's book as a placement reads it."""

    def read(account, **changes):
        facts = {"symbol": "BTCUSDT", "quote_of": floor.quote_of, **changes}
        return read_book(account, risk=risk_of(account), **facts)

    return read


def test_a_fresh_account_is_worth_what_it_holds(account, book):
    it = book(account)
    assert (it.equity, it.cash, it.heat, it.exposure) == (10_000, 10_000, 0, 0)
    assert (it.drawdown, it.open_positions, it.state) == (0, 0, "active")
    assert it.trader is None


def test_a_pending_entry_counts_with_its_whole_plan_risk(floor, account, draw, book):
    from trading import orders

    trade = orders.place_trade(account, draw(), quote_of=floor.quote_of)
    it = book(account)
    assert it.heat == it.pending_risk == trade.planned_risk
    assert it.exposure == trade.quantity * trade.worst_entry
    assert it.cash == 10_000 - it.exposure
    assert (it.open_positions, it.positions_in_symbol, it.trades_today) == (1, 1, 1)
    assert (it.orders, it.algo_orders, it.order_lists) == (3, 2, 1)


def test_orders_count_in_their_symbol_and_for_the_whole_account(floor, account, draw, book):
    opened(floor, account, draw(risk_fraction=Decimal("0.004")))
    opened(floor, account, draw("ETHUSDT", risk_fraction=Decimal("0.004")))
    for symbol, own in (("BTCUSDT", 2), ("ETHUSDT", 2), ("BNBUSDT", 0)):
        it = book(account, symbol=symbol)
        assert (it.orders, it.algo_orders, it.order_lists) == (own, own, own // 2)
        assert (it.account_orders, it.account_algo_orders, it.account_order_lists) == (4, 4, 2)


def test_equity_is_cash_and_the_position_at_the_price_it_could_be_sold_for(
    floor, account, draw, book
):
    trade = opened(floor, account, draw())
    it = book(account)
    cash = 10_000 - sum(fill.quote_quantity for fill in trade.fills.all())
    bid = floor.quote_of("paper", "BTCUSDT").bid
    assert it.equity == cash + trade.held * bid
    assert it.exposure == trade.held * bid


def test_the_cash_ledger_agrees_with_the_exchange_after_every_trade(floor, account, draw, book):
    stopped_out(floor, account, draw())
    asleep(floor, account, MINUTE)
    there = account.balances.get(asset="USDT")
    assert there.booked == there.free + there.locked
    assert not account.flows.exclude(kind="opening").exists()


def test_reading_the_book_costs_the_same_for_one_position_and_for_eight(floor, account, draw, book):
    template = opened(floor, account, draw())
    assert book(account).open_positions == 1
    priced = {"limits": WIDE, "quote_of": lambda venue, symbol: None}
    with CaptureQueriesContext(connection) as one:
        book(account, **priced)
    for number in range(7):
        copy_of(template, f"COIN{number}USDT")
    with CaptureQueriesContext(connection) as eight:
        assert book(account, **priced).open_positions == 8
    assert len(eight) == len(one) <= 16


def test_a_cached_book_costs_a_handful_of_queries(floor, account, draw, book):
    opened(floor, account, draw())
    book(account, fresh=False)
    with CaptureQueriesContext(connection) as cached:
        book(account, limits=WIDE, fresh=False)
    assert len(cached) <= 4


def test_the_cached_book_is_the_book(floor, account, draw, book):
    opened(floor, account, draw())
    cold, warm = book(account, fresh=False), book(account, fresh=False)
    book_cache.forget()  # what another process has is in Redis
    assert cold == warm == book(account, fresh=False) == book(account)


def test_what_this_process_kept_is_not_used_once_a_trade_has_ended(floor, account, draw, book):
    opened(floor, account, draw())
    assert book(account, fresh=False).losing_streak == 0
    stopped_out(floor, account, draw("ETHUSDT", risk_fraction=Decimal("0.002")))
    client().delete(key_of(account))
    assert book(account, fresh=False) == book(account)
    assert book(account, fresh=False).losing_streak == 1


def test_this_process_keeps_the_books_of_so_many_accounts_and_no_more(account, book, monkeypatch):
    monkeypatch.setattr(book_cache, "MOST_KEPT", 0)
    book(account, fresh=False)
    assert not book_cache._kept


@pytest.mark.parametrize("loss", ["emptied", "garbage", "gone"])
def test_the_book_is_right_after_redis_is(loss, floor, account, draw, book, settings, monkeypatch):
    opened(floor, account, draw())
    whole = book(account, fresh=False)
    book_cache.forget()
    if loss == "emptied":
        client().delete(key_of(account))
    elif loss == "garbage":
        client().set(key_of(account), b'{"stamp": "nonsense"')
    else:
        away = redis.Redis(port=1, socket_connect_timeout=0.1)
        monkeypatch.setattr("trading.book_cache.client", lambda: away)
    assert book(account, fresh=False) == whole


def test_a_stale_book_in_redis_is_never_used(floor, account, draw, book):
    opened(floor, account, draw())
    book(account, fresh=False)
    kept = client().get(key_of(account))
    trade = stopped_out(floor, account, draw("ETHUSDT", risk_fraction=Decimal("0.002")))
    assert trade.profit < 0
    client().set(key_of(account), kept)
    book_cache.forget()
    assert book(account, fresh=False) == book(account)
    assert book(account, fresh=False).losing_streak == 1


@pytest.mark.parametrize("change", ["placed", "bought", "flow", "balance"])
def test_every_change_of_the_book_changes_its_stamp(change, floor, account, draw):
    from trading import orders

    if change == "bought":
        orders.place_trade(account, draw(), quote_of=floor.quote_of)
    floor.advance(SECOND)
    before = stamp_of(account.pk)
    assert stamp_of(account.pk) == before
    if change == "placed":
        orders.place_trade(account, draw(), quote_of=floor.quote_of)
    elif change == "bought":
        floor.turn(account)
    elif change == "flow":
        deposit(floor, account, "5")
    else:
        account.balances.filter(asset="USDT").update(free=9_999)
    assert stamp_of(account.pk) != before


def test_the_day_and_the_week_begin_at_the_accounts_own_midnight(floor, account, book):
    account.reset_zone = "Asia/Tokyo"
    account.save()
    assert begin_days([account], quote_of=floor.quote_of) == 1
    assert begin_days([account], quote_of=floor.quote_of) == 0, "once a day"
    it, risk = book(account), risk_of(account)
    assert it.day_ends_at.hour == 15, "midnight in Tokyo"
    assert (risk.day.isoformat(), risk.week.isoformat()) == ("2026-11-02", "2026-11-02")
    assert risk.day_start_late, "18:30 is long after midnight"
    start, end = week_of(account, it.at)
    assert it.week_ends_at == end == start + timedelta(days=7)


def test_the_week_keeps_its_start_while_days_pass(floor, account, draw, book):
    begin_days([account], quote_of=floor.quote_of)
    stopped_out(floor, account, draw())
    asleep(floor, account, timedelta(days=1))
    it = book(account)
    assert it.week_start_equity == 10_000
    assert it.day_start_equity == it.equity < 10_000
    asleep(floor, account, timedelta(days=7))
    assert book(account).week_start_equity == it.equity


def test_a_declared_position_counts_whole_until_it_has_a_stop(floor, account, book):
    floor.paper.deposit(paper_key(floor), "BTC", 10_000_000)  # 0.1
    asleep(floor, account, MINUTE)
    assert book(account).equity == 10_000, "undeclared holdings count nowhere"
    held = flows.declare_managed(
        account, symbol="BTCUSDT", quantity=Decimal("0.1"), entry=Decimal(60_000),
        quote_of=floor.quote_of,
    )  # fmt: skip
    it, bid = book(account), floor.quote_of("paper", "BTCUSDT").bid
    assert it.equity == 10_000 + bid / 10
    assert it.heat == max(Decimal(6_000), bid / 10)
    assert (it.drawdown, it.day_flows) == (0, 0)
    assert risk_of(account).nav == 1
    ManagedHolding.objects.filter(pk=held.pk).update(stop=bid)
    assert book(account).heat < 100
    flows.end_managed(ManagedHolding.objects.get(pk=held.pk), quote_of=floor.quote_of)
    assert book(account).equity == 10_000


def test_the_exchanges_limit_of_orders_leaves_less_room_with_each_one(floor, account, draw, book):
    room = book(account).order_room
    assert room is not None
    opened(floor, account, draw())
    assert book(account).order_room == room - 3
    floor.advance(timedelta(seconds=11))
    assert book(account).order_room == room


def test_a_loss_starts_the_symbols_cooldown_and_a_stop_out_is_counted(floor, account, draw, book):
    trade = stopped_out(floor, account, draw())
    it = book(account)
    assert it.symbol_cooldown_until == trade.closed_at + timedelta(minutes=30)
    assert book(account, symbol="ETHUSDT").symbol_cooldown_until is None
    assert (it.stop_outs, it.losing_streak) == (1, 1)


def copy_of(template: Trade, symbol: str) -> None:
    """Another open position of the same figures: rows as the order path leaves them."""
    from testudo.db.ids import new_id
    from trading.models import Decision

    trade = Trade.objects.get(pk=template.pk)
    before = Decision.objects.filter(account=trade.account).order_by("-number").first()
    trade.decision = Decision.objects.create(
        account=trade.account, number=before.number + 1, kind="placed", payload="{}", hash="x"
    )
    orders, fills = list(template.orders.all()), list(template.fills.all())
    trade.pk, trade.symbol = new_id(), symbol
    trade.save(force_insert=True)
    for order in orders:
        mine = [fill for fill in fills if fill.order_id == order.pk]
        order.pk, order.trade, order.symbol = new_id(), trade, symbol
        order.client_order_id = str(order.pk)
        order.save(force_insert=True)
        for fill in mine:
            fill.pk, fill.trade, fill.order, fill.symbol = new_id(), trade, order, symbol
            fill.save(force_insert=True)


def paper_key(floor) -> int:
    """The only account of the paper exchange."""
    return 1


def deposit(floor, account, amount: str) -> None:
    from testudo import clock

    flows.book_flow(
        account, kind="transfer", key=f"transfer:{amount}", asset="USDT", change=Decimal(amount),
        at=clock.now(), quote_of=floor.quote_of,
    )  # fmt: skip


def test_a_book_read_for_a_plan_has_the_plans_own_locks(floor, account, draw, book):
    for _ in range(4):
        trade = stopped_out(floor, account, draw(setup="Late chase"))
        asleep(floor, account, timedelta(hours=25))
    past = replace(book(account))
    assert past.symbol_locked_until == trade.closed_at + timedelta(hours=24)
    assert book(account, setup="Late chase").setup_locked_until is not None
    assert book(account, setup="Patience").setup_locked_until is None
