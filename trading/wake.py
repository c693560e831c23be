"""Waking a turn of the loop right after commit. Best effort: the guard finds what is lost here.

The broker is spoken to by the thread the event waker keeps, so that a slow or absent Redis never
slows a request. A turn already waiting for the same account is not queued twice.
"""

from uuid import UUID

from django.db import transaction

from testudo.events.wake import Waker

ORDERS, PROTECTIVE = "orders", "protective"
_wakers = {queue: Waker("trading.tasks.run_turn", queue=queue) for queue in (ORDERS, PROTECTIVE)}


# A part of an entry may wait two seconds for its rest; the guard alone would look up to one later.
_after_a_part = Waker("trading.tasks.run_turn", queue=PROTECTIVE, countdown=2.02)


def wake_turn(account_id: UUID, *, protective: bool = False) -> None:
    """Queue a turn for the account once the current transaction has committed."""
    waker = _wakers[PROTECTIVE if protective else ORDERS]
    transaction.on_commit(lambda: waker.wake(str(account_id)), robust=True)


def wake_turn_after_part(account_id: UUID) -> None:
    """The same for the moment at which the rest of a part-filled entry is cut off (R8)."""
    transaction.on_commit(lambda: _after_a_part.wake(str(account_id)), robust=True)
