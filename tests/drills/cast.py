"""Who acts in a schedule: Celery's workers, the guard, the account's stream, the trader.

Each goes through the product's own door: the task, the guard's watch, `account_stream.take_in`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import Error as DatabaseError

from tests.drills.world import World
from testudo import clock
from trading import account_stream, ooda, tasks
from trading.exchange.port import ExchangeError, RequestsHeld
from trading.exchange.user_events import Alive, StreamLost, Subscribed, read_event
from trading.exchange.user_stream import PING_EVERY
from trading.management.commands.guard import Watch
from trading.models import ExchangeAccount

log = structlog.get_logger(__name__)

GUARD_EVERY = 1.0
PONG_MISSED = 20.0  # a silent socket is noticed after so many seconds (R13)
PROBE_ANSWERED = 70.0  # a lost subscription, by the probe of a quiet stream
CELERY = (0.002, 0.06)  # seconds from the commit to the task
BUSY_RETRY = 0.01


class Workers:
    """Two workers of the queue: a task may be lost, late, or run by both."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.redis_up = True
        self.doubles = 0.0  # how likely a task is delivered twice
        self.ran = 0
        self._queued: set[str] = set()

    def wake(self, account_id: str) -> None:
        """The product woke a turn."""
        if not self.redis_up or self.world.dying or account_id in self._queued:
            return  # a turn that already waits for the account is not queued twice
        self._queued.add(account_id)
        self._deliver(account_id, self.world.noise.uniform(*CELERY))
        if self.world.noise.random() < self.doubles:
            self.world.befell["task twice"] += 1
            self._deliver(account_id, self.world.noise.uniform(0, 3))

    def forget_wakes(self, account_id: str) -> None:
        """From now on nobody is woken for the account."""
        self._queued.add(account_id)

    def _deliver(self, account_id: str, seconds: float) -> None:
        self.world.at(seconds, lambda: self._take(account_id, tries=50))

    def _take(self, account_id: str, *, tries: int) -> None:
        """Whichever worker is free; a message waits in the broker until one is."""
        names = ["worker-1", "worker-2"]
        self.world.noise.shuffle(names)
        for name in names:
            if self.world.run_as(name, "task", lambda: self._turn(account_id)):
                return
        if tries and self.redis_up:
            self.world.at(BUSY_RETRY, lambda: self._take(account_id, tries=tries - 1))
        else:
            self._queued.discard(account_id)

    def _turn(self, account_id: str) -> None:
        self.ran += 1
        self._queued.discard(account_id)
        try:
            tasks.run_turn(account_id)
        except DatabaseError as error:  # the task fails; the guard finds what is left
            log.info("task_failed", error=str(error))


