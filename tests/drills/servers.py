"""PostgreSQL and Valkey of a drill's own, durable as in production, on free ports."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from testudo.stack.home import Home
from testudo.stack.platform import ROOT, Platform, Wishes
from testudo.stack.supervise import Supervisor

MOST_SECONDS = 3 * 3600


def run_beside_servers(arguments: list[str]) -> int:
    """Run `python -m ARGUMENTS` with a migrated database and an empty cache in its environment.

    The parent only minds the servers: what they say must be read all the while, or they stop in
    the middle of it. Returns: the exit code.
    Raises: CalledProcessError, where the migrations fail; CannotStart; ChildDied.
    """
    folder = Path(tempfile.mkdtemp(prefix="testudo-drill-"))
    folder.chmod(0o755)  # the database's own user must pass
    for name in [*os.environ]:
        if name in ("DATABASE_URL", "REDIS_URL", "TESTUDO_LIVE", "PORT", "DEBUG") or (
            name.startswith("PAPER_")
        ):
            del os.environ[name]
    os.environ["TESTUDO_DOTENV"] = os.devnull
    os.environ["TESTUDO_HOME"] = str(folder)
    home = Home(folder)
    supervisor = Supervisor(home.logs, echo=False, stop_on_death=False)
    drill = None
    try:
        platform = Platform(home, supervisor, Wishes(processes=False))
        platform.start()
        again = _restarter(platform, supervisor)
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, check=True
        )
        drill = subprocess.Popen([sys.executable, "-m", *arguments], cwd=ROOT)
        supervisor.wait(
            lambda: again() or drill.poll() is not None,
            for_what="the drill to end",
            seconds=MOST_SECONDS,
        )
        return drill.returncode
    finally:
        if drill and drill.poll() is None:
            drill.kill()
            drill.wait()
        supervisor.stop()
        shutil.rmtree((folder / "postgres").resolve(), ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def _restarter(platform: Platform, supervisor: Supervisor) -> Callable[[], None]:
    """Starts a server again that a drill has killed, as a service manager would."""
    start = {"postgres": platform._start_postgres, "valkey": platform._start_valkey}
    ports = {
        "postgres": urlsplit(os.environ["DATABASE_URL"]).port or 0,
        "valkey": urlsplit(os.environ["REDIS_URL"]).port or 0,
    }

    def look() -> None:
        for name, port in ports.items():
            if name not in supervisor.children:
                start[name](port)
                platform.write_run("ready")  # its number, for who kills it again

    return look
