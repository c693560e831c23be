"""Moving the stop or target of an open position: down and up again within one step (R10)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from tests.trading.risky import SECOND, opened, walked
from testudo.events.models import OutboxEvent
from trading import moves, orders
from trading.exchange.paper.values import to_e8
from trading.models import Move, MoveState
from trading.moves import Wish
from trading.order_states import State, TradeState

CENT = Decimal("0.01")


def wish(floor, trade, **lines) -> Move:
    return moves.request_move(trade.pk, Wish(**lines), quote_of=floor.quote_of)


def moved(floor, account, trade, **lines):
    """The wish and the turn it wakes."""
    move = wish(floor, trade, **lines)
    floor.turn(account)
    trade.refresh_from_db()
    move.refresh_from_db()
    return move


def closer(trade, share="0.5") -> Decimal:
    """A stop part of the way to the entry."""
    return (trade.stop + (trade.entry - trade.stop) * Decimal(share)).quantize(CENT)


def stops(trade):
    return list(trade.orders.filter(leg="stop").order_by("pk"))


def live_legs(trade) -> dict[str, Decimal]:
    return {o.leg: o.stop_price for o in trade.orders.exclude(leg="entry") if o.state == State.OPEN}


def told(account, name) -> list[str]:
    rows = OutboxEvent.objects.filter(stream=str(account.pk), name=f"trading.{name}")
    return [row.payload["text"] for row in rows.order_by("seq")]


@pytest.fixture
def trade(floor, account, draw):
    return opened(floor, account, draw())


def test_a_wish_is_recorded_and_nothing_is_sent(floor, account, trade):
    before = floor.paper.store.count("orders")
    move = wish(floor, trade, stop=closer(trade))
    trade.refresh_from_db()
    assert (move.state, move.number, trade.open_move) == (MoveState.WISHED, 1, move)
    assert (move.from_stop, move.to_stop) == (trade.stop, closer(trade))
    assert floor.paper.store.count("orders") == before
    assert trade.stop_now == trade.stop, "where it rests, until the exchange has it elsewhere"


def test_one_turn_moves_the_stop_and_leaves_the_plan_and_r0_alone(floor, account, trade):
    plan = (trade.stop, trade.target, trade.initial_risk, trade.planned_risk)
    move = moved(floor, account, trade, stop=closer(trade))
    assert move.state == MoveState.DONE
    assert live_legs(trade) == {"stop": closer(trade), "target": trade.target}
    assert [order.state for order in stops(trade)] == [State.CANCELED, State.OPEN]
    assert (trade.stop, trade.target, trade.initial_risk, trade.planned_risk) == plan
    assert (trade.stop_now, trade.open_move) == (closer(trade), None)
    assert told(account, "stop_moved")


def test_the_new_legs_sell_all_that_is_held_and_no_more(floor, account, trade):
    moved(floor, account, trade, stop=closer(trade))
    stop = stops(trade)[-1]
    assert 0 < stop.quantity <= trade.held < stop.quantity + trade.dust


def test_heat_follows_the_stop_once_it_rests(floor, account, trade):
    from trading.book import read_book
    from trading.models import AccountRisk

    def heat():
        risk = AccountRisk.objects.get(account=account)
        return read_book(account, risk=risk, symbol="", quote_of=floor.quote_of, fresh=True).heat

    before = heat()
    wish(floor, trade, stop=closer(trade))
    assert heat() == before, "a wish protects nothing"
    floor.turn(account)
    assert before * Decimal("0.45") < heat() < before * Decimal("0.65")


def test_a_trade_stopped_at_its_moved_stop_loses_less_than_one_r(floor, account, trade):
    moved(floor, account, trade, stop=closer(trade))
    trade = walked(floor, trade, closer(trade) * Decimal("0.999"))
    assert (trade.state, trade.exit_reason) == (TradeState.CLOSED, "stop")
    assert Decimal("-0.75") < trade.profit / trade.initial_risk < Decimal("-0.4")


def test_a_target_may_move_either_way(floor, account, trade):
    nearer = (trade.target - (trade.target - trade.entry) / 4).quantize(CENT)
    further = (trade.target + (trade.target - trade.entry) / 4).quantize(CENT)
    for number, target in enumerate((nearer, further), start=1):
        move = moved(floor, account, trade, target=target)
        assert (move.state, move.number) == (MoveState.DONE, number)
        assert live_legs(trade) == {"stop": trade.stop, "target": target}


def test_a_stop_further_away_is_refused_in_words_and_nothing_is_recorded(floor, account, trade):
    with pytest.raises(moves.MoveRefused, match="only moves towards the price") as refused:
        wish(floor, trade, stop=trade.stop - 50)
    assert [each.code for each in refused.value.objections] == ["stop_only_tightens"]
    assert not Move.objects.exists()


def test_a_moved_stop_cannot_go_back_to_where_the_plan_had_it(floor, account, trade):
    moved(floor, account, trade, stop=closer(trade))
    with pytest.raises(moves.MoveRefused, match=f"it is at {closer(trade).normalize():f}"):
        wish(floor, trade, stop=trade.stop)


def test_a_stop_at_the_market_is_refused_because_it_would_trigger_at_once(floor, account, trade):
    at = floor.quote_of("paper", "BTCUSDT").ask.quantize(CENT)
    with pytest.raises(moves.MoveRefused, match="at once"):
        wish(floor, trade, stop=at)
    assert live_legs(trade)["stop"] == trade.stop


def test_lines_that_are_there_already_need_no_move(floor, account, trade):
    with pytest.raises(moves.NothingToMove):
        wish(floor, trade, stop=trade.stop, target=trade.target)


def test_a_second_wish_before_the_first_was_sent_replaces_it(floor, account, trade):
    first = wish(floor, trade, stop=closer(trade, "0.3"))
    second = moved(floor, account, trade, stop=closer(trade, "0.6"))
    first.refresh_from_db()
    assert (first.state, second.state) == (MoveState.SUPERSEDED, MoveState.DONE)
    assert [order.state for order in stops(trade)] == [State.CANCELED, State.OPEN]


def test_a_move_under_way_is_not_replaced(floor, account, trade):
    move = wish(floor, trade, stop=closer(trade, "0.3"))
    Move.objects.filter(pk=move.pk).update(state=MoveState.UNDER_WAY)
    with pytest.raises(moves.MoveUnderWay):
        wish(floor, trade, stop=closer(trade, "0.6"))


def test_a_trade_that_is_being_closed_moves_nothing(floor, account, trade):
    wish(floor, trade, stop=closer(trade))
    orders.request_close(trade.pk)
    floor.turn(account)
    trade.refresh_from_db()
    assert trade.state == TradeState.CLOSED
    assert Move.objects.get().state == MoveState.OVERTAKEN
    with pytest.raises(orders.TradeOver):
        wish(floor, trade, stop=closer(trade))


def test_a_stop_that_filled_before_the_turn_is_not_sold_again(floor, account, trade, draw):
    floor.paper.deposit(1, "BTC", to_e8("2"))  # other coin: the wallet is no fence
    move = wish(floor, trade, stop=closer(trade, "0.2"))
    below = (trade.stop * Decimal("0.999")).quantize(CENT)
    floor.paper.move("BTCUSDT", to_e8(below), 2_000)
    for _ in range(4):
        floor.advance(SECOND)
    floor.turn(account)
    trade.refresh_from_db()
    move.refresh_from_db()
    assert (trade.state, trade.exit_reason) == (TradeState.CLOSED, "stop")
    assert move.state == MoveState.OVERTAKEN
    assert floor.paper.store.count("orders") == 3


def test_a_stop_moved_before_is_what_the_guard_puts_back(floor, account, trade):
    from trading.exchange.factory import exchange_for

    moved(floor, account, trade, stop=closer(trade))
    exchange_for(account).cancel_list("BTCUSDT", stops(trade)[-1].list_client_order_id)
    for _ in range(2):
        floor.advance(timedelta(seconds=30))
        floor.turn(account)
    assert live_legs(trade) == {"stop": closer(trade), "target": trade.target}


def test_a_wish_is_never_rewritten_nor_deleted(floor, account, trade):
    move = wish(floor, trade, stop=closer(trade))
    for change in (lambda: Move.objects.update(to_stop=1), lambda: move.delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_the_database_itself_refuses_a_stop_further_away(floor, account, trade):
    trade.moved_stop = trade.stop - 1
    with pytest.raises(DatabaseError, match="trade_stop_only_tightens"), transaction.atomic():
        trade.save()


def test_a_poll_that_brings_no_news_leaves_the_version_a_trader_saw(floor, account, trade):
    from trading.exchange.factory import exchange_for
    from trading.reconcile import catch_up_trade

    seen = trade.version
    catch_up_trade(trade.pk, exchange=exchange_for(account))
    trade.refresh_from_db()
    assert trade.version == seen
