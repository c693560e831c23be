"""Tells the risk monitor, right after commit, that an account's book has changed. Best effort.

A thread of its own speaks to Redis, so that a slow or absent one never slows a booking. What is
lost here the monitor finds in PostgreSQL within a second.
"""

from uuid import UUID

import redis
from django.db import transaction

from testudo.events.wake import Waker
from trading.market.prices import client

CHANNEL = "risk:changed"


class _Teller(Waker):
    def _send(self, stream: str) -> None:
        try:
            client().publish(CHANNEL, stream)
        except redis.RedisError:
            return  # prices log that Redis is away; nothing is lost


_teller = _Teller()


def tell_monitor(account_id: UUID) -> None:
    """Say so once the current transaction has committed."""
    transaction.on_commit(lambda: _teller.wake(str(account_id)), robust=True)
