"""Starts, watches and stops every process of the platform from one parent.

The parent imports Django once and forks the rest. It never opens a database connection through
Django and never starts a thread, so that every fork starts clean; it may fork at any time.
"""

import contextlib
import os
import selectors
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from testudo.stack.children import Child, run_function, run_program
from testudo.stack.home import CannotStart

STOP_PYTHON = 4.0  # seconds for our own processes to finish what they do
STOP_SERVERS = 5.0  # seconds for PostgreSQL's shutdown checkpoint; all in all below 10
HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)


class Stopped(Exception):
    """Someone asked us to stop."""


class ChildDied(Exception):
    """A process that should run ended."""

    def __init__(self, child: Child) -> None:
        self.child = child
        code = child.returncode
        how = f"with exit code {code}" if code is None or code >= 0 else signal_name(-code)
        super().__init__(f"{child.name} ended {how}")


def signal_name(number: int) -> str:
    return f"by {signal.Signals(number).name}"


class Supervisor:
    """The children of this process and the loop that carries their output."""

    def __init__(self, logs: Path, *, echo: bool, stop_on_death: bool = True) -> None:
        self.logs, self.echo, self.stop_on_death = logs, echo, stop_on_death
        self.children: dict[str, Child] = {}
        self.servers: dict[str, signal.Signals] = {}  # stopped last, with the signal each wants
        self.started = time.monotonic()
        self.on_input: Callable[[str], None] | None = None
        self.private: list[int] = []  # descriptors no fork may keep
        self._stop: int | None = None
        self._selector = selectors.DefaultSelector()
        wake, self._wakeup = os.pipe()
        for end in (wake, self._wakeup):
            os.set_blocking(end, False)
        self._selector.register(wake, selectors.EVENT_READ, self._on_signals)
        self.private += [wake, self._wakeup, self._selector.fileno()]  # type: ignore[attr-defined]
        for number in HANDLED:
            signal.signal(number, lambda *_: None)  # the wake-up pipe carries its number
        signal.set_wakeup_fd(self._wakeup)

    # Starting ------------------------------------------------------------------------------

    def program(
        self, name: str, command: list[str], *, stop_with: signal.Signals, **popen: Any
    ) -> Child:
        """Start a server program; it is stopped after everything that uses it."""
        child = run_program(
            name, command, log=self.logs / f"{name}.log", death_signal=stop_with, **popen
        )
        self.servers[name] = stop_with
        return self._adopt(child)

    def fork(self, name: str, function: Callable[[Callable[[], None]], object]) -> Child:
        """Fork a process that runs `function`, which is given a way to say that it is ready."""
        if threading.active_count() > 1:
            raise RuntimeError(f"A thread is alive before the fork of {name}; see `threading`.")
        reading, writing = os.pipe()

        def run() -> object:
            def tell() -> None:
                nonlocal writing
                if writing >= 0:
                    os.write(writing, b"!")
                    os.close(writing)
                    writing = -1

            return function(tell)

        close = [*self.private, *(c.output for c in self.children.values()), reading]
        child = run_function(name, run, log=self.logs / f"{name}.log", close=close)
        os.close(writing)

        def on_told() -> None:
            child.is_ready = os.read(reading, 1) == b"!"  # empty where it died before
            self._selector.unregister(reading)
            os.close(reading)
            self.private.remove(reading)

        self.private.append(reading)
        self._selector.register(reading, selectors.EVENT_READ, on_told)
        return self._adopt(child)

    def once(self, name: str, function: Callable[[], object], *, seconds: float) -> None:
        """Fork, run `function` and wait for its end. Raises: CannotStart, if it failed."""
        child = self.fork(name, lambda tell: function())
        self.wait(lambda: child.poll() is not None, for_what=f"{name} to finish", seconds=seconds,
                  may_end=child)  # fmt: skip
        self.forget(child)
        if child.returncode:
            tail = "\n".join(child.tail)
            raise CannotStart(f"{name} failed:\n{tail}")

    def _adopt(self, child: Child) -> Child:
        self.children[child.name] = child

        def on_output() -> None:
            self._print(child)

        self._selector.register(child.output, selectors.EVENT_READ, on_output)
        return child

    # Watching ------------------------------------------------------------------------------

    def wait(
        self,
        until: Callable[[], bool],
        *,
        for_what: str,
        seconds: float,
        may_end: Child | None = None,
    ) -> None:
        """Carry output until `until()` holds.

        Raises: CannotStart after `seconds`; ChildDied, if another child than `may_end` does.
        """
        deadline = time.monotonic() + seconds
        while not until():
            if time.monotonic() > deadline:
                raise CannotStart(f"Waited {seconds:.0f} s for {for_what}; the logs: {self.logs}")
            self.pump(0.05, may_end=may_end)

    def pump(self, seconds: float, *, may_end: Child | None = None) -> None:
        """Handle what happens within `seconds`. Raises: Stopped, ChildDied."""
        for key, _ in self._selector.select(seconds):
            key.data()
        if self._stop is not None:
            raise Stopped
        for child in list(self.children.values()):
            if child.poll() is not None and child is not may_end:
                self.forget(child)
                if self.stop_on_death:
                    raise ChildDied(child)

    def watch_input(self, descriptor: int) -> None:
        """Give whole lines from `descriptor` to `on_input`; its end means stop.

        Raises: CannotStart, where nobody can speak through it: a file or /dev/null has no moment
        at which a line arrives, and the system refuses to watch it.
        """
        pending = b""

        def on_readable() -> None:
            nonlocal pending
            chunk = os.read(descriptor, 65536)
            if not chunk:
                self._stop = signal.SIGTERM
                self._selector.unregister(descriptor)
                return
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                if self.on_input:
                    self.on_input(line.decode())

        try:
            self._selector.register(descriptor, selectors.EVENT_READ, on_readable)
        except (PermissionError, ValueError) as error:  # no pipe or terminal; closed
            raise CannotStart(
                "its orders come line by line on standard input, and this one is closed, a file "
                "or /dev/null. Give it a pipe or a terminal."
            ) from error

    def _on_signals(self) -> None:
        wake = self.private[0]
        for number in os.read(wake, 512):
            if number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                if self._stop is not None:
                    for child in self.children.values():  # asked twice: at once
                        child.send(signal.SIGKILL)
                self._stop = number

    def _print(self, child: Child) -> None:
        for line in child.read():
            if self.echo and child.name not in self.servers and _concerns_a_person(line):
                print(f"{child.name:>15} | {line}", flush=True)

    def forget(self, child: Child) -> None:
        """Forget an ended child, and end what is left of its group."""
        self._selector.unregister(child.output)
        if child.returncode is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left
                os.killpg(child.pid, signal.SIGKILL)
        self._print(child)
        child.close()
        self.children.pop(child.name, None)
        self.servers.pop(child.name, None)

    # Stopping ------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop every child, servers last; whatever does not obey in time is killed."""
        self._stop = self._stop or signal.SIGTERM
        ours = [c for c in self.children.values() if c.name not in self.servers]
        self._end(ours, {c.name: signal.SIGTERM for c in ours}, STOP_PYTHON)
        servers = list(self.children.values())
        self._end(servers, self.servers, STOP_SERVERS)

    def stop_one(self, name: str, number: int = signal.SIGTERM) -> None:
        """Stop one child and wait for its end."""
        if child := self.children.get(name):
            self._end([child], {name: signal.Signals(number)}, STOP_PYTHON)

    def _end(
        self, children: Iterable[Child], signals: dict[str, signal.Signals], seconds: float
    ) -> None:
        left = list(children)
        for child in left:
            child.send(signals[child.name])
        deadline = time.monotonic() + seconds
        killed = False
        while left := [c for c in left if c.poll() is None]:
            if time.monotonic() > deadline and not killed:
                names = ", ".join(c.name for c in left)
                print(f"{names} did not stop in {seconds:.0f} s and is killed.", file=sys.stderr)
                for child in left:
                    child.send(signal.SIGKILL)
                killed = True
            for key, _ in self._selector.select(0.05):
                key.data()
        for child in [c for c in self.children.values() if c.returncode is not None]:
            self.forget(child)


def _concerns_a_person(line: str) -> bool:
    """Whether a line belongs on the console: warnings and errors do; all lines are in the logs."""
    routine = '"level": "info"' in line or '"level": "debug"' in line
    return bool(line.strip()) and not routine and not line.startswith(("worker:", "ready http"))
