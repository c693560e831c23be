"""The paper exchange as a real process, for tests of its wire and of its death."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import requests

from testudo.stack.home import free_port

ROOT = Path(__file__).resolve().parent.parent.parent


class PaperProcess:
    """`manage.py paper_exchange` as a child. It needs no database, so it is given none."""

    def __init__(self, state: Path, *arguments: str, port: int | None = None) -> None:
        self.state, self.port = state, port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        environment = os.environ | {
            "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
            "REDIS_URL": "redis://127.0.0.1:1/0",
            # An installation in this checkout has a token of its own: it is not this server's.
            "TESTUDO_HOME": str(state.parent),
            "TESTUDO_DOTENV": os.devnull,
        }
        command = [sys.executable, "manage.py", "paper_exchange", "--port", str(self.port)]
        self.child = subprocess.Popen(
            [*command, "--state", str(state), *arguments],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._told: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self.lines = self._read_until_ready()

    def _listen(self) -> None:
        """Read all the child says, so that a full pipe never stops it. Ends with a None."""
        assert self.child.stdout is not None
        for line in self.child.stdout:
            self._told.put(line.rstrip())
        self._told.put(None)

    def _read_until_ready(self, seconds: float = 40) -> list[str]:
        lines: list[str] = []
        deadline = time.monotonic() + seconds
        while True:
            try:
                line = self._told.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                self.child.kill()
                raise AssertionError(f"the paper exchange did not come up: {lines}")
            lines.append(line)
            if line.startswith("ready "):
                return lines

    @property
    def key(self) -> dict[str, Any]:
        """What --create-key printed."""
        return json.loads(self.lines[0])

    def admin(self, path: str, **body: Any) -> dict[str, Any]:
        """POST to the admin API, or GET where there is no body."""
        url = f"{self.url}/paper-admin/{path}"
        reply = requests.post(url, json=body, timeout=10) if body else requests.get(url, timeout=10)
        assert reply.ok, reply.text
        return reply.json()

    def kill(self) -> None:
        """SIGKILL, as the kernel would when memory is short."""
        self.child.kill()
        self.child.wait(10)

    def stop(self) -> int:
        """SIGTERM. Returns the exit code."""
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(15)

    def close(self) -> None:
        if self.child.poll() is None:
            self.kill()
