"""Waking a turn of the loop right after commit. Best effort: the guard finds what is lost here.

The broker is spoken to by the thread the event waker keeps, so that a slow or absent Redis never
slows a request. A turn already waiting for the same account is not queued twice.
"""

from uuid import UUID

from django.db import transaction

from testudo.events.wake import Waker

ORDERS, PROTECTIVE = "orders", "protective"
_wakers = {queue: Waker("trading.tasks.run_turn", queue=queue) for queue in (ORDERS, PROTECTIVE)}


def wake_turn(account_id: UUID, *, protective: bool = False) -> None:
    """Queue a turn for the account once the current transaction has committed."""
    waker = _wakers[PROTECTIVE if protective else ORDERS]
    transaction.on_commit(lambda: waker.wake(str(account_id)), robust=True)
