"""`bin/test`: servers of its own in a throw-away folder, a migrated template database, pytest.

DATABASE_URL and REDIS_URL are respected where the environment gives them (CI against TimescaleDB);
`.env` is not read, so that no test reaches a real service by accident.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2

from testudo.stack import chromium
from testudo.stack.children import adopt_orphans, orphans
from testudo.stack.home import CannotStart, Home, free_port
from testudo.stack.platform import ROOT, Platform, Wishes
from testudo.stack.supervise import ChildDied, Stopped, Supervisor
from testudo.stack.valkey import Valkey

TEMPLATE = "testudo_template"  # migrated once; every test worker copies it


def main(arguments: list[str]) -> int:
    """Run pytest with `arguments`; returns its exit code."""
    if "--mutants" in arguments:  # pure arithmetic: no server is needed
        rest = [each for each in arguments if each != "--mutants"]
        command = [sys.executable, "-m", "tests.mutants", *rest]
        return subprocess.run(command, cwd=ROOT, check=False).returncode
    folder = Path(tempfile.mkdtemp(prefix="testudo-test-"))
    folder.chmod(0o755)  # the database's own user must pass
    os.environ["TESTUDO_DOTENV"] = os.devnull
    os.environ["TESTUDO_HOME"] = str(folder)
    if "--full" in arguments:
        os.environ.setdefault("HYPOTHESIS_PROFILE", "full")  # see tests/conftest.py
    for name in [*os.environ]:
        if name in ("TESTUDO_LIVE", "SENTRY_DSN", "PORT") or name.startswith("PAPER_"):
            del os.environ[name]
    home = Home(folder)
    supervisor = Supervisor(home.logs, echo=False)
    adopt_orphans()
    pytest = None
    try:
        platform = Platform(home, supervisor, Wishes(durable=False, processes=False))
        platform.start()
        options = _options(arguments)
        _start_redis(platform, count=_workers(options))
        _make_template()
        _leave_only_what_tests_need(folder)
        if browser := chromium.find(ROOT / "var" / "chromium"):
            os.environ["CHROMIUM"] = browser
        pytest = subprocess.Popen([sys.executable, "-m", "pytest", *_options(arguments)], cwd=ROOT)
        supervisor.wait(
            lambda: pytest.poll() is not None, for_what="the tests to finish", seconds=6 * 3600
        )
        return pytest.returncode
    except Stopped:
        return 130
    except (ChildDied, CannotStart) as reason:
        print(f"The tests cannot go on: {reason}", file=sys.stderr)
        return 1
    finally:
        if pytest and pytest.poll() is None:
            pytest.terminate()
            try:
                pytest.wait(5)
            except subprocess.TimeoutExpired:
                pytest.kill()
        _end_orphans(supervisor)
        supervisor.stop()
        shutil.rmtree((folder / "postgres").resolve(), ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def _end_orphans(supervisor: Supervisor) -> None:
    """Kill what failed tests left running, and what those left in turn."""
    known = {child.pid for child in supervisor.children.values()}
    while left := orphans(known=known):
        for pid in left:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _options(arguments: list[str]) -> list[str]:
    """Ours, then the caller's: two workers, slow tests only with --full."""
    rest = [each for each in arguments if each != "--full"]
    options = ["-p", "tests.isolation"]
    if not any(each == "-n" or each.startswith("-n") for each in rest):
        options += ["-n", os.environ.get("TEST_WORKERS", "2"), "--dist", "loadgroup"]
    if "--full" not in arguments and not any(each.startswith("-m") for each in rest):
        options += ["-m", "not slow"]
    return options + rest


def _workers(options: list[str]) -> int:
    """How many workers pytest will start, as far as its options say so in digits."""
    text = " ".join(options)
    found = re.search(r"(?:^|\s)-n\s*(\d+)", text)
    return max(1, int(found[1])) if found else os.cpu_count() or 2


def _start_redis(platform: Platform, *, count: int) -> None:
    """One server for each worker; `tests/isolation.py` shares them out."""
    names = [f"valkey-{number}" for number in range(count)]
    servers = []
    for name in names:
        server = Valkey(
            platform.home, port=free_port(), password=platform.secrets["redis_password"], name=name
        )
        server.prepare()
        platform.supervisor.program(
            name, server.command(), stop_with=signal.SIGTERM, cwd=server.folder
        )
        servers.append(server)
    for server in servers:
        platform.supervisor.wait(server.ready, for_what="Valkey", seconds=20)
    os.environ["TEST_REDIS_URLS"] = " ".join(server.url for server in servers)


def _leave_only_what_tests_need(folder: Path) -> None:
    """Tests start servers of their own: they must not inherit where ours are or their secrets."""
    for name in [*os.environ]:
        if name == "PORT" or name.startswith("PAPER_"):
            del os.environ[name]
    state = folder / "state"
    state.mkdir()
    os.environ["TESTUDO_HOME"] = str(state)


def _make_template() -> None:
    url = urlsplit(os.environ["DATABASE_URL"])
    connection = psycopg2.connect(url._replace(path="/postgres").geturl(), connect_timeout=3)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{TEMPLATE}"')
        cursor.execute(f'CREATE DATABASE "{TEMPLATE}"')
    connection.close()
    target = {"DATABASE_URL": url._replace(path=f"/{TEMPLATE}").geturl()}
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT, env=os.environ | target, check=False,
    )  # fmt: skip
    if done.returncode:
        raise CannotStart("the migrations fail on an empty database (message above)")
    os.environ["TEST_DATABASE_TEMPLATE"] = TEMPLATE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
