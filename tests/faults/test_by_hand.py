"""The trader acts on the exchange's own site: nothing of his is touched, nothing stays naked."""

from datetime import timedelta

from trading.exchange.factory import exchange_for
from trading.exchange.port import LegInstruction
from trading.models import Order
from trading.order_states import State, TradeState


def cancel_legs(account, trade) -> None:
    stop = trade.orders.get(leg="stop")
    exchange_for(account).cancel_list(trade.symbol, stop.list_client_order_id)


def test_f28_a_stop_cancelled_by_hand_is_put_back_for_the_whole_position(
    floor, account, held, wait
):
    cancel_legs(account, held)
    floor.advance(timedelta(seconds=30))  # as without a stream: the poll finds it
    trade = wait(held, 3)
    stop = Order.objects.get(trade=trade, leg="stop", state=State.OPEN)
    assert trade.held - trade.dust < stop.quantity <= trade.held
    assert trade.naked_since is None


def test_f29_a_position_sold_by_hand_is_not_sold_again_and_nothing_is_left_resting(
    floor, account, held, wait
):
    cancel_legs(account, held)
    sale = LegInstruction(
        client_order_id="by-hand",
        side="SELL",
        type="MARKET",
        quantity=held.orders.get(leg="stop").quantity,
    )
    exchange = exchange_for(account)
    exchange.place_order("BTCUSDT", sale, signed_at=floor.moment.moment)
    taken = floor.paper.store.count("orders")
    floor.advance(timedelta(seconds=30))
    trade = wait(held, 60)
    assert exchange.open_orders("BTCUSDT") == []
    sold = floor.paper.engine.counters.trade["BTCUSDT"]
    assert sold == 2, "bought by us, sold by the trader, and by nobody else"
    refused = Order.objects.filter(trade=trade, state=State.REJECTED).count()
    assert refused <= 12, "no loop of refused orders"
    assert floor.paper.store.count("orders") == taken
    assert trade.state in (TradeState.CLOSED, TradeState.OPEN, TradeState.CLOSING)
