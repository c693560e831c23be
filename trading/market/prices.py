"""The latest prices, in Redis: written by `stream_market`, read by plans and pages.

Redis may be empty or away at any moment; then there is no price, and nothing is placed.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache

import orjson
import redis
import structlog
from django.conf import settings

from testudo import clock

log = structlog.get_logger(__name__)

TTL = 60  # seconds
TIMEOUT = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The market of one symbol now. Prices in the quote asset."""

    symbol: str
    price: Decimal  # of the last trade
    bid: Decimal
    ask: Decimal
    at: datetime  # exchange time of the last change
    seen: datetime  # when the stream was last proved alive, by our clock


def key_of(venue: str, symbol: str) -> str:
    return f"price:{venue}:{symbol}"


def channel_of(venue: str, symbol: str) -> str:
    return f"ticks:{venue}:{symbol}"


@lru_cache(maxsize=1)
def client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT
    )


def latest(venue: str, symbol: str) -> Quote | None:
    """The newest quote; None where there is none, or Redis does not answer."""
    try:
        raw = client().get(key_of(venue, symbol))
    except redis.RedisError as error:
        log.warning("prices_unreachable", error=type(error).__name__)
        return None
    if raw is None:
        return None
    try:
        said = orjson.loads(raw)
        return Quote(
            symbol=symbol,
            price=Decimal(said["price"]),
            bid=Decimal(said["bid"]),
            ask=Decimal(said["ask"]),
            at=clock.from_ms(said["at"]),
            seen=clock.from_ms(said["seen"]),
        )
    except (ValueError, KeyError, TypeError, InvalidOperation) as error:
        log.warning("price_unreadable", venue=venue, symbol=symbol, error=repr(error))
        return None
