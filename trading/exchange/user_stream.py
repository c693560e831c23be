"""The user-data stream of one account: our own session over the WebSocket API.

python-binance loses the subscription silently after a reconnect (docs/decisions), so the session
is ours: connect, subscribe, buffer what arrives, let the caller match the books by REST, then
release the buffer and go on (R13). The stream is a hint; the truth is asked for.
"""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from testudo.db.ids import new_id
from trading.credentials import ApiKeys
from trading.exchange.user_events import (
    Alive,
    Burst,
    Ending,
    StreamEvent,
    StreamLost,
    Subscribed,
    read_event,
)

log = structlog.get_logger(__name__)

CONNECT_TIMEOUT = 3  # seconds
CLOSE_TIMEOUT = 1  # a peer that is gone says no goodbye
ANSWER_TIMEOUT = 10
PING_EVERY, PONG_WITHIN = 10, 10  # a dead peer is noticed within 20 s: R13
PROBE_EVERY = 60  # of a quiet stream
PROBE_WEIGHT = 2  # each, of the 6,000 a minute that an address has
CLOCK_SAMPLES = 3
LONGEST_PAUSE = 30
MOST_TOGETHER = 50  # events of one burst: they are booked in one transaction
MOST_BUFFERED = 10_000  # events; nearly so many unbooked ones mean: match again (a gap)


async def _always(weight: int) -> bool:
    return True


async def session(
    url: str,
    keys: ApiKeys,
    *,
    together: bool = False,
    may_ask: Callable[[int], Awaitable[bool]] = _always,
) -> AsyncIterator[StreamEvent]:
    """One connection's events, `Subscribed` first. Ends by raising StreamLost.

    `together`: what waits is handed on as one burst, so that it can be booked as one. `may_ask`:
    takes a request's weight from the budget before a quiet stream is probed; False: not now.

    A reader of its own takes them off the socket, so that a peer that is gone is noticed, and a
    caller who cannot keep up, however long the caller takes over one of them.
    """
    try:
        async with connect(
            url,
            open_timeout=CONNECT_TIMEOUT,
            ping_interval=None,  # our own pings, so that each pong is seen
            close_timeout=CLOSE_TIMEOUT,
            max_size=2**20,
        ) as socket:
            number = await _subscribe(socket, keys)
            waiting: asyncio.Queue[StreamEvent | StreamLost] = asyncio.Queue()
            reader = asyncio.create_task(_read(socket, number, waiting, may_ask))
            try:
                yield Subscribed()
                while True:
                    events = [await waiting.get()]
                    while together and len(events) < MOST_TOGETHER and not waiting.empty():
                        if isinstance(events[-1], StreamLost | Ending):
                            break
                        events.append(waiting.get_nowait())
                    end = events.pop() if isinstance(events[-1], StreamLost | Ending) else None
                    if len(events) > 1:
                        yield Burst(tuple(events))
                    elif events:
                        yield events[0]
                    if isinstance(end, StreamLost):
                        raise end
                    if end is not None:
                        yield end
            finally:
                reader.cancel()
                await asyncio.gather(reader, return_exceptions=True)
    except (OSError, TimeoutError, WebSocketException) as error:
        raise StreamLost(f"{type(error).__name__}: {error}") from error


async def _read(
    socket: ClientConnection,
    number: int,
    waiting: "asyncio.Queue[StreamEvent | StreamLost]",
    may_ask: Callable[[int], Awaitable[bool]],
) -> None:
    """Put what arrives in the queue, the reason for its end last. Past four fifths of what may
    wait, nothing of it is booked any more: matching the books by REST tells it all (R13, R22)."""
    try:
        async for event in _events(socket, number, may_ask):
            waiting.put_nowait(event)
            if waiting.qsize() > MOST_BUFFERED * 4 // 5:
                while not waiting.empty():
                    waiting.get_nowait()
                raise StreamLost(f"{MOST_BUFFERED * 4 // 5} events wait: too many to go on so")
    except StreamLost as lost:
        waiting.put_nowait(lost)
    except (OSError, TimeoutError, WebSocketException) as error:
        waiting.put_nowait(StreamLost(f"{type(error).__name__}: {error}"))
    except Exception as error:  # a frame that makes no sense may have been an order's
        log.warning("frame_unreadable", error=repr(error)[:200])
        waiting.put_nowait(StreamLost(f"unreadable frame: {type(error).__name__}"))


