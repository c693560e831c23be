"""How many sessions of a venue's WebSocket API we may begin, all processes together (R21).

Binance takes 300 connections in five minutes from one address (websocket-api.md, "General") and
refuses what goes beyond. Who begins one notes it in Redis; who finds no room waits until the oldest
is five minutes old. Nothing that protects a position waits for it: that goes by REST.
"""

from collections import deque
from datetime import timedelta

import redis
import structlog
from django.conf import settings

from testudo import clock
from testudo.db.ids import new_id
from trading.exchange.port import RequestsHeld
from trading.models import Venue
from trading.rate_budget import client

log = structlog.get_logger(__name__)

LIMIT = 300
WINDOW = timedelta(minutes=5)
SHARE = 90  # per cent of the limit; the rest is for whoever else uses our address
PROCESSES = 2  # that share it, each for itself, while Redis is gone

# Answers 0: noted; else the moment, in ms, at which there is room.
_BEGIN = """
local now, window, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
local begun = redis.call('ZCARD', KEYS[1])
if begun >= most then
    return tonumber(redis.call('ZRANGE', KEYS[1], begun - most, begun - most, 'WITHSCORES')[2])
        + window
end
redis.call('ZADD', KEYS[1], now, ARGV[4])
redis.call('PEXPIRE', KEYS[1], window)
return 0
"""
_alone: dict[str, deque[int]] = {}  # what this process began, by venue, while Redis was gone


def begin(venue: str) -> None:
    """Note one connection. Raises: RequestsHeld, where there is no room for it now."""
    limit = settings.PAPER_CONNECTION_LIMIT if venue == Venue.PAPER else LIMIT
    most, now_ms = limit * SHARE // 100, clock.now_ms()
    window_ms = WINDOW // timedelta(milliseconds=1)
    key, name = f"connections:{{{venue}}}", str(new_id())
    try:
        room_at = int(client().eval(_BEGIN, 1, key, now_ms, window_ms, most, name))
    except redis.RedisError as error:
        log.warning("connections_without_redis", venue=venue, error=type(error).__name__)
        room_at = _begin_alone(venue, now_ms, window_ms, most // PROCESSES)
    if room_at:
        raise RequestsHeld(
            f"{most} sessions were begun in the last five minutes; the exchange takes no more.",
            until=clock.from_ms(room_at),
        )


def _begin_alone(venue: str, now_ms: int, window_ms: int, most: int) -> int:
    begun = _alone.setdefault(venue, deque(maxlen=most))
    while begun and begun[0] <= now_ms - window_ms:
        begun.popleft()
    if len(begun) >= most:
        return begun[len(begun) - most] + window_ms
    begun.append(now_ms)
    return 0
