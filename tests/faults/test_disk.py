"""The disk under PostgreSQL is full for a while: no commit succeeds, so nothing new is sent."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import OperationalError, connection

from trading import account_stream, decisions, ledger, orders
from trading.models import Fill, Trade
from trading.order_states import TradeState

FULL = 'could not extend file "base/16384/2619": No space left on device'


@pytest.fixture
def full_disk(monkeypatch):
    """Inside the block no transaction commits, as SQLSTATE 53100 has it."""

    @contextmanager
    def full():
        def commit() -> None:
            connection.rollback()
            connection.run_on_commit = []
            raise OperationalError(FULL)

        with monkeypatch.context() as patch:
            patch.setattr(connection, "commit", commit)
            yield

    return full


@pytest.mark.django_db(transaction=True)
def test_f42_a_full_disk_sends_nothing_and_afterwards_every_fill_is_booked(
    floor, account, draw, full_disk
):
    held = orders.place_trade(account, draw(), quote_of=floor.quote_of)
    floor.turn(account)
    with full_disk():
        with pytest.raises(OperationalError, match="No space left"):
            orders.place_trade(account, draw("ETHUSDT"), quote_of=floor.quote_of)
        assert floor.paper.store.count("orders") == 3, "without a row nothing is sent"
        floor.paper.move("BTCUSDT", int(held.stop * 10**8) * 999 // 1000, 2000)
        for _ in range(5):
            floor.advance(timedelta(seconds=1))
        with pytest.raises(OperationalError, match="No space left"):
            account_stream.match_books(account)
    assert Trade.objects.filter(account=account).count() == 1
    account_stream.match_books(account)
    for _ in range(3):
        floor.advance(timedelta(seconds=1))
        floor.turn(account)
    held.refresh_from_db()
    assert held.state == TradeState.CLOSED
    assert Fill.objects.filter(trade=held).count() == 2
    assert list(decisions.breaks(account.pk)) == []
    assert ledger.faults(account) == []
