"""From a drawing to a journaled trade, over the paper exchange's wire, on virtual time."""

from datetime import timedelta
from decimal import Decimal

import pytest

from testudo.events.models import OutboxEvent
from trading import orders
from trading.exchange.paper.values import to_e8
from trading.models import Fill, Order, Trade
from trading.order_states import State, TradeState

SECOND = timedelta(seconds=1)


def place(floor, account, drawing) -> Trade:
    return orders.place_trade(account, drawing, quote_of=floor.quote_of)


def legs(trade) -> dict[str, Order]:
    return {order.leg: order for order in trade.orders.all()}


def test_nothing_is_sent_when_a_trade_is_placed(floor, account, draw):
    trade = place(floor, account, draw())
    assert {order.state for order in trade.orders.all()} == {State.PLANNED}
    assert floor.paper.store.count("orders") == 0


def test_one_turn_buys_and_protects(floor, account, draw):
    trade = place(floor, account, draw())
    floor.turn(account)
    trade.refresh_from_db()
    stop = legs(trade)["stop"]
    assert (trade.state, stop.state) == (TradeState.OPEN, State.OPEN)
    assert 0 < stop.quantity <= trade.held < stop.quantity + trade.dust
    assert trade.protected_at is not None
    assert trade.naked_ms == 0


def test_the_worst_planned_loss_fits_the_budget_fees_in(floor, account, draw):
    trade = place(floor, account, draw())
    assert trade.risk_budget == Decimal(100)
    assert Decimal("99") < trade.planned_risk <= trade.risk_budget


def test_a_trade_that_hits_its_target_earns_the_planned_reward(floor, account, draw):
    drawing = draw()
    trade = place(floor, account, drawing)
    floor.turn(account)
    above = (drawing.target * Decimal("1.0005")).quantize(Decimal("0.01"))
    floor.paper.move("BTCUSDT", to_e8(above), 30_000)
    trade = floor.follow(trade, step=SECOND, at_most=timedelta(minutes=2))
    assert (trade.state, trade.exit_reason) == (TradeState.CLOSED, "target")
    r = trade.profit / trade.initial_risk
    assert abs(r - trade.reward_to_risk) < Decimal("0.15")
    assert legs(trade)["stop"].state == State.EXPIRED


def test_a_stopped_trade_loses_about_one_r(floor, account, draw):
    drawing = draw()
    trade = place(floor, account, drawing)
    floor.turn(account)
    floor.paper.move(
        "BTCUSDT", to_e8((drawing.stop * Decimal("0.999")).quantize(Decimal("0.01"))), 30_000
    )
    trade = floor.follow(trade, step=SECOND, at_most=timedelta(minutes=2))
    assert (trade.state, trade.exit_reason) == (TradeState.CLOSED, "stop")
    assert Decimal("-1.15") < trade.profit / trade.initial_risk < Decimal("-0.85")
    told = OutboxEvent.objects.filter(stream=str(account.pk)).values_list("name", flat=True)
    assert "trading.position_unprotected" not in told, "a stop that fills is no lost stop"


def test_closing_by_hand_cancels_the_legs_and_sells_what_is_held(floor, account, draw):
    trade = place(floor, account, draw())
    floor.turn(account)
    floor.advance(SECOND)
    orders.request_close(trade.pk)
    floor.turn(account)
    trade.refresh_from_db()
    assert (trade.state, trade.exit_reason) == (TradeState.CLOSED, "closed")
    assert {legs(trade)["stop"].state, legs(trade)["target"].state} == {State.CANCELED}
    assert (
        sum(f.quantity for f in trade.fills.filter(order__leg="exit"))
        == legs(trade)["stop"].quantity
    )


def test_a_fill_is_booked_once_however_often_it_is_reported(floor, account, draw):
    from trading.bookkeeping import book_fills
    from trading.exchange.factory import exchange_for

    trade = place(floor, account, draw())
    floor.turn(account)
    before = Fill.objects.count()
    reports = exchange_for(account).trades("BTCUSDT")
    assert len(reports) == before > 0
    assert book_fills(account.pk, [*reports, *reversed(reports)]) == 0
    assert Fill.objects.count() == before
    trade.refresh_from_db()
    assert trade.held == sum(f.quantity - f.commission for f in trade.fills.all())


def test_placing_a_second_trade_in_the_symbol_is_refused_and_recorded(floor, account, draw):
    place(floor, account, draw())
    with pytest.raises(orders.PlanRefused) as refused:
        place(floor, account, draw())
    broken = {v.code for v in refused.value.verdicts if not v.ok}
    assert "symbol_position" in broken
    assert list(account.decisions.values_list("kind", flat=True)) == ["placed", "refused"]


def test_the_events_of_a_trade_tell_its_story_in_order(floor, account, draw):
    trade = place(floor, account, draw())
    floor.turn(account)
    names = list(
        OutboxEvent.objects.filter(stream=str(account.pk))
        .order_by("seq")
        .values_list("name", flat=True)
    )
    assert names[:2] == ["trading.plan_approved", "trading.order_sent"]
    assert names.index("trading.order_filled") < names.index("trading.position_protected")
    ids = set(OutboxEvent.objects.values_list("correlation_id", flat=True))
    assert ids == {trade.correlation_id}
