"""A small TCP proxy that fails below HTTP: latency, resets, half-open connections, cut replies.

`async with FaultProxy(host, port) as proxy:` listens on `proxy.port` and forwards. What fails is
set on `proxy.mode` and read anew for every connection; both directions share it.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from types import TracebackType
from typing import Self

CHUNK = 65536


@dataclass(frozen=True, slots=True)
class Mode:
    """What goes wrong. Times in seconds, counts in bytes of the server's answer."""

    latency: float = 0  # before every chunk, each way
    reset_on_accept: bool = False  # RST at once
    reset_after: int | None = None  # RST after so many bytes of the answer
    close_after: int | None = None  # FIN after so many bytes of the answer
    half_open: bool = False  # takes everything, says nothing, closes nothing
    lose_replies: bool = False  # the request arrives, the answer is swallowed

    @property
    def most(self) -> int | None:
        """How many bytes of an answer get through."""
        limits = [one for one in (self.reset_after, self.close_after) if one is not None]
        return min(limits, default=None)


class FaultProxy:
    """Forwards one port to another, failing as told."""

    def __init__(self, host: str, port: int, mode: Mode = Mode()) -> None:
        self.mode = mode
        self.connections = 0
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.reset_all()
        await asyncio.sleep(0)

    def reset_all(self) -> int:
        """Break every connection there is. Returns how many."""
        broken = list(self._open)
        for writer in broken:
            writer.transport.abort()
        return len(broken)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        mode = self.mode
        self._open.add(writer)
        try:
            if mode.reset_on_accept:
                writer.transport.abort()
                return
            if mode.half_open:
                while await reader.read(CHUNK):
                    pass
                return
            upstream, to_server = await asyncio.open_connection(*self._target)
            self._open.add(to_server)
            try:
                await asyncio.gather(
                    self._pump(reader, to_server, mode.latency, None, mode),
                    self._pump(upstream, writer, mode.latency, mode.most, mode, answer=True),
                )
            finally:
                self._open.discard(to_server)
                to_server.close()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _pump(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        latency: float,
        most: int | None,
        mode: Mode,
        *,
        answer: bool = False,
    ) -> None:
        left = most
        while data := await source.read(CHUNK):
            if latency:
                await asyncio.sleep(latency)
            if answer and mode.lose_replies:
                continue
            if left is not None and len(data) >= left:
                sink.write(data[:left])
                with contextlib.suppress(ConnectionError):
                    await sink.drain()
                if mode.reset_after is not None:
                    await asyncio.sleep(0.01)  # let what was written leave before the reset
                    sink.transport.abort()
                raise ConnectionResetError
            if left is not None:
                left -= len(data)
            sink.write(data)
            await sink.drain()
        with contextlib.suppress(OSError):
            sink.write_eof()
