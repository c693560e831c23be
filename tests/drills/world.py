"""One schedule's world: virtual time, processes that may die, and who acts next.

Everything that happens is an event on one heap. While one process waits for the exchange, time goes
on and the others act: that is a nested run of the same heap. No transaction may be open then (R6),
so all processes share this thread and its connection, and one seed gives one order of events.

A process dies by `Died`, which nothing in the product catches: transactions roll back, nothing is
recorded, memory is lost. It starts again a moment later.
"""

from __future__ import annotations

import heapq
import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from unittest import mock

from django.db import OperationalError, connection

from testudo import clock, failpoints
from testudo.db import ids

RESTART = (0.1, 1.0)  # seconds until a dead process runs again
RETRY_BUSY = 0.005
PLACES = (
    "before_claim", "after_claim_before_send", "after_send_before_record",
    "before_request", "after_request", "before_commit", "after_commit",
)  # fmt: skip


class Died(BaseException):
    """The process was killed here. No handler of the product may catch it."""


@dataclass(slots=True)
class Process:
    """Something that can be killed. Work of an earlier life must not go on."""

    name: str
    life: int = 0
    starts_at: datetime | None = None  # None: it runs
    busy: set[str] = field(default_factory=set)
    on_death: list[Callable[[], None]] = field(default_factory=list)
    on_start: list[Callable[[], None]] = field(default_factory=list)


@dataclass(slots=True)
class Blow:
    """What befalls a process at a place: it dies, is paused, or loses the answer to a COMMIT."""

    kind: str  # die, pause, lose_commit
    place: str
    process: str  # prefix of its name; "" for any
    skip: int  # so many times it passes first
    seconds: float = 0.0


class World:
    """The heap, the clock, the processes, the dice."""

    def __init__(self, seed: int, moment: clock.VirtualClock) -> None:
        self.dice = random.Random(seed)  # what is done to the product
        self.noise = random.Random(-seed)  # how long things take, asked as often as it asks
        self.moment = moment
        self.blows: list[Blow] = []
        self.befell: Counter[str] = Counter()
        self.trouble: list[str] = []  # what the product raised and should not have
        self.each_time: list[Callable[[], None]] = []  # called whenever time has moved
        self._heap: list[tuple[datetime, int, Callable[[], None]]] = []
        self._number = 0
        self._processes: dict[str, Process] = {}
        self._running: list[tuple[Process, int]] = []

    # -- time ---------------------------------------------------------------------------------

    def at(self, seconds: float, act: Callable[[], None]) -> None:
        """Let `act` happen so many seconds from now."""
        self._number += 1
        due = self.moment.moment + timedelta(seconds=max(seconds, 0))
        heapq.heappush(self._heap, (due, self._number, act))

    def run_for(self, seconds: float) -> None:
        """Let time pass, and everything that is due in it happen."""
        until = self.moment.moment + timedelta(seconds=seconds)
        while self._heap and self._heap[0][0] <= until:
            due, _, act = heapq.heappop(self._heap)
            self._move(due)
            act()
        self._move(until)

    def travel(self, seconds: float) -> None:
        """Time in which the running process waits: the others act. Raises: Died."""
        self.run_for(seconds)
        self._check_life()

    def _move(self, to: datetime) -> None:
        if to > self.moment.moment:
            self.moment.moment = to
            for look in self.each_time:
                look()

    # -- processes ----------------------------------------------------------------------------

    def process(self, name: str) -> Process:
        return self._processes.setdefault(name, Process(name))

    def run_as(self, name: str, key: str, work: Callable[[], object]) -> bool:
        """Do `work` as the process. False: it is down, or busy with `key` already."""
        process = self.process(name)
        if process.starts_at is not None or key in process.busy:
            return False
        process.busy.add(key)
        self._running.append((process, process.life))
        try:
            work()
        except Died:
            pass  # noted where it was killed
        finally:
            process.busy.discard(key)
            self._running.pop()
        return True

    def kill(self, process: Process) -> None:
        """SIGKILL: every work of its life ends where it stands."""
        process.life += 1
        process.busy.clear()
        wait = self.noise.uniform(*RESTART)
        process.starts_at = self.moment.moment + timedelta(seconds=wait)
        for told in process.on_death:
            told()
        self.at(wait, lambda: self._start(process))

    def _start(self, process: Process) -> None:
        process.starts_at = None
        for told in process.on_start:
            told()

    @property
    def current(self) -> Process | None:
        return self._running[-1][0] if self._running else None

    @property
    def dying(self) -> bool:
        """Whether the running work belongs to a life that is over."""
        return bool(self._running) and self._running[-1][0].life != self._running[-1][1]

    def _check_life(self) -> None:
        if self.dying:
            raise Died

    # -- blows --------------------------------------------------------------------------------

    def reach(self, place: str) -> None:
        """A place where something may befall the running process. Raises: Died, OperationalError"""
        if not self._running:
            return
        self._check_life()
        process = self._running[-1][0]
        for blow in self.blows:
            if blow.place != place or not process.name.startswith(blow.process):
                continue
            if blow.skip:
                blow.skip -= 1
                continue
            self.blows.remove(blow)
            self.befell[f"{blow.kind} {place}"] += 1
            if blow.kind == "die":
                self.kill(process)
                raise Died
            if blow.kind == "lose_commit":
                raise OperationalError("server closed the connection unexpectedly")
            self.travel(blow.seconds)
            return

    @contextmanager
    def installed(self, seed: int) -> Iterator[None]:
        """Failpoints, commits and new keys lead here inside the block."""
        commit = connection.commit
        nonce = uuid.uuid4().bytes[-6:]
        count = [0]

        def new_id() -> uuid.UUID:
            """Time-ordered as the real ones, the same for one seed but for a run's own mark."""
            count[0] += 1
            head = clock.now_ms().to_bytes(6, "big") + count[0].to_bytes(4, "big")
            raw = bytearray(head + nonce)
            raw[6] = 0x70 | raw[6] & 0x0F
            raw[8] = 0x80 | raw[8] & 0x3F
            return uuid.UUID(bytes=bytes(raw))

        def committed() -> None:
            try:
                self.reach("before_commit")
            except (Died, OperationalError):
                connection.rollback()
                connection.run_on_commit = []
                raise
            commit()
            try:
                self.reach("after_commit")
            except (Died, OperationalError):  # whoever waited for the commit is not told
                connection.run_on_commit = []
                raise

        connection.ensure_connection()
        connection.commit = committed  # type: ignore[method-assign]
        try:
            with (
                mock.patch.object(failpoints, "reach", self.reach),
                mock.patch.object(ids, "uuid7", new_id),
            ):
                yield
        finally:
            del connection.commit
