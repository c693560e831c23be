"""The protection supervisor and sweeper: `manage.py guard`."""

import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import structlog
from django.core.management.base import BaseCommand, CommandParser
from django.db import Error as DatabaseError
from django.db import close_old_connections

from testudo import clock
from testudo.events.relay import deliver_due
from trading import guard, ooda
from trading.credentials import CredentialsUnreadable
from trading.exchange.factory import exchange_for
from trading.exchange.port import Exchange
from trading.exchange.venues import VenueRefused
from trading.models import ExchangeAccount

log = structlog.get_logger(__name__)

THREADS, HOUSEKEEPING_THREADS = 4, 2
LOOK_EVERY = 0.5  # seconds: what a dead worker left is found by then (R9 wants a second)
HOUSE_EVERY, RISK_EVERY, VENUES_EVERY = 0.9, 5, 15  # seconds


class Command(BaseCommand):
    help = "Find due work in PostgreSQL twice a second, with or without Celery, and do it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--every", type=float, default=LOOK_EVERY, help="seconds between two looks"
        )
        parser.add_argument("--once", action="store_true", help="look once, do it, and end")

    def handle(self, *, every: float, once: bool, **options: object) -> None:
        watch = Watch()
        if once:
            watch.look()
            watch.wait()
            return
        stop = threading.Event()
        for sent in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sent, lambda *_: stop.set())
        log.info("guard_ready")
        watch.look()  # at once: it may be back from a death in the middle of something
        while not stop.wait(every):
            watch.look()
        watch.wait()


class Watch:
    """Hands each account with due work to a thread, one turn an account at a time."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="guard")
        # Of its own, so that no turn waits behind a look at every account.
        self._housekeeping = ThreadPoolExecutor(HOUSEKEEPING_THREADS, thread_name_prefix="house")
        self._busy: set[object] = set()
        self._lock = threading.Lock()
        self._looked_at: dict[str, float] = {}

    def look(self) -> None:
        close_old_connections()
        try:
            due = guard.due_accounts(clock.now())
        except DatabaseError as error:  # no database, no new risk; ask again in a second
            log.warning("guard_blind", error=str(error).strip())
            return
        for account_id in due:
            self._start(account_id, lambda key=account_id: take_turn(key))
        if self._is_time_for("house", HOUSE_EVERY):
            self._start("lines", guard.look_at_lines)
            self._keep_house("outbox", deliver_due)
        if self._is_time_for("risk", RISK_EVERY):
            self._keep_house("risk", lambda: guard.look_after_risk(clock.now()))
        if self._is_time_for("venues", VENUES_EVERY):
            self._keep_house("venues", guard.look_at_venues)

    def _is_time_for(self, what: str, every: float) -> bool:
        now = time.monotonic()
        if now - self._looked_at.get(what, float("-inf")) < every:
            return False
        self._looked_at[what] = now
        return True

    def wait(self) -> None:
        self._threads.shutdown(wait=True)
        self._housekeeping.shutdown(wait=True)

    def _start(self, key: object, work: Callable[[], object]) -> None:
        self._submit(self._threads, key, work)

    def _keep_house(self, key: object, work: Callable[[], object]) -> None:
        self._submit(self._housekeeping, key, work)

    def _submit(self, threads: ThreadPoolExecutor, key: object, work: Callable[[], object]) -> None:
        with self._lock:
            if key in self._busy:
                return
            self._busy.add(key)
        threads.submit(self._run, key, work)

    def _run(self, key: object, work: Callable[[], object]) -> None:
        close_old_connections()
        try:
            work()
        except Exception:  # one account's trouble must not stop the others; it is tried again
            log.exception("guard_work_failed", work=str(key))
        finally:
            close_old_connections()
            with self._lock:
                self._busy.discard(key)


def take_turn(account_id: UUID) -> None:
    def reach() -> Exchange:
        return exchange_for(ExchangeAccount.objects.get(pk=account_id))

    try:
        ooda.run_turn(account_id, exchange=reach, streamed=True)
    except (CredentialsUnreadable, VenueRefused) as error:
        log.error("guard_cannot_reach", account=str(account_id), error=str(error))
