"""Group commit: many answers, one write to the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from trading.exchange.paper.exchange import PaperExchange


class Committer:
    """Group commit: whoever asks in one turn of the event loop shares one fsync."""

    def __init__(self, exchange: PaperExchange, failed: Callable[[BaseException], None]) -> None:
        self._exchange, self._failed = exchange, failed
        self._pending: asyncio.Future[None] | None = None

    async def done(self) -> None:
        """Wait until everything written so far is durable. Raises: what the disk says."""
        if self._pending is None:
            loop = asyncio.get_running_loop()
            self._pending = loop.create_future()
            loop.call_soon(self._commit)
        await asyncio.shield(self._pending)

    def _commit(self) -> None:
        pending, self._pending = self._pending, None
        if pending is None:
            return
        try:
            self._exchange.commit()
        except Exception as error:  # memory is ahead of the disk now: nobody may be answered
            pending.set_exception(error)
            self._failed(error)
        else:
            pending.set_result(None)
