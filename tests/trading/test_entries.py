"""A pullback rests at the exchange; what is bought of it is protected, whatever becomes of it."""

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tests.trading import faults
from tests.trading.waiting import (
    SECOND,
    drawn_away,
    fill,
    heard,
    leg,
    pass_seconds,
    place,
)
from testudo import clock
from testudo.events.models import OutboxEvent
from trading import entries, orders
from trading.book import read_book
from trading.book_facts import facts_of_account
from trading.bookkeeping import book_balances
from trading.exchange.factory import exchange_for
from trading.exchange.paper.values import to_e8
from trading.market.symbols import store_rules
from trading.models import Balance, ExchangeAccount, Incident, SymbolRules, Trade
from trading.order_states import State, TradeState

BELOW = "-0.01"


@pytest.fixture
def pullback(floor, account) -> Trade:
    """One that rests at the exchange."""
    trade = place(floor, account, drawn_away(floor, BELOW))
    floor.turn(account)
    trade.refresh_from_db()
    return trade


def told(trade, name: str) -> str:
    event = OutboxEvent.objects.filter(name=name, payload__trade_id=str(trade.pk)).last()
    return event.payload["text"] if event else ""


def resting_at_the_exchange(account) -> set[str]:
    reports = exchange_for(account).open_orders("BTCUSDT")
    return {report.client_order_id for report in reports}


def test_a_pullback_rests_on_its_line_as_a_maker_with_its_legs_waiting(pullback, account):
    entry = leg(pullback, "entry")
    assert (pullback.kind, pullback.state) == ("pullback", TradeState.ENTERING)
    assert (entry.type, entry.time_in_force, entry.state) == ("LIMIT_MAKER", "", State.OPEN)
    assert entry.price == pullback.entry == pullback.worst_entry
    assert {leg(pullback, "stop").state, leg(pullback, "target").state} == {State.WAITING}
    assert resting_at_the_exchange(account) == {o.client_order_id for o in pullback.orders.all()}


def test_when_the_market_comes_to_it_it_is_bought_and_protected(floor, pullback):
    fill(floor, pullback, "1")
    trade = heard(floor, pullback)
    stop = leg(trade, "stop")
    assert (trade.state, stop.state) == (TradeState.OPEN, State.OPEN)
    assert trade.held - trade.dust < stop.quantity <= trade.held
    assert trade.naked_ms == 0


