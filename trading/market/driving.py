"""Starting a coroutine here and now, making a task only of one that has to wait."""

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any


def drive(coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
    """Run until it first waits. None if it never did; else a task that carries it on.

    A socket's `send` hardly ever waits, and a task for each of a thousand sends costs more than the
    sends: Python 3.12 has eager tasks for this, 3.11 does not. Raises: what the coroutine raises.
    """
    try:
        waits_for = coroutine.send(None)
    except StopIteration:
        return None
    return asyncio.ensure_future(_carry_on(_Started(coroutine, waits_for)))


async def _carry_on(started: "_Started") -> None:
    await started


class _Started:
    """A coroutine that has yielded once, as an awaitable."""

    def __init__(self, coroutine: Coroutine[Any, Any, None], waits_for: Any) -> None:
        self._coroutine, self._waits_for = coroutine, waits_for

    def __await__(self) -> Generator[Any, Any, None]:
        waits_for = self._waits_for
        while True:
            error: BaseException | None = None
            value = None
            try:
                value = yield waits_for
            except BaseException as thrown:
                error = thrown
            try:
                if error is not None:
                    waits_for = self._coroutine.throw(error)
                else:
                    waits_for = self._coroutine.send(value)
            except StopIteration:
                return
