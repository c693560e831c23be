"""Which state of an account a book was read from: one short text, asked for in one query.

A counter raised by every booking would make fills wait for placements, which hold the account's
row; protective work never does (R17). So the stamp is put together from counters that rise anyway:
the risk row's version, the number of the account's last event, the versions of its unfinished
trades, and the exchange's latest word on its balances. One of them rises with every change.
"""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection

# Of `trading_accountrisk r`; see `text_of`.
STAMP = """
    r.version,
    (SELECT last_seq FROM events_eventstream WHERE name = r.account_id::text),
    (SELECT sum(version) FROM trading_trade WHERE account_id = r.account_id
        AND state IN ('approved', 'entering', 'open', 'closing')),
    (SELECT max(as_of) FROM trading_balance WHERE account_id = r.account_id),
    (SELECT sum(free) FROM trading_balance WHERE account_id = r.account_id)
"""
STAMPS = f"""
SELECT r.account_id, {STAMP} FROM trading_accountrisk r WHERE r.account_id = ANY(%s)
"""  # noqa: S608  a constant of ours


def stamp_of(account_id: UUID) -> str:
    """The account's stamp now. Two equal stamps: nothing of the book changed between them."""
    return stamps_of([account_id])[account_id]


def stamps_of(account_ids: Collection[UUID]) -> dict[UUID, str]:
    """The same for several accounts, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(STAMPS, [list(account_ids)])
        rows = cursor.fetchall()
    return {key: text_of(*parts) for key, *parts in rows}


def text_of(
    version: int, events: int | None, trades: int | None, at: datetime | None, free: Decimal | None
) -> str:
    """The columns of STAMP as one text."""
    balances = f"{at.timestamp():.6f}" if at else ""
    return f"{version}|{events or 0}|{trades or 0}|{balances}|{free or 0}"
