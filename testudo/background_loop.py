"""One event loop beside the threads of a process, for code that is asked from a thread.

`async_to_sync` makes a loop for each call, and whatever is kept per loop (a connection to Redis)
is made anew with it: five times the work of the call itself.
"""

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def run(call: Coroutine[Any, Any, T]) -> T:
    """Run it there and wait for its end. Returns, or raises, what it does.

    Not from a coroutine: that would stand still, and its loop with it.
    """
    return asyncio.run_coroutine_threadsafe(call, _running()).result()


def _running() -> asyncio.AbstractEventLoop:
    global _loop
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="background-loop", daemon=True).start()
        return _loop


def _start_afresh() -> None:
    """A fork inherits no threads, and perhaps a lock held by one."""
    global _lock, _loop
    _lock, _loop = threading.Lock(), None


os.register_at_fork(after_in_child=_start_afresh)
