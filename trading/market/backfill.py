"""Fetching the candles we miss, from the venue's REST."""

from datetime import timedelta

from testudo import clock
from trading.market.candles import count_candles, newest_candle, upsert_candles
from trading.market.venue_rest import VenueRest

ALWAYS = 1000  # minutes that should be there, whatever else
FURTHEST = timedelta(days=30)  # a longer absence is not made up by itself


def fill(rest: VenueRest, venue: str, symbol: str) -> int:
    """Store what is missing since the newest stored minute, and among the last thousand.

    Returns how many rows changed. Raises: MarketUnavailable, DatabaseError; what was fetched until
    then is stored.
    """
    now = clock.from_ms(rest.now_ms())
    lately = now - timedelta(minutes=ALWAYS)
    newest = newest_candle(venue, symbol)
    start = lately
    if newest is not None:
        start = max(newest, now - FURTHEST)
        if newest > lately and count_candles(venue, symbol, lately) < ALWAYS - 1:
            start = lately  # a hole somewhere in it: fetching it all is one request
    at, end, changed = clock.to_ms(start), clock.to_ms(now), 0
    while at < end:
        minutes, at = rest.minutes(symbol, at, now_ms=end)
        changed += upsert_candles(venue, symbol, minutes)
    return changed
