"""Tells a worker, right after commit, that a stream has something to deliver. Best effort.

One thread per process speaks to the broker, so that a slow or absent Redis never slows whoever
publishes. What is lost here the guard finds in PostgreSQL within a second.
"""

import os
import threading
import time
from collections.abc import Callable, Collection

import structlog
from celery import current_app
from django.db import transaction

from testudo import clock

TASK = "testudo.events.tasks.deliver"
GATHER = 0.05  # seconds; an order's answer, fill and protection come one upon the other
EXPIRES = 10  # seconds; by then the guard has delivered
MOST_PENDING = 10_000  # streams; beyond it, while the broker is away, the guard delivers

log = structlog.get_logger(__name__)

# Of these streams: which somebody looks at now. Without an answer, all of them.
LookedAt = Callable[[Collection[str]], Collection[str]]


class Waker:
    """Sends a task for each name to the broker, from a thread of its own, each name once."""

    def __init__(
        self,
        task: str = TASK,
        *,
        queue: str | None = None,
        countdown: float = 0,
        gather: float = 0,
    ) -> None:
        """`countdown`: seconds the task is to wait at a worker before it runs. `gather`: seconds
        that names are gathered before they are sent, so that a burst makes one message.

        `looked_at`, an attribute: asked about names that need not be woken where nobody looks.
        """
        self._task, self._queue, self._countdown = task, queue, countdown
        self._gather = gather
        self.looked_at: LookedAt | None = None
        self._start_afresh()
        # A fork inherits no threads, and perhaps a lock held by one.
        os.register_at_fork(after_in_child=self._start_afresh)

    def _start_afresh(self) -> None:
        self._pending: dict[str, bool] = {}  # in the order they came; whether it may not wait
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._failing = False

    def wake(self, stream: str, *, urgent: bool = True) -> None:
        """Remember the stream and return at once. On virtual time nobody else is there to wake.

        What is not `urgent` is left to the guard where nobody looks at the stream.
        """
        if clock.is_virtual():
            return
        with self._changed:
            if len(self._pending) < MOST_PENDING:
                self._pending[stream] = urgent or self._pending.get(stream, False)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="event-waker", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._pending:
                    self._changed.wait()
            if self._gather:
                time.sleep(self._gather)
            with self._changed:
                pending, self._pending = self._pending, {}
            wanted = self._wanted([name for name, urgent in pending.items() if not urgent])
            for name, urgent in pending.items():
                if urgent or name in wanted:
                    self._send(name)

    def _wanted(self, names: list[str]) -> Collection[str]:
        if not names or self.looked_at is None:
            return names
        try:
            return self.looked_at(names)
        except Exception as error:  # a broken look must not end the thread
            log.warning("event_wake_unsure", error=repr(error))
            return names

    def _send(self, stream: str) -> None:
        try:
            current_app.send_task(
                self._task,
                args=[stream],
                queue=self._queue,
                countdown=self._countdown or None,
                expires=EXPIRES + self._countdown,
                ignore_result=True,
                retry=False,
            )
        except Exception as error:  # best effort: whatever broke, the guard delivers
            if not self._failing:
                log.warning("event_wake_failed", stream=stream, error=repr(error))
            self._failing = True
        else:
            if self._failing:
                log.info("event_wake_works_again")
            self._failing = False


# A queue of its own, so that neither mail nor reports delay a page.
_waker = Waker(queue="events", gather=GATHER)


def after_commit(stream: str, *, urgent: bool = True) -> None:
    """Wake a worker for the stream once the current transaction has committed.

    `urgent`: some listener acts on it; else it is only shown, and waits for the guard where nobody
    looks.
    """
    # The pending streams are a set, so many events of one transaction make one message.
    transaction.on_commit(lambda: _waker.wake(stream, urgent=urgent), robust=True)


def shown_where(looked_at: LookedAt) -> None:
    """Say who knows which streams are looked at now."""
    _waker.looked_at = looked_at
