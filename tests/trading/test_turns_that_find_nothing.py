"""What the order path does not do twice: look, lock, ask and book."""

import asyncio
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from trading import account_stream, ooda, orders, reconcile
from trading.bookkeeping import book
from trading.exchange import user_stream
from trading.exchange.factory import exchange_for
from trading.exchange.user_events import (
    Alive,
    Burst,
    Ending,
    StreamLost,
    Subscribed,
    read_event,
)
from trading.exchange.user_stream import session
from trading.models import Balance, ExchangeAccount, Fill, Order
from trading.order_states import State, TradeState

SECOND = timedelta(seconds=1)


@pytest.fixture
def told(floor) -> list[dict]:
    """Every event the exchange sends, in its order."""
    kept: list[dict] = []
    floor.paper.event_listeners.append(lambda events: kept.extend(each for _, each in events))
    return kept


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """The trades the exchange was asked about."""
    kept: list[str] = []
    monkeypatch.setattr(
        "trading.ooda.reconcile.catch_up_trade",
        lambda trade_id, *, exchange: kept.append(str(trade_id)) or 0,
    )
    return kept


def place(floor, account, draw):
    return orders.place_trade(account, draw(), quote_of=floor.quote_of)


def not_reached():
    raise AssertionError("a turn that finds nothing reaches no exchange")


def test_a_turn_that_finds_nothing_costs_one_query_and_reaches_no_exchange(floor, account, draw):
    place(floor, account, draw)
    floor.turn(account)
    with CaptureQueriesContext(connection) as looked:
        assert ooda.run_turn(account.pk, exchange=not_reached) == 0
    assert len(looked) == 1
    assert not ooda.is_due(account.pk)


def test_what_a_followed_stream_tells_is_not_asked_for_at_once(floor, account, draw, told, asked):
    trade = place(floor, account, draw)
    account_stream.note_alive(account)
    ooda.run_turn(account.pk, exchange=exchange_for(account), streamed=True)
    trade.refresh_from_db()
    assert (trade.state, trade.fills.count(), asked) == (TradeState.OPEN, 0, [])
    assert trade.protected_at is None
    for event in told:
        if (read := read_event(event)) is not None:
            account_stream.take_in(account, read)
    trade.refresh_from_db()
    assert (trade.state, trade.fills.count(), asked) == (TradeState.OPEN, 1, [])
    assert trade.protected_at is not None


def test_what_the_stream_does_not_tell_is_asked_for_a_second_later(floor, account, draw):
    trade = place(floor, account, draw)
    account_stream.note_alive(account)
    ooda.run_turn(account.pk, exchange=exchange_for(account), streamed=True)
    assert not ooda.is_due(account.pk)
    floor.advance(SECOND)
    assert ooda.is_due(account.pk), "the guard, which looks each second, finds it"
    ooda.run_turn(account.pk, exchange=exchange_for(account), streamed=True)
    trade.refresh_from_db()
    assert (trade.state, trade.fills.count()) == (TradeState.OPEN, 1)
    assert trade.protected_at is not None


def test_without_a_stream_that_is_followed_the_exchange_is_asked_at_once(floor, account, draw):
    trade = place(floor, account, draw)
    ooda.run_turn(account.pk, exchange=exchange_for(account), streamed=False)
    trade.refresh_from_db()
    assert (trade.state, trade.fills.count()) == (TradeState.OPEN, 1)


@pytest.mark.parametrize("trouble", [{"stream_gap": True}, {"stream_alive_at": None}])
def test_without_a_stream_that_was_heard_no_entry_is_sent(floor, account, draw, trouble):
    trade = place(floor, account, draw)
    account_stream.note_alive(account)
    ExchangeAccount.objects.filter(pk=account.pk).update(**trouble)
    ooda.run_turn(account.pk, exchange=exchange_for(account), streamed=True)
    trade.refresh_from_db()
    assert (trade.state, trade.fills.count()) == (TradeState.APPROVED, 0)