class Guard(Watch):
    """The guard's own watch; its threads are events of this world."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.every = GUARD_EVERY  # seconds; a drill that only waits may look less often
        self._seen: dict[str, Any] = {}

    def begin(self) -> None:
        self.world.at(self.every, self._tick)

    def _keep_house(self, key: object, work: Callable[[], object]) -> None:
        self._start(key, work)

    def _tick(self) -> None:
        self.world.run_as("guard", "look", self.look)
        self.world.at(self.every, self._tick)

    def forget(self) -> None:
        """A new life remembers nothing."""
        self._busy.clear()
        self._seen.clear()

    def _is_time_for(self, what: str, every: float) -> bool:
        now, before = clock.now(), self._seen.get(what)
        if before is not None and now - before < timedelta(seconds=every):
            return False
        self._seen[what] = now
        return True

    def _start(self, key: object, work: Callable[[], object]) -> None:
        if key in self._busy:
            return
        self._busy.add(key)
        life = self.world.process("guard").life

        def begin() -> None:
            if self.world.process("guard").life == life:
                self.world.run_as("guard", str(key), lambda: self._run(key, work))

        self.world.at(0, begin)

    def _run(self, key: object, work: Callable[[], object]) -> None:
        try:
            work()
        except DatabaseError as error:
            log.info("guard_work_failed", error=str(error))
        except Exception as error:  # the product's guard would log it and go on: it is a finding
            self.world.trouble.append(f"guard {key}: {type(error).__name__}: {error}")
        finally:
            self._busy.discard(key)


class UserStream:
    """One account's user stream, as `stream_accounts` follows it, over a line that may fail."""

    def __init__(
        self, world: World, account: ExchangeAccount, *, reachable: Callable[[], bool]
    ) -> None:
        self.world, self.account = world, account
        self._reachable = reachable
        self.connected = False
        self.silent = False  # the socket is open and brings no event
        self.dead = False  # nor a pong
        self._queue: deque[dict[str, Any]] = deque()
        self._failures = 0
        self._session = 0
        process = world.process("stream")
        process.on_death.append(self._die)
        process.on_start.append(lambda: world.at(0.01, self.connect))

    def hear(self, event: dict[str, Any], *, after: float = 0.005) -> None:
        """The exchange sent an event; it arrives after so many seconds, if at all."""
        if not self.connected or self.silent:
            return
        session = self._session

        def arrive() -> None:
            if session == self._session and self.connected:
                self._queue.append(event)
                self._pump()

        self.world.at(after, arrive)

    def connect(self) -> None:
        if self.connected or not self._reachable():
            self._again()
            return
        self._session += 1
        self._queue.clear()
        self.silent = self.dead = False
        self.connected = True  # from now on events wait in the socket's queue
        session = self._session
        if not self.world.run_as("stream", "book", lambda: self._match(session)):
            self.connected = False
            self._again()
        self._pump()
        self.world.at(PING_EVERY, lambda: self._ping(session))

    def _ping(self, session: int) -> None:
        """A pong to each ping, where nothing else comes, until the line breaks or is dead."""
        if session != self._session or not self.connected or self.dead:
            return
        self.world.run_as("stream", "book", self._heard)
        self.world.at(PING_EVERY, lambda: self._ping(session))

    def _heard(self) -> None:
        try:
            account_stream.take_in(self.account, Alive())
        except DatabaseError as error:
            self._lost(str(error))

    def _match(self, session: int) -> None:
        try:
            account_stream.take_in(self.account, Subscribed())
            self._failures = 0
        except RequestsHeld as held:  # the socket stays open, its events wait: ask again then
            wait = max((held.until - clock.now()).total_seconds(), 0) + 0.05
            self.world.at(wait, lambda: self._match_again(session))
        except (StreamLost, DatabaseError) as error:
            self._lost(str(error))

    def _match_again(self, session: int) -> None:
        if session != self._session or not self.connected:
            return
        if not self.world.run_as("stream", "book", lambda: self._match(session)):
            self.world.at(BUSY_RETRY, lambda: self._match_again(session))

    def drop(self, why: str) -> None:
        """The line breaks."""
        if self.connected and not self.world.run_as("stream", "book", lambda: self._lost(why)):
            self.world.at(BUSY_RETRY, lambda: self.drop(why))

    def fall_silent(self) -> None:
        """The socket stays open and says nothing; no pong comes."""
        self.dead = True
        self._notice_silence("no pong", PONG_MISSED)

    def lose_subscription(self) -> None:
        """The socket lives and brings no events (F20)."""
        self._notice_silence("no subscription", PROBE_ANSWERED)

    def _notice_silence(self, why: str, after: float) -> None:
        session = self._session
        self.silent = True

        def noticed() -> None:
            if self._session == session and self.silent:
                self.drop(why)

        self.world.at(after, noticed)

    def _lost(self, why: str) -> None:
        self.connected = False
        self._queue.clear()
        try:
            account_stream.note_gap(self.account, why)
        except DatabaseError as error:
            log.info("gap_not_noted", error=str(error))
        self._again()

    def _again(self) -> None:
        pause = min(0.2 * 2**self._failures, 30.0)
        self._failures += 1
        session = self._session

        def retry() -> None:
            if not self.connected and self._session == session:
                self.connect()

        self.world.at(pause, retry)

    def _die(self) -> None:
        self.connected = False
        self._session += 1
        self._queue.clear()

    def _pump(self) -> None:
        """Book what waits, one at a time and in the order it arrived."""
        while self._queue and self.connected:
            event = self._queue[0]
            if not self.world.run_as("stream", "book", lambda event=event: self._book(event)):
                self.world.at(BUSY_RETRY, self._pump)
                return

    def _book(self, event: dict[str, Any]) -> None:
        if self._queue and self._queue[0] is event:
            self._queue.popleft()
        read = read_event(event)
        if read is None:
            return
        try:
            account_stream.take_in(self.account, read)
        except (StreamLost, DatabaseError) as error:
            self._lost(str(error))
        except ExchangeError as error:
            self._lost(f"exchange: {error}")


def turn_now(account: ExchangeAccount, exchange: Any) -> int:
    """One turn outside any process, for a drill that waits for rest."""
    return ooda.run_turn(UUID(str(account.pk)), exchange=exchange)