def test_the_market_itself_walks_a_pullback_from_its_line_to_its_target(floor, account, pullback):
    floor.paper.move("BTCUSDT", to_e8(pullback.entry * Decimal("0.999") // 1), 20_000)
    trade = floor.follow(pullback, step=SECOND, at_most=timedelta(minutes=2))
    assert trade.state == TradeState.OPEN
    assert leg(trade, "stop").state == State.OPEN
    floor.paper.move("BTCUSDT", to_e8(trade.target * Decimal("1.001") // 1), 30_000)
    trade = floor.follow(trade, step=SECOND, at_most=timedelta(minutes=2))
    assert (trade.state, trade.exit_reason) == (TradeState.CLOSED, "target")
    assert trade.profit > 0


def test_it_waits_until_the_end_of_the_next_day_of_the_account(floor, account):
    ExchangeAccount.objects.filter(pk=account.pk).update(reset_zone="America/New_York")
    account.refresh_from_db()
    trade = place(floor, account, drawn_away(floor, BELOW))
    ends = datetime(2026, 11, 4, tzinfo=ZoneInfo("America/New_York"))
    assert trade.expires_at == ends  # placed on the 2nd


def test_it_waits_until_the_moment_the_trader_gives(floor, account):
    wish = clock.now() + timedelta(hours=3)
    trade = place(floor, account, drawn_away(floor, BELOW, expires_at=wish))
    assert trade.expires_at == wish


def test_when_its_time_is_over_it_is_canceled_at_the_exchange_and_its_risk_is_free(floor, account):
    wish = clock.now() + timedelta(minutes=3)
    trade = place(floor, account, drawn_away(floor, BELOW, expires_at=wish))
    floor.turn(account)
    assert resting_at_the_exchange(account)
    floor.advance(timedelta(minutes=3))
    floor.turn(account)
    trade.refresh_from_db()
    assert trade.state == TradeState.EXPIRED
    assert resting_at_the_exchange(account) == set()
    assert "free again" in told(trade, "trading.entry_ended")
    assert "time was over" in told(trade, "trading.entry_ended")


def test_a_resting_entry_can_be_withdrawn(floor, account, pullback):
    orders.request_cancel(pullback.pk)
    floor.turn(account)
    pullback.refresh_from_db()
    assert pullback.state == TradeState.CANCELED
    assert resting_at_the_exchange(account) == set()
    with pytest.raises(orders.TradeOver):
        orders.request_cancel(pullback.pk)


def test_an_entry_not_sent_yet_can_be_withdrawn(floor, account):
    trade = place(floor, account, drawn_away(floor, BELOW))
    orders.request_cancel(trade.pk)
    floor.turn(account)
    trade.refresh_from_db()
    assert trade.state == TradeState.CANCELED
    assert floor.paper.store.count("orders") == 0


def test_a_fill_that_races_a_withdrawal_wins_and_is_protected(floor, account, pullback):
    orders.request_cancel(pullback.pk)
    fill(floor, pullback, "1")  # before the cancel reaches the exchange
    floor.turn(account)
    pullback.refresh_from_db()
    assert pullback.state == TradeState.OPEN
    assert leg(pullback, "stop").state == State.OPEN
    with pytest.raises(orders.AlreadySent, match="Close the trade"):
        orders.request_cancel(pullback.pk)


def test_a_part_bought_before_a_withdrawal_stays_with_its_stop(floor, account, pullback):
    part = fill(floor, pullback, "0.4")
    orders.request_cancel(pullback.pk)
    trade = pass_seconds(floor, heard(floor, pullback), 2)
    assert trade.state == TradeState.OPEN
    assert 0 < leg(trade, "stop").quantity <= trade.held < part
    assert leg(trade, "entry").state == State.CANCELED


def test_f24_an_entry_filled_in_part_is_cut_after_two_seconds_and_what_was_bought_is_protected(
    floor, account, pullback
):
    """40 % filled, then nothing."""
    part = fill(floor, pullback, "0.4")
    trade = heard(floor, pullback)
    assert (trade.state, trade.held > 0) == (TradeState.ENTERING, True)
    assert leg(trade, "entry").state == State.PARTLY_FILLED
    floor.advance(timedelta(milliseconds=1900))
    floor.turn(account)
    assert leg(trade, "entry").state == State.PARTLY_FILLED, "the rest has two seconds to come"
    floor.advance(timedelta(milliseconds=200))
    floor.turn(account)
    trade.refresh_from_db()
    stop, target = leg(trade, "stop"), leg(trade, "target")
    assert leg(trade, "entry").state == State.CANCELED
    assert (trade.state, stop.state, target.state) == (TradeState.OPEN, State.OPEN, State.OPEN)
    assert stop.list_kind == "OCO"
    assert trade.held - trade.dust < stop.quantity <= trade.held <= part
    assert 2000 <= trade.naked_ms <= 2200
    assert "part" in told(trade, "trading.entry_taken_back")
    incidents = {each.kind: each for each in Incident.objects.filter(trade=trade)}
    assert set(incidents) == {"partial_entry", "unprotected"}
    assert all(each.closed_at for each in incidents.values())


def test_a_rest_that_comes_within_the_two_seconds_leaves_the_exchanges_own_legs(
    floor, account, pullback
):
    fill(floor, pullback, "0.4")
    heard(floor, pullback)
    floor.advance(SECOND)
    fill(floor, pullback, "1")
    trade = heard(floor, pullback)
    assert trade.state == TradeState.OPEN
    assert trade.orders.filter(leg="stop").count() == 1
    assert leg(trade, "stop").state == State.OPEN


def test_the_exchanges_silence_to_a_cancel_is_looked_up_and_the_part_protected(
    floor, account, pullback
):
    fill(floor, pullback, "0.4")
    heard(floor, pullback)
    floor.advance(SECOND * 2)

    def lose_the_answer(request, go_on):
        answer = go_on()
        if request.method == "DELETE":
            import requests

            raise requests.ReadTimeout("the answer was lost")
        return answer

    with faults.wire(floor, lose_the_answer):
        floor.turn(account)
    trade = pass_seconds(floor, pullback, 2)
    assert leg(trade, "entry").state == State.CANCELED
    assert leg(trade, "stop").state == State.OPEN


def test_a_cancel_that_never_arrived_is_asked_again(floor, account, pullback):
    orders.request_cancel(pullback.pk)

    def lose_the_cancel(request, go_on):
        if request.method == "DELETE":
            import requests

            raise requests.ConnectionError("reset before it left")
        return go_on()

    with faults.wire(floor, lose_the_cancel):
        floor.turn(account)
    pullback.refresh_from_db()
    assert pullback.state == TradeState.ENTERING
    trade = pass_seconds(floor, pullback, 2)
    assert trade.state == TradeState.CANCELED


def test_a_part_too_small_to_sell_waits_for_more_and_is_left_at_the_end(floor, account, pullback):
    tiny = pullback.dust / 2 / pullback.quantity
    fill(floor, pullback, f"{tiny:f}")
    trade = pass_seconds(floor, heard(floor, pullback), 5)
    assert leg(trade, "entry").state == State.PARTLY_FILLED, "a stop could not cover it"
    orders.request_cancel(trade.pk)
    floor.turn(account)
    trade.refresh_from_db()
    assert trade.state == TradeState.CANCELED
    assert "too little to sell" in told(trade, "trading.entry_ended")


def test_closing_a_part_filled_entry_cancels_the_rest_and_sells_the_part(floor, account, pullback):
    fill(floor, pullback, "0.4")
    heard(floor, pullback)
    orders.request_close(pullback.pk)
    trade = pass_seconds(floor, pullback, 1)
    assert (trade.state, trade.exit_reason) == (TradeState.CLOSED, "closed")
    assert resting_at_the_exchange(account) == set()


def test_f25_an_entry_whose_legs_are_refused_at_release_gets_a_stop_for_the_net_quantity(
    floor, account, pullback
):
    """The entry fills, both legs end REJECTED."""
    floor.paper.lists.refuses = lambda listed: True
    fill(floor, pullback, "1")
    floor.paper.lists.refuses = None
    trade = pass_seconds(floor, heard(floor, pullback), 1)
    stop = leg(trade, "stop")
    assert (stop.state, stop.list_kind) == (State.OPEN, "OCO")
    assert trade.held - trade.dust < stop.quantity <= trade.held
    assert trade.naked_ms <= 2000


def test_a_market_below_the_line_by_the_time_it_arrives_refuses_the_entry(floor, account):
    """LIMIT_MAKER: never a taker's fee, so never more than the plan's risk."""
    trade = place(floor, account, drawn_away(floor, BELOW))
    floor.paper.move("BTCUSDT", to_e8(trade.entry * Decimal("0.995") // 1), 1000)
    floor.advance(SECOND * 2)
    floor.turn(account)
    trade.refresh_from_db()
    assert trade.state == TradeState.REJECTED
    assert trade.held == 0


def test_a_symbol_without_limit_maker_gets_a_plain_limit_sized_at_the_takers_fee(
    floor, account, monkeypatch
):
    from dataclasses import replace

    from trading import plans

    known = plans.rules

    def without(venue, name):
        symbol = known(venue, name)
        return replace(symbol, order_types=symbol.order_types - {"LIMIT_MAKER"})

    monkeypatch.setattr(plans, "rules", without)
    judged = plans.judge(account, drawn_away(floor, BELOW), quote_of=floor.quote_of)
    assert judged.plan.costs == judged.terms.taking
    trade = place(floor, account, drawn_away(floor, BELOW))
    assert (leg(trade, "entry").type, leg(trade, "entry").time_in_force) == ("LIMIT", "GTC")


def test_its_cash_is_reserved_once_before_and_after_the_exchange_locks_it(floor, account):
    trade = place(floor, account, drawn_away(floor, BELOW))
    cost = trade.quantity * trade.worst_entry
    before = book(floor, account).cash
    assert before == Decimal(10000) - cost
    floor.turn(account)
    keep_balances(account)
    assert Balance.objects.get(account=account, asset="USDT").locked == cost
    assert book(floor, account).cash == before


def test_of_an_entry_filled_in_part_both_parts_count_as_risk_and_as_one_position(
    floor, account, pullback
):
    fill(floor, pullback, "0.4")
    heard(floor, pullback)
    keep_balances(account)
    found = book(floor, account)
    assert found.open_positions == 1
    assert found.positions_in_symbol == 1
    assert Decimal("0.55") < found.pending_risk / pullback.planned_risk < Decimal("0.65")
    assert abs(found.heat - pullback.planned_risk) < pullback.planned_risk / 20
    assert abs(found.equity - 10000) < 50, "what was bought is worth what it cost"


def keep_balances(account) -> None:
    book_balances(account.pk, exchange_for(account).balances())


def book(floor, account):
    account.accountrisk.refresh_from_db()
    risk = account.accountrisk
    facts = facts_of_account(account)
    return read_book(account, risk=risk, symbol="BTCUSDT", quote_of=floor.quote_of, facts=facts)


def test_the_kind_the_trader_saw_must_still_be_what_the_line_means(floor, account):
    with pytest.raises(orders.PlanRefused) as refused:
        place(floor, account, drawn_away(floor, BELOW, kind="now"))
    verdict = next(v for v in refused.value.verdicts if v.code == "entry_kind")
    assert not verdict.ok
    assert "pullback" in verdict.message
    assert place(floor, account, drawn_away(floor, BELOW, kind="pullback")).kind == "pullback"


def test_a_resting_entry_is_asked_about_twice_a_minute_only(floor, account, pullback):
    """Its fills come by the stream; an account may rest entries for days."""
    from trading.guard import due_accounts

    floor.advance(timedelta(seconds=29))
    assert account.pk not in due_accounts(clock.now())
    floor.advance(timedelta(seconds=2))
    assert account.pk in due_accounts(clock.now())
    floor.turn(account)
    assert account.pk not in due_accounts(clock.now())


def test_a_pullback_survives_the_worker_that_died_after_the_claim_of_its_cancel(
    floor, account, pullback
):
    from trading.protection import _claim_cancel

    orders.request_cancel(pullback.pk)
    assert _claim_cancel(pullback.pk, why=entries.WITHDRAWN) is not None  # and then it dies
    assert _claim_cancel(pullback.pk, why=entries.WITHDRAWN) is None, "one worker asks at a time"
    trade = pass_seconds(floor, pullback, 3)
    assert trade.state == TradeState.CANCELED


def test_a_part_has_a_turn_booked_for_the_end_of_its_two_seconds(
    floor, account, pullback, monkeypatch, django_capture_on_commit_callbacks
):
    """Not only the guard, which looks once a second."""
    from trading import wake

    woken = []
    monkeypatch.setattr(wake._after_a_part, "wake", woken.append)
    fill(floor, pullback, "0.4")
    with django_capture_on_commit_callbacks(execute=True):
        heard(floor, pullback)
    assert woken == [str(account.pk)]
    assert 2 < wake._after_a_part._countdown < 2.2


@pytest.mark.parametrize("fault", [faults.lost_reply, faults.server_error, faults.truncated])
def test_a_pullback_whose_answer_is_lost_is_found_resting_and_not_sent_again(floor, account, fault):
    trade = place(floor, account, drawn_away(floor, BELOW))
    with faults.wire(floor, fault):
        floor.turn(account)
    assert {order.state for order in trade.orders.all()} == {State.UNKNOWN}
    trade = pass_seconds(floor, trade, 3)
    assert (trade.state, leg(trade, "entry").state) == (TradeState.ENTERING, State.OPEN)
    assert floor.paper.store.count("orders") == 3


def test_withdrawn_while_its_fate_is_unknown_it_is_canceled_once_it_is_found(floor, account):
    trade = place(floor, account, drawn_away(floor, BELOW))
    with faults.wire(floor, faults.lost_reply):
        floor.turn(account)
    orders.request_cancel(trade.pk)
    trade = pass_seconds(floor, trade, 3)
    assert trade.state == TradeState.CANCELED
    assert resting_at_the_exchange(account) == set()


def test_an_entry_canceled_on_the_exchanges_own_page_ends_and_says_so(floor, account, pullback):
    exchange_for(account).cancel_order("BTCUSDT", leg(pullback, "entry").client_order_id)
    trade = heard(floor, pullback)
    assert trade.state == TradeState.CANCELED
    assert "free again" in told(trade, "trading.entry_ended")
    assert trade.cancel_entry_at is None


def test_a_market_that_falls_through_the_line_and_the_stop_at_once_is_left_at_the_market(
    floor, account, pullback
):
    floor.paper.move("BTCUSDT", to_e8(pullback.stop * Decimal("0.99") // 1), 0)
    trade = floor.follow(
        pullback,
        step=SECOND,
        at_most=timedelta(seconds=30),
        meanwhile=lambda: floor.turn(account),
    )
    assert trade.state == TradeState.CLOSED
    assert trade.naked_ms <= 5000
    assert resting_at_the_exchange(account) == set()
    held = {each.asset: each.free + each.locked for each in exchange_for(account).balances()}
    assert held.get("BTC", Decimal(0)) < trade.dust


def test_where_the_exchange_sizes_no_legs_they_are_sized_net_of_the_fee(floor, account):
    """OTOCO: the legs carry their quantity from the start, or they would be refused at release."""
    listing = [row.raw | {"opoAllowed": False} for row in SymbolRules.objects.filter(venue="paper")]
    store_rules("paper", {"symbols": listing})
    trade = place(floor, account, drawn_away(floor, BELOW))
    floor.turn(account)
    assert leg(trade, "entry").list_kind == "OTOCO"
    fill(floor, trade, "1")
    trade = heard(floor, trade)
    stop = leg(trade, "stop")
    assert (trade.state, stop.state) == (TradeState.OPEN, State.OPEN)
    assert trade.held - trade.dust < stop.quantity <= trade.held < trade.quantity
