"""Candle intervals and rolling prints and candles up into candles. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from trading.exchange.paper.values import E8, Kline, Print

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
# Length in ms; a month's is its longest, see `following`.
INTERVALS = {
    "1s": SECOND,
    "1m": MINUTE,
    "3m": 3 * MINUTE,
    "5m": 5 * MINUTE,
    "15m": 15 * MINUTE,
    "30m": 30 * MINUTE,
    "1h": HOUR,
    "2h": 2 * HOUR,
    "4h": 4 * HOUR,
    "6h": 6 * HOUR,
    "8h": 8 * HOUR,
    "12h": 12 * HOUR,
    "1d": DAY,
    "3d": 3 * DAY,
    "1w": WEEK,
    "1M": 31 * DAY,
}
_MONDAY = 4 * DAY  # 1970-01-05: Binance's weeks begin on Monday, UTC


def floor(interval: str, at_ms: int, offset_ms: int = 0) -> int:
    """The opening time of the candle that holds `at_ms`. Raises: KeyError, not an interval.

    `offset_ms`: how far the clock that days begin by is ahead of UTC; times stay UTC.
    """
    if offset_ms:
        return floor(interval, at_ms + offset_ms) - offset_ms
    length = INTERVALS[interval]
    if interval == "1M":
        moment = datetime.fromtimestamp(at_ms / 1000, UTC)
        return _ms(moment.year, moment.month)
    if interval == "1w":
        return at_ms - (at_ms - _MONDAY) % length
    return at_ms - at_ms % length


def following(interval: str, open_ms: int, count: int = 1, offset_ms: int = 0) -> int:
    """The opening time `count` candles after (or, negative, before) the one opened at `open_ms`."""
    if offset_ms:
        return following(interval, open_ms + offset_ms, count) - offset_ms
    if interval == "1M":
        moment = datetime.fromtimestamp(open_ms / 1000, UTC)
        months = moment.year * 12 + moment.month - 1 + count
        return _ms(months // 12, months % 12 + 1)
    return open_ms + count * INTERVALS[interval]


def openings(
    interval: str,
    start_ms: int | None,
    end_ms: int | None,
    limit: int,
    *,
    first: int,
    now_ms: int,
    offset_ms: int = 0,
) -> Iterator[int]:
    """Opening times Binance would serve: from `start_ms` up, else the newest `limit`, oldest first.

    Nothing opens before `first` (the listing) or after `now_ms`; `end_ms` is inclusive.
    """
    latest = floor(interval, now_ms if end_ms is None else min(end_ms, now_ms), offset_ms)
    if start_ms is None:
        at = following(interval, latest, 1 - limit, offset_ms)
    else:
        at = floor(interval, start_ms, offset_ms)
        if at < start_ms:
            at = following(interval, at, 1, offset_ms)
    earliest = floor(interval, first, offset_ms)
    at = max(at, earliest)
    for _ in range(limit):
        if at > latest:
            return
        yield at
        at = following(interval, at, 1, offset_ms)


def of_prints(prints: Iterable[Print], open_ms: int, close_ms: int) -> Kline | None:
    """The candle of these prints, in time order; None without any."""
    opening = high = low = close = volume = quote = taker_base = taker_quote = count = 0
    for trade in prints:
        price = close = trade.price
        if not count:
            opening = high = low = price
        elif price > high:
            high = price
        elif price < low:
            low = price
        money = price * trade.quantity
        volume += trade.quantity
        quote += money
        if not trade.buyer_is_maker:
            taker_base += trade.quantity
            taker_quote += money
        count += 1
    if not count:
        return None
    return Kline(
        open_ms, close_ms, opening, high, low, close, volume, quote // E8, count,
        taker_base, taker_quote // E8,
    )  # fmt: skip


def merge(parts: Iterable[Kline], open_ms: int, close_ms: int) -> Kline | None:
    """One candle of consecutive ones, oldest first; None without any."""
    parts = list(parts)
    if not parts:
        return None
    return Kline(
        open_ms=open_ms,
        close_ms=close_ms,
        open=parts[0].open,
        high=max(part.high for part in parts),
        low=min(part.low for part in parts),
        close=parts[-1].close,
        volume=sum(part.volume for part in parts),
        quote_volume=sum(part.quote_volume for part in parts),
        trades=sum(part.trades for part in parts),
        taker_base=sum(part.taker_base for part in parts),
        taker_quote=sum(part.taker_quote for part in parts),
    )


def flat(price: int, open_ms: int, close_ms: int) -> Kline:
    """A candle in which nothing traded: Binance serves seconds so."""
    return Kline(open_ms, close_ms, price, price, price, price, 0, 0, 0, 0, 0)


def _ms(year: int, month: int) -> int:
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * 1000
