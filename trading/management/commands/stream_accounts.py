"""The user-data streams: `manage.py stream_accounts`."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from typing import Any
from uuid import UUID

import structlog
from django.core.management.base import BaseCommand, CommandParser
from django.db import Error as DatabaseError
from django.db import close_old_connections
from django.db.models import Exists, OuterRef

from testudo import clock
from trading import account_stream, connection_budget
from trading.credentials import ApiKeys, CredentialsUnreadable, unseal
from trading.exchange.overlap import renewed
from trading.exchange.port import RequestsHeld
from trading.exchange.user_events import StreamEvent, StreamLost
from trading.exchange.user_stream import follow, session
from trading.exchange.venues import VenueRefused, venue_urls
from trading.models import ExchangeAccount, Trade
from trading.order_states import FINISHED
from trading.rate_budget import budget_of
from trading.risk_stream import RiskStream

log = structlog.get_logger(__name__)

LOOK_FOR_ACCOUNTS_EVERY = 0.5  # seconds
WEIGHT_OF_SESSION = 7  # connecting 2, three looks at the clock, subscribing 2
SPREAD = 5  # seconds over which those that waited for the same minute come back
THREADS = 8  # one account's events are booked in order; accounts beside each other
BEGIN_AT_ONCE = 8  # sessions; more would only keep those with a position from being first
LONGEST_BEGIN = 1  # seconds; one that takes longer keeps the next no longer from beginning


class Command(BaseCommand):
    help = "Follow the user-data stream of every exchange account and keep the books in step."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--venue", help="only accounts of this venue; all if left out")
        parser.add_argument(
            "--shard", default="0/1", help="K/N: only the accounts whose number mod N is K"
        )

    def handle(self, *, venue: str | None, shard: str, **options: object) -> None:
        part, _, of = shard.partition("/")
        asyncio.run(Streams(venue, int(part), int(of or 1)).run())


class Streams:
    """Every account's stream as a task of one event loop; booking happens in threads."""

    def __init__(self, venue: str | None, part: int, of: int) -> None:
        self._venue, self._part, self._of = venue, part, of
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="books")
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._beginning = asyncio.Semaphore(BEGIN_AT_ONCE)

    async def run(self) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for sent in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sent, stop.set)
        risk = asyncio.create_task(RiskStream(self._account_ids, self._in_thread).run())
        log.info("stream_accounts_ready")
        while not stop.is_set():
            try:
                await self._follow_new_accounts()
            except DatabaseError as error:
                log.warning("accounts_unreadable", error=str(error).strip())
            try:
                await asyncio.wait_for(stop.wait(), LOOK_FOR_ACCOUNTS_EVERY)
            except TimeoutError:
                continue
        following = [*self._tasks.values(), risk]
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
        self._threads.shutdown(cancel_futures=True)

    async def _follow_new_accounts(self) -> None:
        wanted = {account.pk: account for account in await self._in_thread(self._accounts)}
        for gone in self._tasks.keys() - wanted.keys():
            self._tasks.pop(gone).cancel()
        fresh = []
        for key, account in wanted.items():
            task = self._tasks.get(key)
            if task is not None and task.done() and not task.cancelled():
                log.error("account_stream_died", account=str(key), error=repr(task.exception()))
            if task is None or task.done():
                fresh.append(account)
        if fresh:
            # Start is recovery: no new risk before the books were matched (R14).
            await self._in_thread(account_stream.note_starting, fresh)
        for account in fresh:
            self._tasks[account.pk] = asyncio.create_task(self._follow(account))

    def _accounts(self) -> list[ExchangeAccount]:
        """Those with a position first: what happened to its stop meanwhile is found sooner."""
        held = Trade.objects.filter(account=OuterRef("pk"), held__gt=0).exclude(state__in=FINISHED)
        accounts = ExchangeAccount.objects.filter(removed_at=None).order_by(Exists(held).desc())
        if self._venue:
            accounts = accounts.filter(venue=self._venue)
        return [each for each in accounts if each.pk.int % self._of == self._part]

    def _account_ids(self) -> list[UUID]:
        return [account.pk for account in self._accounts()]

    async def _follow(self, account: ExchangeAccount) -> None:
        async def on_event(event: StreamEvent) -> None:
            while True:
                try:
                    return await self._in_thread(account_stream.take_in, account, event)
                except RequestsHeld as held:
                    await _wait_for(held)
                except DatabaseError as error:  # the event is not booked: match the books again
                    raise StreamLost(f"database: {str(error).strip()}") from error

        async def on_lost(why: str) -> None:
            try:
                await self._in_thread(account_stream.note_gap, account, why)
            except DatabaseError as error:  # without a database nothing new is placed either
                log.warning("gap_not_noted", account=str(account.pk), error=str(error).strip())

        def open_session():
            try:
                keys = unseal(
                    account.sealed_keys,
                    user_id=account.user_id,
                    account_id=account.pk,
                    venue=account.venue,
                )
                url = venue_urls(account.venue).ws_api
            except (CredentialsUnreadable, VenueRefused) as error:
                return _lost(str(error))
            return self._session(account.venue, url, keys)

        await follow(lambda: renewed(open_session), on_event=on_event, on_lost=on_lost)

    async def _session(self, venue: str, url: str, keys: ApiKeys) -> AsyncIterator[StreamEvent]:
        """A session, opened once the budgets of connections and requests have room for it."""

        async def may_ask(weight: int) -> bool:
            try:
                await self._in_thread(budget_of(venue).take, weight)
            except RequestsHeld:
                return False
            return True

        while True:
            async with self._turn():  # in the order of `_accounts`
                try:
                    await self._in_thread(_take_room, venue)
                except RequestsHeld as held:
                    wait = held
                else:
                    events = session(url, keys, together=True, may_ask=may_ask)
                    begun = await anext(events)
                    break
            await _wait_for(wait)
        async with aclosing(events):
            yield begun
            async for event in events:
                yield event

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        await self._beginning.acquire()
        loop = asyncio.get_running_loop()
        over = loop.call_later(LONGEST_BEGIN, self._beginning.release)
        try:
            yield
        finally:
            if over.when() > loop.time():  # else it was released, or is at once
                over.cancel()
                self._beginning.release()

    async def _in_thread(self, call: Callable[..., Any], *args: Any) -> Any:
        def work() -> Any:
            close_old_connections()
            try:
                return call(*args)
            finally:
                close_old_connections()

        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _take_room(venue: str) -> None:
    """Raises: RequestsHeld; then neither budget has counted a session."""
    budget_of(venue).take(WEIGHT_OF_SESSION, only_look=True)
    connection_budget.begin(venue)
    budget_of(venue).take(WEIGHT_OF_SESSION)


async def _wait_for(held: RequestsHeld) -> None:
    """Until there is room again; not all accounts at the same instant."""
    left = (held.until - clock.now()).total_seconds()
    log.info("waiting_for_room", seconds=round(left), why=str(held))
    await asyncio.sleep(max(left, 0) + random.uniform(0, SPREAD))  # noqa: S311  no secret


async def _lost(why: str):
    """A session that could not begin."""
    raise StreamLost(why)
    yield  # makes this an async generator, as `session` is
