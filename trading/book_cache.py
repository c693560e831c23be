"""The book's facts in Redis, under the account's stamp, for previews and pages.

A hit is only what was read under the very stamp PostgreSQL gives now, so an emptied, stale or
absent Redis costs time and nothing else; so with what this process keeps. Placements never look
here.
"""

import threading
from dataclasses import replace
from uuid import UUID

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
MOST_KEPT = 200  # accounts whose facts this process keeps read
FORM = 2  # of what is written: raise it when BookFacts changes

_kept: dict[UUID, BookFacts] = {}
_keeping = threading.Lock()


def key_of(account: ExchangeAccount) -> str:
    return f"book:{FORM}:{account.pk}"


def cached_facts(account: ExchangeAccount, *, known: Known | None = None) -> BookFacts:
    """The facts as they stand now, from this process or Redis where they are of the present stamp.

    `known`: where the caller has asked that already. What only time changes is never taken from
    Redis. Raises: AccountRisk.DoesNotExist.
    """
    known = known or read_known(account.pk, venue=account.venue)
    found = _kept.get(account.pk)
    if found is None or found.stamp != known.stamp:
        found = _read(account, known.stamp)
        if found is None:
            found = facts_of_account(account)
            _write(account, found)
        _keep(account, found)
    return replace(found, order_room=known.order_room)


def last_symbols(account: ExchangeAccount) -> list[str]:
    """What the account had at stake when this process last looked, which may be long ago."""
    found = _kept.get(account.pk)
    return [each.symbol for each in found.stakes] if found else []


def forget() -> None:
    """Drop what this process keeps: the next look is into Redis."""
    with _keeping:
        _kept.clear()


def _keep(account: ExchangeAccount, facts: BookFacts) -> None:
    with _keeping:
        _kept.pop(account.pk, None)  # the newest stand last
        _kept[account.pk] = facts
        while len(_kept) > MOST_KEPT:
            del _kept[next(iter(_kept))]


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
