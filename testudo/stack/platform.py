"""Brings the whole platform up: servers, schema, demo data, processes; and says how far it is."""

import hashlib
import os
import signal
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import environ

from testudo.stack import addresses, processes, tuning
from testudo.stack.home import CannotStart, Home, is_free
from testudo.stack.postgres import Postgres, as_user
from testudo.stack.supervise import Supervisor
from testudo.stack.valkey import Valkey

ROOT = Path(__file__).resolve().parent.parent.parent
DEFAULT_PORT = 8000


@dataclass(frozen=True, slots=True)
class Wishes:
    """How this run differs from the newcomer's."""

    durable: bool = True  # False: PostgreSQL may lose data in a crash, for tests
    seed: bool = True  # demo accounts and past trades, where the database is fresh
    processes: bool = True  # False: only the servers


class Platform:
    """One installation, started by this process."""

    def __init__(self, home: Home, supervisor: Supervisor, wishes: Wishes) -> None:
        self.home, self.supervisor, self.wishes = home, supervisor, wishes
        self.secrets = home.secrets()
        self.table: dict[str, processes.Process] = {}

    def start(self) -> None:
        """Everything, in the order of dependence. Raises: CannotStart, ChildDied, Stopped."""
        embedded_database = "DATABASE_URL" not in os.environ
        embedded_redis = "REDIS_URL" not in os.environ
        embedded_paper = "PAPER_REST_URL" not in os.environ
        wanted = {
            "postgres": embedded_database,
            "valkey": embedded_redis,
            "paper": embedded_paper and self.wishes.processes,
            "web": self.wishes.processes and self._needs_another_web_port(),
        }
        ports = self.home.choose_ports(name for name, needed in wanted.items() if needed)
        os.environ.setdefault("PORT", str(ports.get("web", DEFAULT_PORT)))
        postgres = self._start_postgres(ports["postgres"]) if embedded_database else None
        valkey = self._start_valkey(ports["valkey"]) if embedded_redis else None
        os.environ["TESTUDO_HOME"] = str(self.home.path)
        for name, value in addresses.environment(self.secrets, ports).items():
            os.environ.setdefault(name, value)
        self.write_run("starting")
        if self.wishes.processes:
            self._load_django()
        if postgres:
            self.supervisor.wait(postgres.ready, for_what="PostgreSQL", seconds=60)
            self._undo_half_a_seed(postgres)
            postgres.create_database("testudo")
            self.say("PostgreSQL answers")
        if valkey:
            self.supervisor.wait(valkey.ready, for_what="Valkey", seconds=20)
            self.say("Valkey answers")
        if not self.wishes.processes:
            self.write_run("ready")
            return
        self._migrate(external=not embedded_database)
        self._seed(external=not embedded_database)
        tuning.settle()
        plan = processes.Plan(
            home=self.home.path,
            port=int(os.environ["PORT"]),
            host=os.environ.get("TESTUDO_HOST", "127.0.0.1"),
            environment=os.environ,
            embedded_paper=embedded_paper,
            paper_state=self._paper_state,
        )
        self.table = {process.name: process for process in processes.table(plan)}
        self._start_processes()
        self.write_run("ready")

    @property
    def web_url(self) -> str:
        return f"http://127.0.0.1:{os.environ['PORT']}/"

    def _needs_another_web_port(self) -> bool:
        """The default port gives way to a neighbour; a port that was asked for does not."""
        asked = os.environ.get("PORT")
        if asked is None:
            if is_free(DEFAULT_PORT):
                return False
            self.say(f"port {DEFAULT_PORT} is taken, another is chosen; PORT sets it")
            return True
        if not asked.isdigit() or not 0 < int(asked) < 65536:
            raise CannotStart(f"PORT is {asked!r}: set it to a number from 1 to 65535.")
        if not is_free(int(asked)):
            raise CannotStart(f"Port {asked} is taken: stop what uses it, or set another PORT.")
        return False

    def start_one(self, name: str) -> None:
        """Start one process of the table, without waiting for it."""
        self.supervisor.fork(name, self.table[name].start)

    def is_ready(self, name: str) -> bool:
        child, probe = self.supervisor.children.get(name), self.table[name].probe
        if child is None:
            return False
        if not child.is_ready and probe is not None:
            child.is_ready = probe()
        return child.is_ready

    def say(self, text: str) -> None:
        """One line of progress, with the seconds since the start."""
        elapsed = time.monotonic() - self.supervisor.started
        print(f"[{elapsed:5.1f} s] {text}", file=sys.stderr, flush=True)

    def write_run(self, state: str) -> None:
        """run.json: all addresses and process ids, no secrets."""
        servers = {
            name.lower().removesuffix("_url"): _without_secrets(os.environ[name])
            for name in (
                "DATABASE_URL", "REDIS_URL", "PAPER_REST_URL", "PAPER_WS_API_URL",
                "PAPER_STREAM_URL", "PAPER_ADMIN_URL",
            )
            if name in os.environ
        }  # fmt: skip
        pids = {name: child.pid for name, child in self.supervisor.children.items()}
        self.home.write(
            "run.json",
            {
                "state": state,
                "web": self.web_url,
                "addresses": servers,
                "pids": {"supervisor": os.getpid(), **pids},
                "checkout": str(ROOT),
                "home": str(self.home.path),
                "logs": str(self.home.logs),
                "written_at": datetime.now(UTC).isoformat(),
            },
        )

    def _start_postgres(self, port: int) -> Postgres:
        self.say("starting PostgreSQL")
        server = Postgres(
            self.home,
            port=port,
            password=self.secrets["database_password"],
            durable=self.wishes.durable,
        )
        if server.prepare():
            self.home.remove("migrated.json")
            self.home.remove("seeded.json")
        # SIGINT: a fast, orderly shutdown; also when this process is killed.
        self.supervisor.program(
            "postgres", server.command(), stop_with=signal.SIGINT, **as_user(server.user)
        )
        return server

    def _start_valkey(self, port: int) -> Valkey:
        self.say("starting Valkey")
        server = Valkey(self.home, port=port, password=self.secrets["redis_password"])
        server.prepare()
        self.supervisor.program(
            "valkey", server.command(), stop_with=signal.SIGTERM, cwd=server.folder
        )
        return server

    def _load_django(self) -> None:
        self.say("loading the application")
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "testudo.settings")
        import django
        from django.core.checks import ERROR, run_checks

        django.setup()
        processes.warm_up()
        if errors := [found for found in run_checks() if found.level >= ERROR]:
            raise CannotStart("\n".join(str(error) for error in errors))

    def _migrate(self, *, external: bool) -> None:
        wanted = _migrations_hash()
        if not external and self.home.read("migrated.json").get("migrations") == wanted:
            return
        self.say("migrating the database")
        self.supervisor.once("migrate", _migrate, seconds=600)
        if not external:
            self.home.write("migrated.json", {"migrations": wanted})

    def _seed(self, *, external: bool) -> None:
        from django.conf import settings

        if settings.LIVE or not self.wishes.seed or self.home.read("seeded.json"):
            return
        self.say("seeding the demo trader and a journal of past paper trades")
        os.environ["DEMO_PASSWORD"] = self.secrets["demo_password"]
        os.environ["ADMIN_PASSWORD"] = self.secrets["admin_password"]
        work = partial(_seed, only_fresh=external, paper_state=self._paper_state)
        self.home.write("seeding.json", {"since": datetime.now(UTC).isoformat()})
        self.supervisor.once("seed", work, seconds=300)
        self.home.write("seeded.json", {"at": datetime.now(UTC).isoformat()})
        self.home.remove("seeding.json")
        del os.environ["DEMO_PASSWORD"], os.environ["ADMIN_PASSWORD"]

    def _undo_half_a_seed(self, postgres: Postgres) -> None:
        """Begin anew after a seeding that was cut short: no one has used that database yet."""
        if self.home.read("seeding.json") and not self.home.read("seeded.json"):
            self.say("the last seeding was cut short; beginning anew")
            postgres.drop_database("testudo")
            for path in self.home.path.glob(f"{self._paper_state.name}*"):
                path.unlink()
            self.home.remove("migrated.json")
        self.home.remove("seeding.json")

    @property
    def _paper_state(self) -> Path:
        return self.home.path / "paper.sqlite3"

    def _start_processes(self) -> None:
        started: set[str] = set()
        shown: set[str] = set()

        def all_ready() -> bool:
            for name, process in self.table.items():
                if name not in started and all(self.is_ready(other) for other in process.after
                                               if other in self.table):  # fmt: skip
                    started.add(name)
                    self.start_one(name)
                if name in started and name not in shown and self.is_ready(name):
                    shown.add(name)
                    self.say(f"{name} is ready")
            return len(shown) == len(self.table)

        self.supervisor.wait(all_ready, for_what="every process to be ready", seconds=90)


