"""`$TESTUDO_HOME`: everything one installation keeps: secrets, ports, data, logs, run.json."""

import base64
import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from testudo.stack import addresses

PORTS = range(10_000, 32_000)  # below 32768: above, the kernel hands ports out to anyone's client


class AlreadyRunning(Exception):
    """Another process runs the platform of this home."""


class CannotStart(Exception):
    """Why the platform cannot start, in one sentence with the way out."""


class Home:
    """The state of one installation. All files are written whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.path.mkdir(parents=True, exist_ok=True)
        self.logs = self.path / "logs"
        self.logs.mkdir(exist_ok=True)
        self._lock: int | None = None

    def lock(self) -> int:
        """Keep others out until this process ends, however it ends; returns the descriptor.

        The folder itself is locked, so no file is left behind. Children must close the
        descriptor, or they would hold the lock after us.

        Raises: AlreadyRunning.
        """
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise AlreadyRunning from None
        self._lock = descriptor
        return descriptor

    def secrets(self) -> dict[str, str]:
        """The secrets of this installation, made on first use, readable by the owner only."""
        path = self.path / addresses.SECRETS
        kept = json.loads(path.read_text()) if path.exists() else {}
        made = {
            "secret_key": secrets.token_urlsafe(48),
            "master_keys": "1:" + base64.b64encode(secrets.token_bytes(32)).decode(),
            "decision_keys": "1:" + base64.b64encode(secrets.token_bytes(32)).decode(),
            "database_password": secrets.token_urlsafe(24),
            "redis_password": secrets.token_urlsafe(24),
            "paper_admin_token": secrets.token_urlsafe(24),
            "demo_password": secrets.token_urlsafe(9),
            "admin_password": secrets.token_urlsafe(9),
        }
        if made.keys() - kept.keys():
            kept = {**made, **kept}
            self.write(addresses.SECRETS, kept)
        return kept

    def choose_ports(self, names: Iterable[str]) -> dict[str, int]:
        """A port for each name: last time's where it is still free, else a fresh free one."""
        path = self.path / addresses.PORTS
        before = json.loads(path.read_text()) if path.exists() else {}
        chosen: dict[str, int] = {}
        for name in names:
            port = before.get(name)
            if port is None or port in chosen.values() or not is_free(port):
                port = free_port(taken=[*chosen.values(), *before.values()])
            chosen[name] = port
        if chosen != before:
            self.write(addresses.PORTS, chosen)
        return chosen

    def read(self, name: str) -> dict[str, Any]:
        """A JSON file of this home; {} where it is absent or was cut short by a crash."""
        try:
            return json.loads((self.path / name).read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}

    def write(self, name: str, content: dict[str, Any]) -> None:
        """Replace a JSON file in one step; only the owner may read it."""
        fresh = self.path / f"{name}.new"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(content, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self.path / name)

    def remove(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of the loopback address now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port(*, taken: Iterable[int] = ()) -> int:
    """A free port below 32768. Raises: CannotStart, if a thousand tries found none."""
    avoid = set(taken)
    for _ in range(1000):
        # Never `random`: a process that seeded it walks the same ports as its like beside it.
        port = secrets.choice(PORTS)
        if port not in avoid and is_free(port):
            return port
    raise CannotStart(f"No free port between {PORTS.start} and {PORTS.stop}: close some programs.")
