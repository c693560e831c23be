"""The order path on virtual time: real services, real adapter, real paper exchange, no sockets."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.trading.conftest import _master_key, account, alice, draw, floor
from trading import orders
from trading.models import Trade

__all__ = ["_master_key", "account", "alice", "draw", "floor"]


@pytest.fixture
def held(floor, account, draw) -> Trade:
    """A position, bought and protected."""
    trade = orders.place_trade(account, draw(), quote_of=floor.quote_of)
    floor.turn(account)
    trade.refresh_from_db()
    assert trade.protected_at is not None
    return trade


@pytest.fixture
def wait(floor, account) -> Callable[..., Trade]:
    """Let so many seconds pass, with a turn in each as the guard would take it."""

    def waiting(trade: Trade, seconds: int) -> Trade:
        for _ in range(seconds):
            floor.advance(timedelta(seconds=1))
            floor.turn(account)
        trade.refresh_from_db()
        return trade

    return waiting
