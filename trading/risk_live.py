"""The newest frame of risk of each account, in Redis: what a page begins with, and a sign that the
monitor looks after the account."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

import orjson
import redis
import structlog

from trading.market import prices

log = structlog.get_logger(__name__)

LIVE_FOR = 15  # seconds that it stays
# A frame is told of again when the account is read again, without any tick after ten seconds.
WATCHED_WITHIN = timedelta(seconds=12)


def live_key(account_id: UUID) -> str:
    return f"risk:live:{account_id}"


def watched(account_ids: Iterable[UUID], now: datetime) -> set[UUID]:
    """Those whose limits the monitor has measured lately; none where Redis does not answer."""
    keys = list(account_ids)
    if not keys:
        return set()
    try:
        frames = prices.client().mget([live_key(key) for key in keys])
    except redis.RedisError as error:
        log.warning("monitor_not_known_of", error=type(error).__name__)
        return set()
    return {key for key, raw in zip(keys, frames, strict=True) if raw and _is_fresh(raw, now)}


def _is_fresh(raw: bytes, now: datetime) -> bool:
    try:
        at = datetime.fromisoformat(orjson.loads(raw)["risk"]["at"])
    except (ValueError, LookupError, TypeError) as error:
        log.warning("frame_unreadable", error=repr(error))
        return False
    return abs(now - at) <= WATCHED_WITHIN
