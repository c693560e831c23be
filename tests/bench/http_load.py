"""A load of HTTP requests that costs the machine little: bytes ready-made, answers barely read.

On two cores a heavy client would be measured instead of the server; `Load.cpu_seconds` says what
this one took.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

PASSED = b'{"ok":true'
BEGINNING = 20_000  # bytes of an answer that are kept
GRACE_SECONDS = 30.0  # for the answers still under way at the end


@dataclass
class Load:
    """What became of it. `took` is in seconds, one for each answer."""

    took: list[float] = field(default_factory=list)
    seconds: float = 0.0  # from the first intended sending to the last answer
    cpu_seconds: float = 0.0  # of this process
    refused: dict[int, int] = field(default_factory=dict)  # by status; empty where all is well
    passed: int = 0  # answers that begin with {"ok":true
    most_waiting: int = 0  # requests that were due and found no answer before them yet

    @property
    def rate(self) -> float:
        return len(self.took) / self.seconds


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request under way."""

    def __init__(self) -> None:
        self._left = 0
        self._received = b""
        self._answer: asyncio.Future[int] | None = None
        self._status = 0
        self.begins = b""  # of the last answer: enough to see what it is

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def ask(self, request: bytes) -> asyncio.Future[int]:
        """Send it; the future is done with the status when the whole answer is here."""
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._answer

    @property
    def passed(self) -> bool:
        """Whether the last answer was about a plan that passes."""
        return self.begins.startswith(PASSED)

    def data_received(self, data: bytes) -> None:
        if self._left:
            self._left -= len(data)
        else:
            self._received += data
            head, found, body = self._received.partition(b"\r\n\r\n")
            if not found:
                return
            self._received = b""
            self._status = int(head[9:12])
            self._left = _length(head) - len(body)
            self.begins = body[:BEGINNING]
        if self._left <= 0 and self._answer is not None:
            answer, self._answer = self._answer, None
            answer.set_result(self._status)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("The server hung up."))


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    raise ConnectionError("The answer says no Content-Length; this client reads no other kind.")


def precise_loop() -> asyncio.AbstractEventLoop:
    """A loop whose sleeps end on time: epoll's are rounded up to whole milliseconds, and half of
    one would be counted as the server's on each request."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


async def connect(port: int, count: int) -> list[Connection]:
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(Connection, "127.0.0.1", port, family=2) for _ in range(count)
    ]
    return [connection for _, connection in made]


async def closed_loop(
    port: int, requests: Sequence[bytes], *, clients: int, seconds: float
) -> Load:
    """So many clients, each of which sends its next request when it has the last answer."""
    connections = await connect(port, clients)
    load, cpu, began = Load(), time.process_time(), time.perf_counter()

    async def one(number: int, connection: Connection) -> None:
        turn = number
        while (sent := time.perf_counter()) - began < seconds:
            _note(load, await connection.ask(requests[turn % len(requests)]), sent, connection)
            turn += clients

    await asyncio.gather(*(one(number, each) for number, each in enumerate(connections)))
    return _closed(load, connections, began, cpu)


async def open_loop(
    port: int, requests: Sequence[bytes], *, gaps: Sequence[float], connections: int
) -> Load:
    """Requests sent at their times, whether or not the server keeps up.

    Each is counted from when it was to be sent: one that waits for a free connection, or for this
    process, waits at the server's expense (no coordinated omission).
    """
    idle = deque(await connect(port, connections))
    waiting: deque[tuple[bytes, float]] = deque()
    everyone, pending = list(idle), set[asyncio.Task[None]]()
    load, cpu, began = Load(), time.process_time(), time.perf_counter()

    async def one(connection: Connection, request: bytes, due: float) -> None:
        while True:
            _note(load, await connection.ask(request), due, connection)
            if not waiting:
                break
            request, due = waiting.popleft()
        idle.append(connection)

    due = began
    for number, gap in enumerate(gaps):
        due += gap
        if (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        request = requests[number % len(requests)]
        if idle:
            task = asyncio.create_task(one(idle.popleft(), request, due))
            pending.add(task)
            task.add_done_callback(pending.discard)
        else:
            waiting.append((request, due))
            load.most_waiting = max(load.most_waiting, len(waiting))
    async with asyncio.timeout(GRACE_SECONDS):
        while pending:
            await asyncio.gather(*pending)
    return _closed(load, everyone, began, cpu)


def _note(load: Load, status: int, since: float, connection: Connection) -> None:
    load.took.append(time.perf_counter() - since)
    load.passed += connection.passed
    if status != 200:
        load.refused[status] = load.refused.get(status, 0) + 1


def _closed(load: Load, connections: Sequence[Connection], began: float, cpu: float) -> Load:
    load.seconds = time.perf_counter() - began
    load.cpu_seconds = time.process_time() - cpu
    for each in connections:
        each.transport.close()
    return load
