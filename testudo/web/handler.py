"""Django under ASGI, one trip to a thread for each request.

Upstream adapts each synchronous part by itself: a chain of synchronous middleware runs in a thread,
goes back to the event loop to reach the view, and from there to the thread again; and that thread
is started for the request and ended with it. All our middleware and views are synchronous, so the
whole chain runs in one go, in a thread that is lent on: half of a preview's time was such trips.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import IO, Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler, RequestAborted, get_script_prefix
from django.core.signals import request_started
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

MOST_IDLE = 16  # threads kept for the next requests; in a rush there are as many as requests
LONGEST_TURN = 0.03  # seconds a request waits for the one before it


class Threads:
    """Executors of one thread each. One is lent to one request at a time."""

    def __init__(self) -> None:
        self._idle: list[ThreadPoolExecutor] = []  # the one used last, and warmest, goes first
        self._lock = threading.Lock()

    @contextmanager
    def lent(self) -> Iterator[ThreadPoolExecutor]:
        """One for this request alone; never waits."""
        with self._lock:
            thread = self._idle.pop() if self._idle else ThreadPoolExecutor(1, "request")
        try:
            yield thread
        finally:
            with self._lock:
                keep = len(self._idle) < MOST_IDLE
                if keep:
                    self._idle.append(thread)
            if not keep:
                thread.shutdown(wait=False)


class Turns:
    """One request after the other, as long as they are short: two at once on one interpreter only
    make each other late. Whoever waits for more than it computes holds nobody up for long.

    Taken in the request's own thread: one hands over to the next while the loop sends its answer.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """In turn, or beside the others once the wait was long enough."""
        mine = self._turn.acquire(timeout=LONGEST_TURN)
        try:
            yield
        finally:
            if mine:
                self._turn.release()


class Handler(ASGIHandler):
    """As upstream's, but for where a request runs.

    A page that leaves before its answer is there is not noticed: no view of ours could be stopped.
    """

    def __init__(self) -> None:
        super().__init__()
        self._threads, self._turns = Threads(), Turns()

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise ValueError(f"Django answers HTTP only, not {scope['type']}.")
        with self._threads.lent() as thread:
            async with ThreadSensitiveContext(executor=thread):
                await self.handle(scope, receive, send)

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        response = await sync_to_async(self._answer)(scope, body)
        try:
            await self.send_response(response, send)
        finally:
            if response.streaming:
                await sync_to_async(response.close)()

    def _answer(self, scope: Any, body: IO[bytes]) -> HttpResponseBase:
        """What is to be sent; only a streamed answer is left open."""
        with body, self._turns.taken():
            set_script_prefix(get_script_prefix(scope))
            request_started.send(sender=self.__class__, scope=scope)
            request, refused = self.create_request(scope, body)
            response: HttpResponseBase = refused if request is None else self.get_response(request)
            response._handler_class = self.__class__  # type: ignore[attr-defined]
            if not response.streaming:
                response.close()
            return response
