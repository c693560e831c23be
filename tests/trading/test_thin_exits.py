"""A stop that was set off is watched until the position is flat: a thin market may not take all."""

from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest

from tests.trading import faults
from tests.trading.waiting import SECOND, leg, place
from testudo.events.models import OutboxEvent
from trading import orders
from trading.exchange.paper.values import E8, to_e8
from trading.market.symbols import store_rules
from trading.models import Incident, Order, SymbolRules, Trade
from trading.order_states import State, TradeState

STEP = 1000  # of BTCUSDT, in e8


@pytest.fixture
def held(floor, account, draw) -> Trade:
    trade = place(floor, account, draw())
    floor.turn(account)
    trade.refresh_from_db()
    return trade


def thin(floor, *shares: str) -> None:
    """Each market order in turn gets only such a share; those after them all."""
    left = [to_e8(share) for share in shares]

    def thins(order, quantity):
        return quantity * left.pop(0) // E8 // STEP * STEP if left else quantity

    floor.paper.engine.thins = thins


def stop_out(floor, trade: Trade) -> None:
    price = (trade.stop * Decimal("0.999")).quantize(Decimal("0.01"))
    floor.paper.move("BTCUSDT", to_e8(price), 10_000)


def exits(trade) -> list[Order]:
    return list(trade.orders.filter(leg="exit").order_by("client_order_id"))


def follow(floor, trade: Trade, *, seconds: int) -> Trade:
    """Each second a turn, as the guard takes it; and one whenever the exchange tells something."""
    longest = timedelta(seconds=seconds)
    turn = partial(floor.turn, trade.account)
    return floor.follow(trade, step=SECOND, at_most=longest, meanwhile=turn)


def test_f27_what_a_thin_market_left_of_a_stop_is_sold_at_the_market_at_once(floor, account, held):
    """F27: a market stop expires part-filled."""
    thin(floor, "0.4")
    stop_out(floor, held)
    trade = follow(floor, held, seconds=30)
    stop = leg(trade, "stop")
    assert (stop.state, stop.state_reason) == (State.EXPIRED, "INSUFFICIENT_LIQUIDITY")
    assert 0 < stop.filled < stop.quantity
    [exit] = exits(trade)
    assert stop.filled + exit.filled == stop.quantity
    assert (trade.state, trade.exit_reason) == (TradeState.CLOSED, "closed")
    assert exit.created_at - stop_ended(trade) <= SECOND


def stop_ended(trade):
    return max(fill.booked_at for fill in trade.fills.filter(order__leg="stop"))


def test_f26_a_stop_that_was_set_off_and_sold_nothing_is_followed_by_a_market_exit(
    floor, account, held
):
    """F26: the price has gone, the stop is spent, and no new one could rest."""
    thin(floor, "0")
    stop_out(floor, held)
    trade = follow(floor, held, seconds=30)
    assert leg(trade, "stop").filled == 0
    assert trade.orders.filter(leg="stop").count() == 1, "no second stop was tried in vain"
    assert trade.state == TradeState.CLOSED
    assert "stop" in told(trade)


def told(trade) -> str:
    return " ".join(
        event.payload["text"]
        for event in OutboxEvent.objects.filter(payload__trade_id=str(trade.pk))
        if "text" in event.payload
    )


def test_an_exit_that_a_thin_market_cuts_goes_on_a_second_later_until_all_is_sold(
    floor, account, held
):
    thin(floor, "0.3", "0", "0.5", "0.5")
    orders.request_close(held.pk)
    floor.advance(SECOND)
    floor.turn(account)
    assert len(exits(held)) == 1
    floor.turn(account)
    assert len(exits(held)) == 1, "an empty market is not asked again in the same second"
    for _ in range(12):
        floor.advance(SECOND)
        floor.turn(account)
    held.refresh_from_db()
    assert held.state == TradeState.CLOSED
    sold = sum(order.filled for order in exits(held))
    assert sold == leg(held, "stop").quantity
    assert len(exits(held)) == 5
    incident = Incident.objects.get(trade=held, kind="exit_stuck")
    assert incident.closed_at is not None


def test_a_position_is_never_sold_twice_however_its_exit_is_cut(floor, account, held):
    floor.paper.deposit(1, "BTC", to_e8("2"))  # other coin of the same kind in the wallet
    thin(floor, "0.4", "0.2", "0.7")
    stop_out(floor, held)
    trade = follow(floor, held, seconds=40)
    assert trade.state == TradeState.CLOSED
    sold = sum(fill.quantity for fill in trade.fills.exclude(order__leg="entry"))
    assert sold == leg(trade, "stop").quantity


