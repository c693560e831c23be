"""A transaction whose locks are not held while the disk is waited for.

A commit that waits for the disk holds its locks meanwhile: fifty placements on one account would
stand in line for fifty writes. Here the transaction commits at once, and then the caller waits
until all of it is on disk, with everybody else who waits: PostgreSQL writes for all in one go.
Nobody is answered before that. Whoever sees the rows earlier and acts on them commits durably too,
and with that everything before it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

# The smallest transaction there is: its commit waits until the log is written up to it.
_COMMIT_AT_ONCE = "SET LOCAL synchronous_commit TO off"
_WAIT = "SELECT pg_logical_emit_message(true, 'testudo', '')"


@contextmanager
def atomic() -> Iterator[str]:
    """Like `transaction.atomic`; on disk when it is left. Inside another transaction: just part of
    that one.

    It gives a statement that the block may send before its own first one, in the same round trip;
    empty inside another transaction. Not sent, the commit waits for the disk and holds its locks.
    Raises: OperationalError, where the connection is lost after the commit. Then the work may be
    done or not: ask for it again by its key (R7).
    """
    if connection.in_atomic_block:
        with transaction.atomic():
            yield ""
        return
    with transaction.atomic():
        yield _COMMIT_AT_ONCE
    with connection.cursor() as cursor:
        cursor.execute(_WAIT)
