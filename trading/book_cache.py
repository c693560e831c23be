"""The book's facts in Redis, under the account's stamp, for previews and pages.

A hit is only what was written under the very stamp PostgreSQL gives now, so an emptied, stale or
absent Redis costs time and nothing else. Placements never look here.
"""

from dataclasses import replace

import orjson
import redis
import structlog

from testudo.events import codec
from trading.book_facts import BookFacts, facts_of_account
from trading.book_known import Known, read_known
from trading.market.prices import client
from trading.models import ExchangeAccount

log = structlog.get_logger(__name__)

TTL = 300  # seconds; the stamp decides, this only tidies up
FORM = 2  # of what is written: raise it when BookFacts changes


def key_of(account: ExchangeAccount) -> str:
    return f"book:{FORM}:{account.pk}"


def cached_facts(account: ExchangeAccount, *, known: Known | None = None) -> BookFacts:
    """The facts as they stand now, from Redis where it has them under the present stamp.

    `known`: where the caller has asked that already. What only time changes is never taken from
    Redis. Raises: AccountRisk.DoesNotExist.
    """
    known = known or read_known(account.pk, venue=account.venue)
    found = _read(account, known.stamp)
    if found is None:
        found = facts_of_account(account)
        _write(account, found)
    return replace(found, order_room=known.order_room)


def _read(account: ExchangeAccount, stamp: str) -> BookFacts | None:
    try:
        raw = client().get(key_of(account))
    except redis.RedisError as error:
        log.warning("book_cache_unreachable", error=type(error).__name__)
        return None
    if raw is None:
        return None
    try:
        said = orjson.loads(raw)
        return codec.parse(BookFacts, said) if said["stamp"] == stamp else None
    except (ValueError, KeyError, TypeError) as error:
        log.warning("book_cache_unreadable", account=str(account.pk), error=repr(error))
        return None


def _write(account: ExchangeAccount, facts: BookFacts) -> None:
    try:
        client().set(key_of(account), orjson.dumps(codec.dump(facts)), ex=TTL)
    except redis.RedisError as error:
        log.warning("book_cache_unreachable", error=type(error).__name__)
