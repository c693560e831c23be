"""Candles: stored by the minute, rolled up to larger intervals when read."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Max

from testudo import clock
from trading.market.models import Candle

INTERVALS = {"1m": 60, "5m": 300, "15m": 900, "1h": 3600, "4h": 14400, "1d": 86400}  # seconds

# `date_bin` is PostgreSQL's own: it rolls up the same with and without TimescaleDB.
_ROLL_UP = """
    SELECT extract(epoch FROM bin)::bigint, (array_agg(open ORDER BY time))[1], max(high),
           min(low), (array_agg(close ORDER BY time DESC))[1], sum(volume)
    FROM (
        SELECT date_bin(%(width)s, time, 'epoch') AS bin, time, open, high, low, close, volume
        FROM trading_candle
        WHERE venue = %(venue)s AND symbol = %(symbol)s AND time >= %(start)s AND time < %(end)s
    ) AS minutes
    GROUP BY bin ORDER BY bin DESC LIMIT %(limit)s
"""

# Equal rows are left alone: a back-fill that overlaps what is stored writes nothing.
_UPSERT = """
    INSERT INTO trading_candle AS kept (venue, symbol, time, open, high, low, close, volume)
    SELECT %(venue)s, %(symbol)s, time, open, high, low, close, volume
    FROM unnest(
        %(time)s::timestamptz[], %(open)s::numeric[], %(high)s::numeric[], %(low)s::numeric[],
        %(close)s::numeric[], %(volume)s::numeric[]
    ) AS new (time, open, high, low, close, volume)
    ORDER BY time
    ON CONFLICT (venue, symbol, time) DO UPDATE
    SET open = excluded.open, high = excluded.high, low = excluded.low,
        close = excluded.close, volume = excluded.volume
    WHERE (kept.open, kept.high, kept.low, kept.close, kept.volume)
        IS DISTINCT FROM
        (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume)
"""


class Minute(NamedTuple):
    """A closed 1-minute candle as the exchange words it: opening time in ms, decimal strings."""

    open_ms: int
    open: str
    high: str
    low: str
    close: str
    volume: str


def upsert_candles(venue: str, symbol: str, minutes: Iterable[Minute]) -> int:
    """Store closed minutes; a later word on the same minute wins. Returns how many rows changed.

    Raises: IntegrityError or DataError, if a figure is no sensible number; nothing is stored then.
    """
    rows = sorted({minute.open_ms: minute for minute in minutes}.values())
    if not rows:
        return 0
    columns = dict(
        zip(Minute._fields[1:], map(list, list(zip(*rows, strict=True))[1:]), strict=True)
    )
    times = [clock.from_ms(row.open_ms) for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT, {"venue": venue, "symbol": symbol, "time": times, **columns})
        return int(cursor.rowcount)


def newest_candle(venue: str, symbol: str) -> datetime | None:
    """The opening time of the newest stored minute."""
    stored = Candle.objects.filter(venue=venue, symbol=symbol)
    newest: datetime | None = stored.aggregate(newest=Max("time"))["newest"]
    return newest


def count_candles(venue: str, symbol: str, since: datetime) -> int:
    """How many minutes are stored that opened at `since` or later."""
    return Candle.objects.filter(venue=venue, symbol=symbol, time__gte=since).count()


def read_candles(
    venue: str,
    symbol: str,
    interval: str,
    *,
    start: int | None = None,
    end: int | None = None,
    limit: int = 500,
) -> list[list[object]]:
    """The newest `limit` candles, oldest first: [open time in s, o, h, l, c, volume].

    Prices and volume are plain strings. `start` and `end` in ms since the epoch bound the open
    time, `end` exclusive. A candle under way counts its closed minutes.

    Raises: KeyError for an unknown interval.
    """
    width = timedelta(seconds=INTERVALS[interval])
    until = clock.from_ms(end) if end is not None else clock.now() + width
    since = until - width * (limit + 2)  # with the one under way, and one that is cut by `since`
    if start is not None:
        whole = INTERVALS[interval] * 1000
        since = max(since, clock.from_ms(-(-start // whole) * whole))  # no half candle at the start
    figures: dict[str, Any] = {
        "width": width, "venue": venue, "symbol": symbol, "start": since, "end": until,
        "limit": limit,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_ROLL_UP, figures)
        rows = cursor.fetchall()
    return [[row[0], *(_plain(figure) for figure in row[1:])] for row in reversed(rows)]


def _plain(figure: Decimal) -> str:
    text = f"{figure:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