async def _subscribe(socket: ClientConnection, keys: ApiKeys) -> int:
    """`userDataStream.subscribe.signature`: HMAC over the sorted parameters. Returns the number of
    the subscription."""
    signed_at = await _exchange_ms(socket)
    params: dict[str, Any] = {"apiKey": keys.key, "timestamp": signed_at}
    payload = "&".join(f"{name}={params[name]}" for name in sorted(params))
    signed = hmac.new(keys.secret.encode(), payload.encode(), hashlib.sha256)
    params["signature"] = signed.hexdigest()
    answer = await _answer(socket, "userDataStream.subscribe.signature", params)
    if answer.get("status") != 200:
        error = answer.get("error", {})
        raise StreamLost(f"subscription refused: {error.get('code')} {error.get('msg')}")
    try:
        return int(answer["result"]["subscriptionId"])
    except (KeyError, TypeError, ValueError) as error:
        raise StreamLost("the exchange does not number the subscription") from error


async def _exchange_ms(socket: ClientConnection) -> int:
    """The exchange's time now, asked on this very socket: its lowest round trip tells best (R20).

    Our own clock may be off by more than the exchange bears, and is not asked at all.
    """
    best: tuple[float, int, float] | None = None
    for _ in range(CLOCK_SAMPLES):
        sent = time.monotonic()
        answer = await _answer(socket, "time", {})
        heard = time.monotonic()
        try:
            look = (heard - sent, int(answer["result"]["serverTime"]), heard)
        except (KeyError, TypeError, ValueError) as error:
            raise StreamLost("the exchange does not tell its time") from error
        best = look if best is None else min(best, look)
    assert best is not None
    trip, server_ms, heard = best
    return server_ms + round((trip / 2 + time.monotonic() - heard) * 1000)


async def _answer(socket: ClientConnection, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """Ask, and wait for the answer to it; events of an older subscription may come before."""
    request = {"id": str(new_id()), "method": method, "params": params}
    await socket.send(json.dumps(request))
    async with asyncio.timeout(ANSWER_TIMEOUT):
        while True:
            answer: dict[str, Any] = json.loads(await socket.recv())
            if answer.get("id") == request["id"]:
                return answer


async def _events(
    socket: ClientConnection, number: int, may_ask: Callable[[int], Awaitable[bool]]
) -> AsyncIterator[StreamEvent]:
    """What comes, and signs of life while nothing does. A subscription can be lost while the socket
    lives (F20), which no pong tells: so a quiet stream is asked for its subscriptions at times."""
    probed = time.monotonic()
    while True:
        try:
            async with asyncio.timeout(PING_EVERY):
                frame = json.loads(await socket.recv())
        except TimeoutError:
            if time.monotonic() - probed >= PROBE_EVERY and await may_ask(PROBE_WEIGHT):
                for missed in await _probe(socket, number):
                    yield missed
                probed = time.monotonic()
            else:
                pong = await socket.ping()
                async with asyncio.timeout(PONG_WITHIN):
                    await pong
            yield Alive()
            continue
        event = read_event(frame)
        if event is not None:
            probed = time.monotonic()  # it came by the subscription
            yield event


async def _probe(socket: ClientConnection, number: int) -> list[StreamEvent]:
    """Whether the subscription stands. Returns the events that came before the answer.

    Raises: StreamLost, where it is gone; TimeoutError.
    """
    request = {"id": str(new_id()), "method": "session.subscriptions"}
    await socket.send(json.dumps(request))
    before: list[StreamEvent] = []
    async with asyncio.timeout(PONG_WITHIN):
        while True:
            frame = json.loads(await socket.recv())
            if frame.get("id") == request["id"]:
                break
            if (event := read_event(frame)) is not None:
                before.append(event)
    if frame.get("status") != 200:
        return before  # so busy that it does not say: asked again
    if number not in [each.get("subscriptionId") for each in frame.get("result") or []]:
        raise StreamLost("the exchange has lost the subscription")
    return before


async def follow(
    open_session: Callable[[], AsyncIterator[StreamEvent]],
    *,
    on_event: Callable[[StreamEvent], Awaitable[None]],
    on_lost: Callable[[str], Awaitable[None]],
) -> None:
    """Follow one account for ever: whenever a session is lost, say so and open the next one.

    Events that arrive while `on_event(Subscribed())` matches the books wait in the socket's queue
    and are handed on after it, so none is lost and none overtakes the match.
    """
    failures = 0
    while True:
        try:
            async for event in open_session():
                await on_event(event)
                failures = 0
        except StreamLost as lost:
            await on_lost(str(lost))
        pause = min(0.2 * 2**failures, LONGEST_PAUSE)
        failures += 1
        await asyncio.sleep(pause)  # back-off, so that an exchange that is down is not stormed