def test_an_entry_found_naked_meanwhile_counts_as_not_asked_about(floor, account, draw):
    """The stream may tell of the fill before the sender has written down that it was answered."""
    trade = place(floor, account, draw)
    rows = type(trade).objects.filter(pk=trade.pk)
    rows.update(naked_since=trade.placed_at, polled_at=None)
    reconcile.note_told(trade.pk)
    assert rows.get().polled_at is None
    rows.update(naked_since=None)
    reconcile.note_told(trade.pk)
    assert rows.get().polled_at is not None


def test_a_report_that_brings_no_news_takes_no_lock(floor, account, draw):
    trade = place(floor, account, draw)
    floor.turn(account)
    exchange = exchange_for(account)
    reports = [
        exchange.find_order(order.symbol, order.client_order_id) for order in trade.orders.all()
    ]
    executed = exchange.trades(trade.symbol)
    version = type(trade).objects.get(pk=trade.pk).version
    with CaptureQueriesContext(connection) as asked:
        booked = book(account.pk, reports, executed)
    assert len(booked.ours) == 3
    assert (booked.news, booked.fills) == (False, 0)
    assert len(asked) == 3, "our orders, by id and by number, and our fills"
    assert not any("FOR NO KEY UPDATE" in query["sql"] for query in asked.captured_queries)
    assert type(trade).objects.get(pk=trade.pk).version == version


def test_a_burst_of_the_stream_is_booked_as_one_and_comes_to_the_same(
    floor, account, draw, told, monkeypatch
):
    woken: list[object] = []
    monkeypatch.setattr(account_stream, "wake_turn", lambda *a, **k: woken.append(a))
    trade = place(floor, account, draw)
    account_stream.note_alive(account)
    ooda.run_turn(account.pk, exchange=exchange_for(account), streamed=True)
    version = type(trade).objects.get(pk=trade.pk).version
    burst = Burst(tuple(read for event in told if (read := read_event(event)) is not None))
    assert len(burst.events) >= 4
    account_stream.take_in(account, burst)
    trade.refresh_from_db()
    assert (trade.state, trade.version) == (TradeState.OPEN, version + 1)
    assert woken == [], "nothing is left to do"
    assert {order.state for order in trade.orders.all()} == {State.FILLED, State.OPEN}
    there = {each.asset: (each.free, each.locked) for each in exchange_for(account).balances()}
    for row in Balance.objects.filter(account=account):
        assert (row.free, row.locked) == there[row.asset]
    account_stream.take_in(account, burst)  # told again
    assert Fill.objects.filter(trade=trade).count() == 1


def test_a_leg_that_ends_wakes_a_turn(floor, account, draw, told, monkeypatch):
    woken: list[object] = []
    monkeypatch.setattr(account_stream, "wake_turn", lambda *a, **k: woken.append(a))
    trade = place(floor, account, draw)
    floor.turn(account)
    stop = Order.objects.get(trade=trade, leg="stop")
    exchange_for(account).cancel_list(stop.symbol, stop.list_client_order_id)
    for event in told:
        if (read := read_event(event)) is not None:
            account_stream.take_in(account, read)
    assert woken, "the position is naked"


async def test_what_waits_is_handed_on_together_and_its_end_is_still_told(monkeypatch):
    class Socket:
        pass

    class Connected:
        async def __aenter__(self):
            return Socket()

        async def __aexit__(self, *args):
            return None

    async def nothing(*args):
        return None

    async def read(socket, number, waiting, may_ask):
        for event in (Alive(), Alive(), Ending(), Alive(), StreamLost("over")):
            waiting.put_nowait(event)

    monkeypatch.setattr(user_stream, "connect", lambda *a, **k: Connected())
    monkeypatch.setattr(user_stream, "_subscribe", nothing)
    monkeypatch.setattr(user_stream, "_read", read)
    events = session("ws://nowhere", None, together=True)
    heard = [await anext(events)]
    await asyncio.sleep(0)  # the reader's turn
    heard += [await anext(events) for _ in range(3)]
    with pytest.raises(StreamLost, match="over"):
        await anext(events)
    assert heard == [Subscribed(), Burst((Alive(), Alive())), Ending(), Alive()]
