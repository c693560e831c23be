"""Reports of the user stream as no exchange promises them: thrice, shuffled, late (F16 to F18)."""

import itertools
import random
from datetime import timedelta

import pytest

from trading import account_stream, orders
from trading.exchange.user_events import OrderUpdate, read_event
from trading.models import Fill, Order
from trading.order_states import State, TradeState


@pytest.fixture
def told(floor) -> list[dict]:
    """Every event the exchange sends, in its order."""
    kept: list[dict] = []
    floor.paper.event_listeners.append(lambda events: kept.extend(each for _, each in events))
    return kept


def hear(account, event: dict) -> None:
    read = read_event(event)
    if read is not None:
        account_stream.take_in(account, read)


def close(floor, account, trade) -> None:
    orders.request_close(trade.pk)
    for _ in range(3):
        floor.advance(timedelta(seconds=1))
        floor.turn(account)
    trade.refresh_from_db()
    assert trade.state == TradeState.CLOSED


def states(trade) -> dict[str, str]:
    return {order.client_order_id: order.state for order in Order.objects.filter(trade=trade)}


def test_f16_every_report_three_times_is_one_fill_each(floor, account, draw, told):
    trade = orders.place_trade(account, draw(), quote_of=floor.quote_of)
    floor.turn(account)
    close(floor, account, trade)
    before = (Fill.objects.filter(trade=trade).count(), states(trade), trade.profit)
    for event in told:
        for _ in range(3):
            hear(account, event)
    trade.refresh_from_db()
    assert (Fill.objects.filter(trade=trade).count(), states(trade), trade.profit) == before
    assert before[0] == 2


@pytest.mark.parametrize("seed", range(4))
def test_f17_reports_in_any_order_end_in_the_same_state(floor, account, draw, told, seed):
    trade = orders.place_trade(account, draw(), quote_of=floor.quote_of)
    floor.turn(account)
    close(floor, account, trade)
    before = states(trade)
    shuffled = list(told)
    random.Random(seed).shuffle(shuffled)
    for event in shuffled:
        hear(account, event)
    assert states(trade) == before
    assert State.OPEN not in before.values()


def test_f17_a_report_of_the_beginning_that_comes_after_the_end_revives_nothing(
    floor, account, draw, told
):
    """FILLED, EXPIRED and CANCELED before NEW: for each order the end is heard first."""
    trade = orders.place_trade(account, draw(), quote_of=floor.quote_of)
    floor.turn(account)
    floor.advance(timedelta(seconds=1))
    floor.paper.move("BTCUSDT", int((trade.target + 60) * 10**8), 2000)
    for _ in range(5):
        floor.advance(timedelta(seconds=1))
    for event in reversed(told):
        hear(account, event)
    floor.turn(account)
    trade.refresh_from_db()
    assert trade.state == TradeState.CLOSED
    assert states(trade) == {
        trade.orders.get(leg="entry").client_order_id: State.FILLED,
        trade.orders.get(leg="target").client_order_id: State.FILLED,
        trade.orders.get(leg="stop").client_order_id: State.EXPIRED,
    }


def test_f18_a_report_ninety_seconds_late_books_nothing_twice(floor, account, draw, told):
    trade = orders.place_trade(account, draw(), quote_of=floor.quote_of)
    floor.turn(account)
    late = [event for event in told if isinstance(read_event(event), OrderUpdate)]
    floor.advance(timedelta(seconds=90))
    floor.turn(account)
    before = [str(fill) for fill in trade.fills.order_by("exchange_trade_id")]
    for event in itertools.chain(late, late):
        hear(account, event)
    assert [str(fill) for fill in trade.fills.order_by("exchange_trade_id")] == before
    assert len(before) == 1
