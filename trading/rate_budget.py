"""What we may ask of a venue: one budget for each address, shared by all processes (R21).

Binance counts request weight per address and minute. All traders share ours, so every request
takes its weight from one counter in Redis first. Who asks for what decides how far it may go: the
last third of the minute belongs to stops, exits and what is asked for their sake. Where Redis is
gone, each process keeps to a share of its own. What the exchange says it counted corrects us. A 429
or a 418 stops every process until its time is over; that moment stands in PostgreSQL, so that no
restart forgets it.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from enum import Enum
from functools import lru_cache

import redis
import structlog
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from redis.backoff import NoBackoff
from redis.retry import Retry

from testudo import clock
from trading import incidents
from trading.exchange.port import RequestsHeld
from trading.models import RequestBan, Venue

log = structlog.get_logger(__name__)

LIMIT = 6_000  # weight a minute and address: exchangeInfo's REQUEST_WEIGHT
MINUTE_MS = 60_000
PROCESSES = 10  # that share the limit, each for itself, while Redis is gone
TIMEOUT = 0.5  # seconds
AWAY_FOR = 5  # seconds Redis is not asked after it did not answer
BAN_KNOWN_FOR = 30  # seconds Redis may answer for PostgreSQL, that nothing is banned
# Where the exchange does not say for how long: the shortest ban there is is two minutes.
UNSAID = {429: timedelta(seconds=60), 418: timedelta(seconds=120)}
LONGEST = timedelta(days=3)  # a ban is never longer: B, limits
USED = "X-MBX-USED-WEIGHT-1M"
TOO_MANY_ORDERS = -1015  # the account's own limit, not the address's


class Use(Enum):
    """What a request is for, and how much of the minute may be used when it is sent."""

    PROTECTIVE = 90  # per cent: stops, exits, cancels, and what is asked for their sake
    ORDINARY = 60  # entries, matching accounts without a position, reads for pages
    BACKGROUND = 40  # the independent check: it yields to all others


_use: ContextVar[Use] = ContextVar("use", default=Use.ORDINARY)

# Answers {1, used}: taken; {0, used}: no room; {2, until}: banned; {3, 0}: ask PostgreSQL first.
_TAKE = """
local banned = redis.call('GET', KEYS[2])
if not banned then return {3, 0} end
if tonumber(banned) > tonumber(ARGV[3]) then return {2, tonumber(banned)} end
local used = tonumber(redis.call('GET', KEYS[1]) or '0')
local weight = tonumber(ARGV[1])
if used + weight > tonumber(ARGV[2]) then return {0, used} end
if ARGV[4] == '1' then return {1, used} end
redis.call('SET', KEYS[1], used + weight, 'EX', 120)
return {1, used + weight}
"""
# The exchange counted more than we: others use our address, too.
_CORRECT = """
local used = tonumber(redis.call('GET', KEYS[1]) or '0')
if tonumber(ARGV[1]) > used then redis.call('SET', KEYS[1], ARGV[1], 'EX', 120) end
"""
_BAN = """
INSERT INTO trading_requestban (venue, until, status, said, noted_at)
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (venue) DO UPDATE SET
    until = GREATEST(trading_requestban.until, EXCLUDED.until),
    status = EXCLUDED.status, said = EXCLUDED.said, noted_at = EXCLUDED.noted_at
"""


@lru_cache(maxsize=1)
def client() -> redis.Redis:
    """Asked once, not for long: an order waits behind it."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=TIMEOUT,
        socket_connect_timeout=TIMEOUT,
        retry=Retry(NoBackoff(), 0),
    )


@contextmanager
def spending(use: Use) -> Iterator[None]:
    """Let the requests inside the block count as this use."""
    token = _use.set(use)
    try:
        yield
    finally:
        _use.reset(token)