def read_environment() -> Path:
    """Read .env, and return where this installation keeps its state."""
    environ.Env.read_env(os.environ.get("TESTUDO_DOTENV", ROOT / ".env"))
    return Path(os.environ.get("TESTUDO_HOME") or ROOT / "var")


def _migrate() -> None:
    from django.core.management import call_command
    from django.db import connections

    # An index on a large table takes longer than any request may.
    connections.databases["default"]["OPTIONS"]["options"] += " -c statement_timeout=0"
    call_command("migrate", interactive=False, verbosity=1)


def _seed(*, only_fresh: bool, paper_state: Path) -> None:
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    if only_fresh and get_user_model().objects.exists():
        print("the database already has users: not seeded")
        return
    call_command("ensure_user", "demo", "--password-env", "DEMO_PASSWORD")
    call_command("ensure_user", "admin", "--role", "admin", "--password-env", "ADMIN_PASSWORD")
    call_command("seed_demo", "--state", str(paper_state))


def _migrations_hash() -> str:
    """Changes when a migration of ours does, or any package."""
    total = hashlib.sha256()
    files = [*ROOT.glob("*/migrations/*.py"), *ROOT.glob("testudo/*/migrations/*.py")]
    for path in [*sorted(files), ROOT / "requirements.txt"]:
        total.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return total.hexdigest()


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    port = f":{parts.port}" if parts.port else ""
    return parts._replace(netloc=f"{user}{parts.hostname}{port}", query="").geturl()
