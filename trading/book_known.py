"""What of the book PostgreSQL counts by itself: the stamp, the streak's half-size, the order room.

Written as columns, so that one statement asks them together with whatever else its caller needs.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from testudo import clock
from trading.book_stamp import STAMP, text_of

STAMP_COLUMNS = 5
# Of `trading_accountrisk r` and `trading_venuehealth h`, at %(now)s. The room is what the venue's
# limits for one account leave beside our own sent orders; NULL where the venue told of none.
KNOWN = f"""
    {STAMP},
    EXISTS (SELECT FROM trading_accountbreaker WHERE account_id = r.account_id
        AND cause = 'losing_streak' AND phase = 'half_open'),
    (SELECT min(told."limit" - (SELECT count(*) FROM trading_order WHERE account_id = r.account_id
            AND claimed_at > %(now)s::timestamptz - told.seconds * interval '1 second'))
        FROM jsonb_to_recordset(h.order_limits) AS told (seconds int, "limit" int))
"""  # noqa: S608  our own constants
_READ = f"""
SELECT {KNOWN} FROM trading_accountrisk r LEFT JOIN trading_venuehealth h ON h.venue = %(venue)s
WHERE r.account_id = %(account)s
"""  # noqa: S608  the same


class Known(NamedTuple):
    """One account's, in one snapshot."""

    stamp: str
    half_size: bool  # the streak's breaker is half-open
    order_room: int | None  # orders the exchange still takes in its tightest window; None: unknown


def known_of(columns: Iterator[Any]) -> Known:
    """The columns of KNOWN, taken from the front."""
    stamp = text_of(*(next(columns) for _ in range(STAMP_COLUMNS)))
    half_size, room = next(columns), next(columns)
    return Known(stamp, half_size, None if room is None else max(room, 0))


def read_known(account_id: UUID, *, venue: str) -> Known:
    """Ask it now, in a statement of its own."""
    with connection.cursor() as cursor:
        asked = {"account": account_id, "venue": venue, "now": clock.now()}
        cursor.execute(_READ, asked)
        return known_of(iter(cursor.fetchone()))
