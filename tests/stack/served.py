"""The embedded servers alone, as a child of the test."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg2

ROOT = Path(__file__).resolve().parent.parent.parent
OURS = ("DATABASE_URL", "REDIS_URL", "PORT", "SECRET_KEY", "MASTER_KEYS", "DECISION_KEYS")


def environment(home: Path, **more: str) -> dict[str, str]:
    """The machine's environment without what the test run itself set."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in OURS and not name.startswith("PAPER_")
    }
    return {**kept, "TESTUDO_HOME": str(home), "TESTUDO_DOTENV": os.devnull, **more}


class Served:
    """`serve --servers-only` in `home`; ready when made."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.process = subprocess.Popen(
            [sys.executable, "-m", "testudo.stack", "serve", "--servers-only"],
            cwd=ROOT, env=environment(home), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        line = self.process.stdout.readline()
        assert line == '{"ready": true}\n', line + self.process.stderr.read()
        self.run_text = (home / "run.json").read_text()
        self.run = json.loads(self.run_text)
        self.pids = dict(self.run["pids"])
        self.secrets = json.loads((home / "secrets.json").read_text())

    def sql(self, statement: str) -> list[tuple]:
        port = json.loads((self.home / "ports.json").read_text())["postgres"]
        connection = psycopg2.connect(
            host="127.0.0.1", port=port, user="testudo", dbname="testudo", connect_timeout=3,
            password=self.secrets["database_password"],
        )  # fmt: skip
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def family(self) -> set[int]:
        """Every process of this stack: the supervisor, its children and theirs."""
        return {self.process.pid} | descendants(self.process.pid)

    def signal(self, number: signal.Signals) -> float:
        """Signal the supervisor and wait for its end; the seconds it took."""
        begun = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(20)
        self.close_pipes()
        return time.monotonic() - begun

    def stop(self) -> int:
        self.process.stdin.close()
        code = self.process.wait(20)
        self.close_pipes()
        return code

    def close_pipes(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            pipe.close()


def descendants(pid: int) -> set[int]:
    """The process ids below `pid`, from /proc."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, look = set(), [pid]
    while look:
        for child in children.get(look.pop(), []):
            found.add(child)
            look.append(child)
    return found


def wait_until_gone(pids: set[int], *, seconds: float) -> set[int]:
    """Those that still run after at most `seconds`; zombies count as gone."""
    deadline = time.monotonic() + seconds
    while (left := {pid for pid in pids if runs(pid)}) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
