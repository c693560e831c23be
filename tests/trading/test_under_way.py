"""What the exchange holds beyond our books is only somebody else's where our books are complete."""

import threading
from dataclasses import replace

import pytest
from django.db import connection

from tests.trading.risky import opened
from trading import account_stream, asset_flows, coverage, ledger, ooda, orders
from trading.bookkeeping import book_fills
from trading.exchange.factory import exchange_for
from trading.models import AccountFlow, Order
from trading.order_states import State
from trading.reconcile import catch_up_trade


def external(account) -> list:
    flows = AccountFlow.objects.filter(account=account, kind=AccountFlow.Kind.EXTERNAL)
    return list(flows.values_list("asset", "change"))


@pytest.fixture
def answered(floor, account, draw):
    """An entry that the exchange says has filled; its fills are still to be told by the stream."""
    trade = orders.place_trade(account, draw(), quote_of=floor.quote_of)
    account_stream.note_alive(account)
    ooda.run_turn(account.pk, exchange=exchange_for(account), streamed=True)
    entry = Order.objects.get(trade=trade, leg="entry")
    assert (entry.state, trade.fills.count()) == (State.FILLED, 0)
    return trade


def test_between_the_word_on_an_order_and_its_fills_nothing_is_external(floor, account, answered):
    balances = exchange_for(account).balances()
    assert {each.asset: each.free + each.locked for each in balances}["BTC"] > 0
    assert asset_flows.compare(account, balances, quote_of=floor.quote_of) == []
    assert coverage.missing(account) == []
    catch_up_trade(answered.pk, exchange=exchange_for(account))
    asset_flows.compare(account, exchange_for(account).balances(), quote_of=floor.quote_of)
    assert external(account) == []
    assert ledger.faults(account) == []


@pytest.mark.django_db(transaction=True)
def test_no_fill_is_booked_between_the_looks_of_one_comparison(floor, account, draw, monkeypatch):
    """An exit sells and is in the balances; its answer and fills are booked meanwhile."""
    trade = opened(floor, account, draw())
    before = exchange_for(account).balances()
    stop = trade.orders.get(leg="stop")
    floor.paper.move("BTCUSDT", int(trade.stop * 10**8) * 999 // 1000, 2000)
    floor.advance(asset_flows.UNSURE * 2)
    after = exchange_for(account).balances()
    assert before != after
    executed = [
        each
        for each in exchange_for(account).trades("BTCUSDT")
        if each.exchange_order_id == stop.exchange_order_id
    ]
    assert executed
    booked = threading.Event()

    def book() -> None:
        try:
            book_fills(account.pk, executed)
            booked.set()
        finally:
            connection.close()

    booking, as_it_is = threading.Thread(target=book), ledger.moved_since

    def moved_since(*args):
        if booking.ident is None:
            booking.start()
            assert not booked.wait(0.5), "it waits for the comparison to end"
        return as_it_is(*args)

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "moved_since", moved_since)
        # The exchange's word is still the old one: what sells is not in it.
        stale = [replace(each, at=after[0].at) for each in before]
        asset_flows.compare(account, stale, quote_of=floor.quote_of)
    booking.join(10)
    assert booked.is_set()
    assert external(account) == []
