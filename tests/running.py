"""The real platform under a test's control: every process, its own ports, its own state."""

import json
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import requests

from testudo.stack.home import free_port

ROOT = Path(__file__).resolve().parent.parent
TROUBLE = re.compile(r"warning|error|critical|exception|traceback", re.IGNORECASE)
MOST_LINES = 60  # of one process, shown beside a failed test


class PaperAdmin:
    """The paper exchange's own door: accounts, deposits, the market, its connections."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.http = requests.Session()
        self.http.headers["X-Paper-Admin-Token"] = token

    def open_account(self, **balances: str) -> dict[str, Any]:
        """A fresh account: {"account", "key", "secret"}."""
        return self._post("accounts", {"balances": balances})

    def deposit(self, *, key: str, asset: str, amount: str) -> dict[str, Any]:
        return self._post("deposit", {"key": key, "asset": asset, "amount": amount})

    def move(self, symbol: str, price: str, *, over_ms: int = 500) -> dict[str, Any]:
        """Walk the market to `price` within `over_ms`."""
        return self._post("move", {"symbol": symbol, "price": price, "over_ms": over_ms})

    def drop_connections(self, kind: str = "all") -> dict[str, Any]:
        """Close WebSockets from the exchange's side: "user", "market" or "all"."""
        return self._post("drop-connections", {"kind": kind})

    def arm(self, fault: str) -> dict[str, Any]:
        """Arm one fault, `NAME:option=value`; it is spent after its strikes."""
        return self._post("faults", {"fault": fault})

    def state(self) -> dict[str, Any]:
        return self._checked(self.http.get(f"{self.url}/state", timeout=10))

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._checked(self.http.post(f"{self.url}/{path}", json=body, timeout=10))

    @staticmethod
    def _checked(reply: requests.Response) -> dict[str, Any]:
        assert reply.ok, f"{reply.request.method} {reply.url}: {reply.status_code} {reply.text}"
        return reply.json()


class RunningStack:
    """`python -m testudo.stack serve` as a child; see its module for the orders it takes."""

    def __init__(self, folder: Path, environment: dict[str, str], *, seed: bool = False) -> None:
        self.home = folder
        self.environment = {
            # Its own Valkey too: what is published there reaches every database of a server.
            **{k: v for k, v in os.environ.items() if not k.startswith(("PAPER_", "REDIS_URL"))},
            "TESTUDO_HOME": str(folder),
            "TESTUDO_DOTENV": os.devnull,
            "PORT": str(free_port()),
            **environment,
        }
        self.url = f"http://127.0.0.1:{self.environment['PORT']}"
        self._errors = open(folder / "stack.log", "w+")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", "testudo.stack", "serve", *([] if seed else ["--no-seed"])],
            cwd=ROOT, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._errors, process_group=0,
        )  # fmt: skip
        os.set_blocking(self._process.stdout.fileno(), False)
        self._received = b""
        self._marks: dict[Path, int] = {}
        self._answer(seconds=150)

    @property
    def run(self) -> dict[str, Any]:
        """run.json as it stands now."""
        return json.loads((self.home / "run.json").read_text())

    @property
    def paper(self) -> PaperAdmin:
        secrets = json.loads((self.home / "secrets.json").read_text())
        return PaperAdmin(self.run["addresses"]["paper_admin"], secrets["paper_admin_token"])

    def pid(self, name: str) -> int:
        return self.run["pids"][name]

    def kill(self, name: str) -> None:
        """SIGKILL one process and wait until it is gone."""
        self._order(f"stop {name} SIGKILL")

    def stop(self, name: str, number: str = "SIGTERM") -> None:
        self._order(f"stop {name} {number}")

    def start(self, name: str, **settings: str) -> int:
        """Start one process with more environment, e.g. TESTUDO_FAILPOINTS; its process id."""
        words = " ".join(f"{key}={value}" for key, value in settings.items())
        return self._order(f"start {name} {words}")["pid"]

    def restart(self, name: str, **settings: str) -> int:
        self.kill(name)
        return self.start(name, **settings)

    def alive(self, name: str) -> bool:
        """Whether the process runs; false once it died, by a failpoint for example."""
        try:
            os.kill(self.pid(name), 0)
        except ProcessLookupError:
            return False
        return f"{self._process.pid}" in _parents(self.pid(name))

    def python(self, code: str) -> list[str]:
        """Run Python in a fork that has the platform's Django loaded; the lines it printed.

        Raises: AssertionError with the traceback, if it failed.
        """
        answer = self._order(f"exec {json.dumps(code)}")
        assert answer["ok"], "\n".join(answer["output"])
        return answer["output"]

    def manage(self, *arguments: str) -> list[str]:
        """A management command in such a fork; the lines it printed."""
        return self.python(
            f"from django.core.management import call_command; call_command(*{arguments!r})"
        )

    def log(self, name: str) -> str:
        return (self.home / "logs" / f"{name}.log").read_text()

    def mark_logs(self) -> None:
        """Remember where the logs end now."""
        self._marks = {path: path.stat().st_size for path in (self.home / "logs").iterdir()}

    def warnings(self) -> str:
        """What the processes logged since the mark, from the first line that tells of trouble."""
        said = []
        for path in sorted((self.home / "logs").iterdir()):
            with open(path, errors="replace") as log:
                log.seek(self._marks.get(path, 0))
                lines = log.read().splitlines()
            first = next((n for n, line in enumerate(lines) if TROUBLE.search(line)), len(lines))
            said += [f"{path.stem}: {line}" for line in lines[first:][:MOST_LINES]]
        return "\n".join(said)

    def close(self) -> None:
        """Stop everything."""
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(5)
            raise
        finally:
            self._process.stdout.close()
            self._errors.close()

    def _order(self, line: str) -> dict[str, Any]:
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()
        answer = self._answer(seconds=90)
        assert "error" not in answer, answer["error"]
        return answer

    def _answer(self, *, seconds: float) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._received:
                left = deadline - time.monotonic()
                ready = left > 0 and selector.select(left)
                chunk = os.read(self._process.stdout.fileno(), 65536) if ready else b""
                if not chunk:
                    self._errors.seek(0)
                    raise RuntimeError(
                        f"The stack {'ended' if ready else 'is silent'}:\n{self._errors.read()}"
                    )
                self._received += chunk
        line, self._received = self._received.split(b"\n", 1)
        return json.loads(line)


def fresh_database(name: str) -> str:
    """Create (again) a database beside the tests' own, from the template if there is one."""
    url = urlsplit(os.environ["DATABASE_URL"])
    template = os.environ.get("TEST_DATABASE_TEMPLATE")
    connection = psycopg2.connect(url._replace(path="/postgres").geturl(), connect_timeout=3)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        suffix = f' TEMPLATE "{template}"' if template else ""
        cursor.execute(f'CREATE DATABASE "{name}"{suffix}')
    connection.close()
    return url._replace(path=f"/{name}").geturl()


def _parents(pid: int) -> str:
    """The process id of the parent of `pid`, from /proc; empty for a zombie or none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except FileNotFoundError:
        return ""
    return "" if fields[0] == "Z" else fields[1]
