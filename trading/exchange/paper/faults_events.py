"""What event faults do to user data events: twice, shuffled, late, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from trading.exchange.paper.faults import Fault, Faults

UserEvent = tuple[int, dict[str, Any]]  # (account, event)
BATCH, BATCH_SECONDS = 200, 0.01
Deliver = Callable[[Sequence[UserEvent]], None]


class EventFaults:
    """Stands between the exchange's events and the sockets while a fault is armed."""

    def __init__(self, faults: Faults, deliver: Deliver, now_ms: Callable[[], int]) -> None:
        self._faults, self._deliver, self._now_ms = faults, deliver, now_ms

    def send(self, events: Sequence[UserEvent]) -> None:
        """Deliver events as the armed faults have it. What is held back keeps its own order."""
        now: list[UserEvent] = []
        for event in events:
            now += self._one(event)
        if now:
            self._deliver(now)

    def release(self, fault: Fault) -> None:
        """A fault is over: what it still holds goes out at once."""
        held = fault.state.pop("held", [])
        if held:
            self._deliver(held)

    def _one(self, event: UserEvent) -> list[UserEvent]:
        fault = self._faults.strike(
            "events", self._now_ms(), account=event[0], path=str(event[1].get("e"))
        )
        if fault is None:
            return [event]
        match fault.kind.name:
            case "duplicate-events":
                return [event] * int(fault.number("copies"))
            case "burst-events":
                self._burst(event, int(fault.number("count")))
            case "reorder-events":
                self._hold(fault, event, shuffled=True)
            case "delay-events":
                self._hold(fault, event, shuffled=False)
        return []  # held back, in a burst, or a silent socket

    def _burst(self, event: UserEvent, count: int) -> None:
        """So many at once as a socket takes, every few milliseconds: a slow reader falls behind."""
        loop = asyncio.get_running_loop()
        for number, start in enumerate(range(0, count, BATCH)):
            part = [event] * min(BATCH, count - start)
            loop.call_later(number * BATCH_SECONDS, self._deliver, part)

    def _hold(self, fault: Fault, event: UserEvent, *, shuffled: bool) -> None:
        held: list[UserEvent] = fault.state.setdefault("held", [])
        held.append(event)
        if len(held) > 1 and shuffled:
            return  # the first one of a batch has set the clock
        loop, seconds = asyncio.get_running_loop(), fault.number("seconds")
        loop.call_later(seconds, self._let_go, fault, shuffled)

    def _let_go(self, fault: Fault, shuffled: bool) -> None:
        held: list[UserEvent] = fault.state.get("held", [])
        if not held:
            return
        if shuffled:
            out, fault.state["held"] = held, []
            self._faults.shuffle(out)
        else:
            out = [held.pop(0)]
        self._deliver(out)
