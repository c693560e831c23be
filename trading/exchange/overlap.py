"""One session of a user stream after the other, the next one begun before the last is let go (F23).

The exchange ends every connection after a day, and says of some that it will soon. Whoever waits
for the end has a gap, and takes no new risk until the books are matched. So the next session
subscribes while the last one goes on; the books are matched once it has, and then the last one is
closed. What both of them tell is booked once, as everything that comes twice.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import structlog

from trading.exchange.user_events import (
    Ending,
    StreamEvent,
    StreamLost,
    Subscribed,
)

log = structlog.get_logger(__name__)

RENEW_AFTER = timedelta(hours=23, minutes=30)  # of the 24 hours a connection may live
TRY_AGAIN_AFTER = timedelta(minutes=1)  # where the next one could not begin; the last one goes on

Session = AsyncIterator[StreamEvent]


async def renewed(
    open_session: Callable[[], Session], *, after: timedelta = RENEW_AFTER
) -> AsyncIterator[StreamEvent]:
    """The events of one session after the other, `Subscribed` where each begins. Raises:
    StreamLost, where one ends before the next has begun."""
    now = asyncio.get_running_loop().time
    current, coming = open_session(), None
    due = now() + after.total_seconds()
    try:
        while True:
            try:
                event = await anext(current)
            except StreamLost:
                if coming is None:
                    raise
                event = await _begun(coming[1])  # it ended a little early: wait for the next one
            else:
                if isinstance(event, Ending):
                    due = min(due, now())
                else:
                    yield event
                if coming is None and now() >= due:
                    coming = _begin(open_session())
                if coming is None or not coming[1].done():
                    continue
                try:
                    event = await _begun(coming[1])
                except StreamLost as lost:
                    log.warning("stream_not_renewed", why=str(lost))
                    await _close(coming[0])
                    coming, due = None, now() + TRY_AGAIN_AFTER.total_seconds()
                    continue
            last, current, coming = current, coming[0], None
            due = now() + after.total_seconds()
            log.info("stream_renewed")
            yield event  # the caller matches the books; what both tell waits in the next one
            await _close(last)
    finally:
        if coming is not None:
            coming[1].cancel()
            await asyncio.gather(coming[1], return_exceptions=True)
            await _close(coming[0])
        await _close(current)


def _begin(session: Session) -> tuple[Session, "asyncio.Task[StreamEvent]"]:
    return session, asyncio.ensure_future(_first(session))


async def _first(session: Session) -> StreamEvent:
    return await anext(session)


async def _begun(first: "asyncio.Task[StreamEvent]") -> StreamEvent:
    event = await first
    assert isinstance(event, Subscribed), "a session begins with its subscription"
    return event


async def _close(session: Session) -> None:
    close = getattr(session, "aclose", None)
    if close is not None:
        with contextlib.suppress(StreamLost):
            await close()
