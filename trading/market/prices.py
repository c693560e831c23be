"""The latest prices, in Redis: written by `stream_market`, read by plans and pages.

Redis may be empty or away at any moment; then there is no price, and nothing is placed.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache

import orjson
import redis
import structlog

from testudo import clock, redis_clients

log = structlog.get_logger(__name__)

TTL = 60  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The market of one symbol now. Prices in the quote asset."""

    symbol: str
    price: Decimal  # of the last trade
    bid: Decimal
    ask: Decimal
    at: datetime  # exchange time of the last change
    seen: datetime  # when the stream was last proved alive, by our clock
    low: Decimal | None = None  # of the minute still open; None: no candle of it was heard yet
    high: Decimal | None = None


def key_of(venue: str, symbol: str) -> str:
    return f"price:{venue}:{symbol}"


def channel_of(venue: str, symbol: str) -> str:
    return f"ticks:{venue}:{symbol}"


@lru_cache(maxsize=1)
def client() -> redis_clients.ImpatientRedis:
    """This process's own, asked once and not for long; see `redis_clients`."""
    return redis_clients.commands()


_instead: Callable[[str, str], Quote | None] | None = None


@contextmanager
def quoted_by(read: Callable[[str, str], Quote | None]) -> Iterator[None]:
    """Let `latest` ask `read` inside the block: for work in this process on virtual time."""
    global _instead
    before, _instead = _instead, read
    try:
        yield
    finally:
        _instead = before


class Remembered:
    """The same prices, each asked once: one judgement sees one price of each symbol."""

    def __init__(self, quote_of: Callable[[str, str], Quote | None]) -> None:
        self._quote_of = quote_of
        self._kept: dict[tuple[str, str], Quote | None] = {}

    def __call__(self, venue: str, symbol: str) -> Quote | None:
        if (venue, symbol) not in self._kept:
            self._kept[venue, symbol] = self._quote_of(venue, symbol)
        return self._kept[venue, symbol]

    @contextmanager
    def asked_meanwhile(self, venue: str, symbols: Iterable[str]) -> Iterator[None]:
        """Ask for these in one go, where they come from Redis, while the block does something
        else. Only saves time."""
        if self._quote_of is not latest or _instead is not None:
            yield
            return
        names = list(dict.fromkeys(symbols))
        asked = _ask(venue, names)
        try:
            yield
        except BaseException:
            if asked is not None:
                asked.drop()
            raise
        if asked is not None:
            self._keep(venue, _answered(venue, names, asked))

    def ask_ahead(self, venue: str, symbols: Iterable[str]) -> None:
        """Ask for those not asked yet, in one go, where they come from Redis. Only saves time."""
        if self._quote_of is latest:
            missing = {each for each in symbols if (venue, each) not in self._kept}
            self._keep(venue, latest_of(venue, missing))

    def _keep(self, venue: str, quotes: dict[str, Quote | None]) -> None:
        for symbol, quote in quotes.items():
            self._kept[venue, symbol] = quote


def remembered(quote_of: Callable[[str, str], Quote | None]) -> Remembered:
    """The same, asked once for each symbol."""
    return quote_of if isinstance(quote_of, Remembered) else Remembered(quote_of)


def latest(venue: str, symbol: str) -> Quote | None:
    """The newest quote; None where there is none, or Redis does not answer."""
    if _instead is not None:
        return _instead(venue, symbol)
    try:
        raw = client().get(key_of(venue, symbol))
    except redis.RedisError as error:
        log.warning("prices_unreachable", error=type(error).__name__)
        return None
    if raw is None:
        return None
    return read_quote(venue, symbol, raw)


def latest_of(venue: str, symbols: Iterable[str]) -> dict[str, Quote | None]:
    """The newest quote of each, in one question; see `latest`."""
    names = list(symbols)
    if _instead is not None or not names:
        return {name: latest(venue, name) for name in names}
    asked = _ask(venue, names)
    return dict.fromkeys(names) if asked is None else _answered(venue, names, asked)


def _ask(venue: str, names: list[str]) -> redis_clients.Asked | None:
    try:
        return client().ask("MGET", *(key_of(venue, name) for name in names))
    except redis.RedisError as error:
        log.warning("prices_unreachable", error=type(error).__name__)
        return None


def _answered(venue: str, names: list[str], asked: redis_clients.Asked) -> dict[str, Quote | None]:
    try:
        found = asked.answer()
    except redis.RedisError as error:
        log.warning("prices_unreachable", error=type(error).__name__)
        return dict.fromkeys(names)
    return {
        name: None if raw is None else read_quote(venue, name, raw)
        for name, raw in zip(names, found, strict=True)
    }


def read_quote(venue: str, symbol: str, raw: bytes | str) -> Quote | None:
    """A price as it is kept and published; None, and a word in the log, where it can't be read."""
    try:
        said = orjson.loads(raw)
        candle = said.get("candle")  # [opening time, open, high, low, close, volume]
        return Quote(
            symbol=symbol,
            price=Decimal(said["price"]),
            bid=Decimal(said["bid"]),
            ask=Decimal(said["ask"]),
            at=clock.from_ms(said["at"]),
            seen=clock.from_ms(said["seen"]),
            low=Decimal(candle[3]) if candle else None,
            high=Decimal(candle[2]) if candle else None,
        )
    except (ValueError, LookupError, TypeError, InvalidOperation) as error:
        log.warning("price_unreadable", venue=venue, symbol=symbol, error=repr(error))
        return None