class RateBudget:
    """One venue's budget, as one process sees it."""

    def __init__(self, venue: str, *, limit: int = LIMIT) -> None:
        self.venue = venue
        self.limit = limit
        self._alone: tuple[int, int] = (0, 0)  # (minute, weight) while Redis is gone
        self._banned_until: datetime | None = None  # the last this process heard
        self._used = 0  # as of the last take
        self._away_until = float("-inf")  # Redis; monotonic

    def take(self, weight: int, *, only_look: bool = False) -> None:
        """Take the weight of one request, or refuse; `only_look` asks whether it may be taken.

        Raises: RequestsHeld, which says until when; nothing may be sent then.
        """
        use, now_ms = _use.get(), clock.now_ms()
        most = self.limit * use.value // 100
        answer, figure = self._ask(weight, most, now_ms, only_look=only_look)
        if answer == 2:
            until = clock.from_ms(figure)
            self._banned_until = until
            raise RequestsHeld(
                f"The exchange takes no request from us until {until:%H:%M:%S} UTC.", until=until
            )
        if answer == 0:
            until = clock.from_ms((now_ms // MINUTE_MS + 1) * MINUTE_MS)
            raise RequestsHeld(
                f"This minute's requests are used up ({figure} of {self.limit}); the rest is kept "
                "for stops and exits.",
                until=until,
            )
        self._used = figure

    def heard(self, *, status: int, headers: Mapping[str, str], code: int | None = None) -> None:
        """Take in what an answer says of the limits. Never raises: the answer matters more."""
        if status in UNSAID and code != TOO_MANY_ORDERS:
            self._note_ban(status, headers)
        used = headers.get(USED, "")
        if used.isdigit() and int(used) > self._used:
            self._used = int(used)
            self._tell(lambda there: there.eval(_CORRECT, 1, self._minute(clock.now_ms()), used))

    def held_until(self) -> datetime | None:
        """Until when the venue takes nothing from us; None where nothing is known against it."""
        banned = self._read_ban()
        return banned if banned is not None and banned > clock.now() else None

    def _ask(self, weight: int, most: int, now_ms: int, *, only_look: bool) -> tuple[int, int]:
        if time.monotonic() >= self._away_until:
            try:
                return self._ask_redis(weight, most, now_ms, only_look=only_look)
            except redis.RedisError as error:
                self._is_away(error)
        return self._ask_ourselves(weight, most, now_ms, only_look=only_look)

    def _is_away(self, error: redis.RedisError) -> None:
        """Not every request of the next seconds waits for it."""
        log.warning("budget_without_redis", venue=self.venue, error=type(error).__name__)
        self._away_until = time.monotonic() + AWAY_FOR

    def _ask_redis(
        self, weight: int, most: int, now_ms: int, *, only_look: bool
    ) -> tuple[int, int]:
        for _ in range(2):
            keys = [self._minute(now_ms), self._ban_key]
            answer, figure = client().eval(_TAKE, 2, *keys, weight, most, now_ms, int(only_look))
            if answer != 3:
                return int(answer), int(figure)
            # Redis is new, or has not been told for a while: PostgreSQL remembers.
            banned = self._read_ban()
            until = clock.to_ms(banned) if banned else 0
            client().set(self._ban_key, until, ex=BAN_KNOWN_FOR)
        return self._ask_ourselves(weight, most, now_ms, only_look=only_look)

    def _ask_ourselves(
        self, weight: int, most: int, now_ms: int, *, only_look: bool
    ) -> tuple[int, int]:
        """This process's own share, and PostgreSQL's word on bans."""
        banned = self._read_ban()
        if banned is not None and clock.to_ms(banned) > now_ms:
            return 2, clock.to_ms(banned)
        minute, used = self._alone
        used = used if minute == now_ms // MINUTE_MS else 0
        if used + weight > most // PROCESSES:
            return 0, used
        if only_look:
            return 1, used
        self._alone = (now_ms // MINUTE_MS, used + weight)
        return 1, used + weight

    def _read_ban(self) -> datetime | None:
        try:
            row = RequestBan.objects.filter(pk=self.venue).values_list("until", flat=True).first()
        except DatabaseError as error:  # what this process heard itself still holds
            log.warning("ban_unreadable", venue=self.venue, error=str(error).strip())
            return self._banned_until
        return max(filter(None, (row, self._banned_until)), default=None)

    def _note_ban(self, status: int, headers: Mapping[str, str]) -> None:
        said = headers.get("Retry-After", "")
        lasts = timedelta(seconds=int(said)) if said.isdigit() else UNSAID[status]
        now = clock.now()
        until = now + min(lasts, LONGEST)
        self._banned_until = max(until, self._banned_until or until)
        log.error("requests_held", venue=self.venue, status=status, until=until.isoformat())
        try:
            with connection.cursor() as cursor:
                cursor.execute(_BAN, [self.venue, until, status, f"Retry-After: {said}", now])
            incidents.open_incident(
                None,
                "rate_ban",
                about=self.venue,
                text=f"The exchange answered HTTP {status} and takes no request from us until "
                f"{until:%H:%M:%S} UTC. What rests there goes on protecting you.",
                done="Nothing is sent until then; afterwards every account is matched again.",
                facts={"status": status, "until": until},
            )
        except DatabaseError as error:
            log.error("ban_not_stored", venue=self.venue, error=str(error).strip())
        seconds = int(lasts.total_seconds()) + 1
        self._tell(lambda there: there.set(self._ban_key, clock.to_ms(until), ex=seconds))

    def _tell(self, what: Callable[[redis.Redis], object]) -> None:
        if time.monotonic() < self._away_until:
            return
        try:
            what(client())
        except redis.RedisError as error:
            self._is_away(error)

    def _minute(self, now_ms: int) -> str:
        return f"weight:{{{self.venue}}}:{now_ms // MINUTE_MS}"

    @property
    def _ban_key(self) -> str:
        return f"ban:{{{self.venue}}}"


_budgets: dict[str, RateBudget] = {}


def budget_of(venue: str) -> RateBudget:
    """This process's view of a venue's budget."""
    limit = settings.PAPER_WEIGHT_LIMIT if venue == Venue.PAPER else LIMIT
    return _budgets.setdefault(venue, RateBudget(venue, limit=limit))


def close_bans_that_are_over() -> None:
    """Close the incident of every ban whose time has passed. Safe to repeat."""
    for ban in RequestBan.objects.filter(until__lte=clock.now()):
        incidents.close_incident(
            None, "rate_ban", about=ban.venue, done="The exchange takes our requests again."
        )
