"""A breakout rests nowhere: it waits here for its line, and then every rule is asked again."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from risk.models import RiskProfile
from tests.trading.waiting import SECOND, at, drawn_away, leg, pass_seconds, place
from testudo import clock
from testudo.events.models import OutboxEvent
from trading import armed, breakers, halts, orders
from trading.actors import OPERATOR
from trading.decision_readings import read
from trading.decision_replay import replay
from trading.decisions import breaks
from trading.guard import due_accounts
from trading.market import prices
from trading.models import Trade
from trading.order_states import State, TradeState

ABOVE = "0.01"
OVER = Decimal("1.0005")


@pytest.fixture(autouse=True)
def _live_prices(floor):
    with prices.quoted_by(floor.quote_of):
        yield


@pytest.fixture
def breakout(floor, account) -> Trade:
    trade = place(floor, account, drawn_away(floor, ABOVE))
    floor.turn(account)
    trade.refresh_from_db()
    return trade


def told(trade, name: str) -> str:
    event = OutboxEvent.objects.filter(name=name, payload__trade_id=str(trade.pk)).last()
    return event.payload["text"] if event else ""


def walk_to(floor, price) -> None:
    from trading.exchange.paper.values import to_e8

    floor.paper.move("BTCUSDT", to_e8(Decimal(price).quantize(Decimal("0.01"))), 1000)
    for _ in range(3):
        floor.advance(SECOND)


def kinds(account) -> list[str]:
    return list(account.decisions.order_by("number").values_list("kind", flat=True))


def test_nothing_of_an_armed_breakout_is_at_the_exchange(floor, account, breakout):
    assert (breakout.kind, breakout.state) == ("breakout", TradeState.APPROVED)
    assert {order.state for order in breakout.orders.all()} == {State.PLANNED}
    assert floor.paper.store.count("orders") == 0


def test_its_size_comes_from_the_worst_price_a_tenth_of_r_above_its_line(floor, breakout):
    share = (breakout.worst_entry - breakout.entry) / (breakout.entry - breakout.stop)
    assert Decimal("0.099") < share <= Decimal("0.1")
    loss = breakout.quantity * (breakout.worst_entry - breakout.stop)
    assert loss < breakout.planned_risk <= breakout.risk_budget


def test_its_risk_and_its_cash_are_reserved_while_it_waits(floor, account, breakout):
    from trading.book import read_book

    risk = account.accountrisk
    found = read_book(account, risk=risk, symbol="BTCUSDT", quote_of=floor.quote_of)
    assert found.pending_risk == breakout.planned_risk == found.heat
    assert found.cash == 10000 - breakout.quantity * breakout.worst_entry


def test_while_it_waits_no_turn_is_due(floor, account, breakout):
    floor.advance(SECOND * 5)
    assert account.pk not in due_accounts(clock.now())
    assert armed.sweep("paper") == 0


def test_when_the_price_reaches_its_line_it_is_bought_and_protected(floor, account, breakout):
    walk_to(floor, breakout.entry * OVER)
    assert armed.sweep("paper") == 1
    assert account.pk in due_accounts(clock.now())
    floor.turn(account)
    breakout.refresh_from_db()
    entry = leg(breakout, "entry")
    assert (breakout.state, entry.state, entry.time_in_force) == ("open", State.FILLED, "FOK")
    assert entry.price <= breakout.worst_entry
    assert leg(breakout, "stop").state == State.OPEN
    assert "reached the line" in told(breakout, "trading.line_reached")


def test_the_second_judgement_is_in_the_chain_and_can_be_judged_again(floor, account, breakout):
    walk_to(floor, breakout.entry * OVER)
    armed.sweep("paper")
    floor.turn(account)
    assert kinds(account) == ["placed", "released"]
    record = account.decisions.get(kind="released")
    facts = json.loads(record.payload)
    assert facts["trade"] == str(breakout.pk)
    assert len(facts["verdicts"]) > 30
    assert replay(record.payload).same
    assert list(breaks(account.pk)) == []
    assert "at its line" in read(record).title


def test_its_own_reservation_does_not_stand_against_it(floor, account):
    """One position per symbol, cash and heat: it is judged as if it had not been placed."""
    RiskProfile.objects.update_or_create(account_id=account.pk, defaults={"max_heat": "0.015"})
    trade = place(floor, account, drawn_away(floor, ABOVE))
    assert trade.quantity * trade.worst_entry > 5000, "twice that is not there"
    walk_to(floor, trade.entry * OVER)
    armed.sweep("paper")
    floor.turn(account)
    trade.refresh_from_db()
    assert trade.state == TradeState.OPEN
    assert trade.placed_at < trade.released_at, "what was set aside is back"


def test_refused_at_its_line_it_expires_with_the_reason(floor, account, breakout):
    """The account was halted for new risk meanwhile."""
    halts.halt(account, by=OPERATOR, reason="Going away.")
    floor.turn(account)
    breakout.refresh_from_db()
    assert breakout.state == TradeState.APPROVED, "a halt alone withdraws nothing that waits here"
    walk_to(floor, breakout.entry * OVER)
    armed.sweep("paper")
    floor.turn(account)
    breakout.refresh_from_db()
    assert breakout.state == TradeState.EXPIRED
    assert floor.paper.store.count("orders") == 0
    assert kinds(account)[-1] == "release_refused"
    assert breakout.state_reason in told(breakout, "trading.entry_ended")
    assert "free again" in told(breakout, "trading.entry_ended")


def test_its_size_shrinks_where_the_account_has_lost_since(floor, account, breakout):
    from trading.models import AccountFlow, Balance

    Balance.objects.filter(account=account, asset="USDT").update(booked=Decimal(6000))
    AccountFlow.objects.filter(account=account).exclude(kind="opening").delete()
    account.accountrisk.day_start_equity = Decimal(6000)
    account.accountrisk.week_start_equity = Decimal(6000)
    account.accountrisk.peak_nav = None
    account.accountrisk.units = None
    account.accountrisk.save()
    walk_to(floor, breakout.entry * OVER)
    before = breakout.quantity
    armed.sweep("paper")
    floor.turn(account)
    breakout.refresh_from_db()
    assert breakout.state == TradeState.OPEN
    assert before * Decimal("0.55") < breakout.quantity < before * Decimal("0.65")
    assert breakout.planned_risk <= Decimal(60)
    assert leg(breakout, "entry").filled == breakout.quantity
    assert "size is now" in told(breakout, "trading.entry_released")


def test_its_size_never_grows(floor, account, breakout):
    from trading.models import Balance

    Balance.objects.filter(account=account, asset="USDT").update(booked=Decimal(20000))
    before = breakout.quantity
    walk_to(floor, breakout.entry * OVER)
    armed.sweep("paper")
    floor.turn(account)
    breakout.refresh_from_db()
    assert breakout.state == TradeState.OPEN
    assert breakout.quantity == before


def test_a_price_that_jumped_past_its_worst_buys_nothing(floor, account, breakout):
    walk_to(floor, breakout.worst_entry * Decimal("1.003"))
    armed.sweep("paper")
    floor.turn(account)
    breakout.refresh_from_db()
    assert breakout.state == TradeState.EXPIRED
    assert "jumped past" in breakout.state_reason
    assert floor.paper.store.count("orders") == 0


def test_a_price_that_fell_back_leaves_it_waiting(floor, account, breakout):
    walk_to(floor, breakout.entry * OVER)
    armed.sweep("paper")
    walk_to(floor, breakout.entry * Decimal("0.99"))
    floor.turn(account)
    breakout.refresh_from_db()
    assert (breakout.state, breakout.crossed_at) == (TradeState.APPROVED, None)
    assert kinds(account) == ["placed"]
    walk_to(floor, breakout.entry * OVER)
    assert armed.sweep("paper") == 1
    floor.turn(account)
    breakout.refresh_from_db()
    assert breakout.state == TradeState.OPEN


def test_a_crossing_nobody_acted_on_in_time_is_no_entry(floor, account, breakout):
    """The platform was down: the price must come again."""
    walk_to(floor, breakout.entry * OVER)
    armed.sweep("paper")
    floor.advance(timedelta(seconds=31))
    walk_to(floor, breakout.entry * Decimal("0.99"))
    floor.turn(account)
    breakout.refresh_from_db()
    assert (breakout.state, breakout.crossed_at) == (TradeState.APPROVED, None)
    assert floor.paper.store.count("orders") == 0


def test_without_a_live_price_nothing_is_decided_yet(floor, account, breakout):
    walk_to(floor, breakout.entry * OVER)
    armed.sweep("paper")
    with prices.quoted_by(lambda venue, symbol: None):
        floor.turn(account)
    breakout.refresh_from_db()
    assert (breakout.state, breakout.released_at) == (TradeState.APPROVED, None)
    floor.turn(account)
    breakout.refresh_from_db()
    assert breakout.state == TradeState.OPEN


def test_a_line_that_is_not_reached_in_time_expires(floor, account):
    wish = clock.now() + timedelta(minutes=2)
    trade = place(floor, account, drawn_away(floor, ABOVE, expires_at=wish))
    floor.advance(timedelta(minutes=2))
    assert account.pk in due_accounts(clock.now())
    floor.turn(account)
    trade.refresh_from_db()
    assert trade.state == TradeState.EXPIRED
    assert "did not reach its line" in trade.state_reason


def test_a_waiting_breakout_can_be_withdrawn(floor, account, breakout):
    orders.request_cancel(breakout.pk)
    assert account.pk in due_accounts(clock.now() + SECOND)
    walk_to(floor, breakout.entry * OVER)
    assert armed.sweep("paper") == 0
    floor.turn(account)
    breakout.refresh_from_db()
    assert breakout.state == TradeState.CANCELED
    assert floor.paper.store.count("orders") == 0


def test_a_withdrawal_between_the_crossing_and_the_judgement_wins(floor, account, breakout):
    walk_to(floor, breakout.entry * OVER)
    armed.sweep("paper")
    orders.request_cancel(breakout.pk)
    floor.turn(account)
    breakout.refresh_from_db()
    assert breakout.state == TradeState.CANCELED
    assert floor.paper.store.count("orders") == 0


def test_two_turns_release_it_once(floor, account, breakout):
    from trading.release import release

    walk_to(floor, breakout.entry * OVER)
    armed.sweep("paper")
    release(breakout.pk)
    release(breakout.pk)
    assert kinds(account) == ["placed", "released"]
    trade = pass_seconds(floor, breakout, 1)
    assert trade.state == TradeState.OPEN
    assert floor.paper.store.count("orders") == 3


def test_a_stop_above_the_present_market_is_a_breakouts_own_affair(floor, account):
    """Entry, and stop below it, both above the market: it can only be meant as a breakout."""
    ask = floor.quote_of("paper", "BTCUSDT").ask
    drawing = drawn_away(floor, "0.03", stop="-0.012", target="0.05")
    assert drawing.stop > ask
    trade = place(floor, account, drawing)
    assert trade.kind == "breakout"
    assert trade.entry == at(ask, "0.03")


def test_losses_are_counted_before_it_is_judged(floor, account, breakout, monkeypatch):
    counted = []
    monkeypatch.setattr(breakers, "count_closed", lambda *a, **k: counted.append(a[0].pk))
    walk_to(floor, breakout.entry * OVER)
    armed.sweep("paper")
    floor.turn(account)
    assert counted == [account.pk]
