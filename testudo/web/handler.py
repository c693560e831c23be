"""Django under ASGI, one trip to a thread for each request.

Upstream adapts each synchronous part by itself: a chain of synchronous middleware runs in a thread,
goes back to the event loop to reach the view, and from there to the thread again; and that thread
is started for the request and ended with it. All our middleware and views are synchronous, so the
whole chain runs in one go, in a thread that is lent on: a third of a preview's time was such trips.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler

MOST_IDLE = 16  # threads kept for the next requests; in a rush there are as many as requests


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


class Handler(ASGIHandler):
    """As upstream's, but for where a request runs. Refuses no asynchronous view: it only waits."""

    def __init__(self) -> None:
        super().__init__()
        self._threads = Threads()

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)
        self._middleware_chain = sync_to_async(self._middleware_chain, thread_sensitive=True)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise ValueError(f"Django answers HTTP only, not {scope['type']}.")
        with self._threads.lent() as thread:
            async with ThreadSensitiveContext(executor=thread):
                await self.handle(scope, receive, send)