@pytest.fixture
def limit_kinds(floor):
    """The venue takes no market stops."""
    row = SymbolRules.objects.get(venue="paper", symbol="BTCUSDT")
    left = [each for each in row.raw["orderTypes"] if each not in ("STOP_LOSS", "TAKE_PROFIT")]
    others = SymbolRules.objects.filter(venue="paper").exclude(pk=row.pk)
    listing = {"symbols": [row.raw | {"orderTypes": left}, *(each.raw for each in others)]}
    store_rules("paper", listing)


@pytest.fixture
def held_by_limits(limit_kinds, held) -> Trade:
    return held


def test_a_symbol_without_market_stops_gets_their_limit_kinds(floor, held_by_limits):
    stop, target = leg(held_by_limits, "stop"), leg(held_by_limits, "target")
    assert (stop.type, stop.time_in_force, stop.state) == ("STOP_LOSS_LIMIT", "GTC", State.OPEN)
    assert stop.stop_price == held_by_limits.stop > stop.price
    assert (target.type, target.price) == ("TAKE_PROFIT_LIMIT", held_by_limits.target)


def test_a_stop_that_names_a_price_sells_where_the_market_is_there(floor, account, held_by_limits):
    stop_out(floor, held_by_limits)
    trade = follow(floor, held_by_limits, seconds=30)
    assert (trade.state, trade.exit_reason) == (TradeState.CLOSED, "stop")
    assert exits(trade) == []


def test_f26_a_market_that_gapped_past_a_stops_limit_is_left_at_any_price_within_five_seconds(
    floor, account, held_by_limits
):
    """F26: it is set off, rests above the market, and sells nothing."""
    stop = leg(held_by_limits, "stop")
    below = (stop.price * Decimal("0.995")).quantize(Decimal("0.01"))
    floor.paper.move("BTCUSDT", to_e8(below), 0)
    trade = follow(floor, held_by_limits, seconds=20)
    stop = leg(trade, "stop")
    assert (stop.filled, stop.state) == (0, State.CANCELED)
    assert (trade.state, trade.exit_reason) == (TradeState.CLOSED, "closed")
    assert trade.closed_at - stop.working_at <= timedelta(seconds=5)
    [exit] = exits(trade)
    assert exit.filled == exit.quantity


def test_a_target_that_was_touched_and_left_again_is_not_left_without_a_stop(
    floor, account, held_by_limits
):
    """Its touch ended the stop: where it does not sell, the position is closed."""
    engine = floor.paper.engine
    target = leg(held_by_limits, "target")
    order = next(o for o in engine.orders.values() if o.client_id == target.client_order_id)
    engine.frozen.add(order.id)  # it rests and nobody buys
    engine.thins = lambda each, quantity: 0 if each.id == order.id else quantity
    floor.paper.move("BTCUSDT", to_e8(target.price + 10), 1000)
    trade = follow(floor, held_by_limits, seconds=30)
    assert trade.state == TradeState.CLOSED
    assert leg(trade, "target").filled == 0
    assert len(exits(trade)) == 1


def test_an_exit_the_exchange_refuses_is_tried_again_after_a_growing_pause(floor, account, held):
    import requests

    def refuse(request, go_on):
        if request.method == "POST" and "type=MARKET" in str(request.body):
            response = requests.Response()
            response.status_code = 400
            response._content = b'{"code":-1013,"msg":"Market is closed."}'
            return response
        return go_on()

    orders.request_close(held.pk)
    with faults.wire(floor, refuse):
        for _ in range(3):
            floor.turn(account)
        assert len(exits(held)) == 1
        floor.advance(SECOND)
        floor.turn(account)
    assert [order.state for order in exits(held)] == [State.REJECTED, State.REJECTED]
    incident = Incident.objects.get(trade=held)
    assert (incident.kind, incident.closed_at) == ("symbol_halted", None)
    assert "Market is closed" in incident.text
    floor.advance(SECOND)
    floor.turn(account)
    assert len(exits(held)) == 2
    floor.advance(SECOND)
    floor.turn(account)
    held.refresh_from_db()
    assert held.state == TradeState.CLOSED
    incident.refresh_from_db()
    assert incident.closed_at is not None
