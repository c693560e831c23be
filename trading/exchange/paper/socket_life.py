"""The life of a WebSocket, by the clock that is passed in: how long, how much, is the peer there.

Sources: web-socket-api.md "General API Information", web-socket-streams.md "General WSS
information". Pure: the WS API, the market streams and the tests share it.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Literal

LIFE_MS = 24 * 3600 * 1000  # of a connection
WARNING_MS = 10 * 60_000  # serverShutdown comes before its end; how long before is not documented
PING_SECONDS = 20  # the server pings so often …
PONG_SECONDS = 60  # … and leaves when a ping was not answered for so long


class Pulse:
    """Whether the peer answers. Only a pong with the payload of one of our pings counts."""

    def __init__(self, now: float) -> None:
        self._next = now + PING_SECONDS
        self._unanswered: dict[bytes, float] = {}

    def ping(self, now: float) -> bytes | None:
        """The payload to send where a ping is due. `now` in seconds, of any one clock."""
        if now < self._next:
            return None
        self._next = now + PING_SECONDS
        payload = str(int(now * 1000)).encode()
        self._unanswered[payload] = now
        return payload

    def pong(self, payload: bytes) -> None:
        """The peer answered. An unsolicited pong is allowed and changes nothing."""
        if payload in self._unanswered:
            self._unanswered.clear()

    def is_gone(self, now: float) -> bool:
        """The oldest ping without an answer is too old."""
        return any(now - sent >= PONG_SECONDS for sent in self._unanswered.values())


class Rate:
    """At most `most` frames in any second; 0: any number."""

    def __init__(self, most: int) -> None:
        self._times: deque[float] = deque(maxlen=max(1, most))
        self._most = most

    def allows(self, now: float) -> bool:
        """Count one frame; false where it is one too many."""
        if not self._most:
            return True
        if len(self._times) == self._most and now - self._times[0] < 1:
            return False
        self._times.append(now)
        return True


def stage(opened_ms: int, now_ms: int, life_ms: int = LIFE_MS) -> Literal["young", "warn", "over"]:
    """Where in its day a connection is."""
    left = opened_ms + life_ms - now_ms
    if left <= 0:
        return "over"
    return "warn" if left <= min(WARNING_MS, life_ms // 2) else "young"


def shutdown_event(now_ms: int) -> dict[str, Any]:
    """What is told before the server ends a connection; the WS API wraps it in `event`."""
    return {"e": "serverShutdown", "E": now_ms}
