"""The long-running processes of the platform (DESIGN section 4), as data.

Each runs in a fork of a parent that has imported Django once. `start` is what the fork does; it is
called with a function that tells the parent it is ready, where the process itself knows best.
"""

import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

Tell = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Process:
    """One process: its name, what it runs, and how to see that it is ready."""

    name: str
    start: Callable[[Tell], object]
    probe: Callable[[], bool] | None = None  # None: it tells by itself
    after: tuple[str, ...] = ()  # processes that must be ready first


@dataclass(frozen=True, slots=True)
class Plan:
    """What the processes need to know of this installation."""

    home: Path
    port: int
    host: str
    environment: Mapping[str, str]
    embedded_paper: bool
    paper_state: Path

    @property
    def web_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


COMMANDS = ("paper_exchange", "stream_market", "stream_accounts", "guard", "drop_copy")


def table(plan: Plan) -> list[Process]:
    """Every process of this installation, in the order they start."""
    paper = urlsplit(plan.environment["PAPER_REST_URL"])
    listed = [
        Process("stream_market", command("stream_market", "--venue", "paper"), after=("paper",)),
        Process("stream_accounts", command("stream_accounts"), after=("paper",)),
        Process("guard", command("guard"), after=("paper",)),
        Process("drop_copy", command("drop_copy"), after=("paper",)),
        # Separate processes, so that no entry, mail or statistic delays a stop (R24).
        Process("protective", worker("protective", "protective", threads=4)),
        Process("orders", worker("orders", "orders", threads=4)),
        Process("bulk", worker("bulk", "events,bulk", threads=2)),
        Process("beat", beat(plan.home / "beat")),
        Process("web", web(plan.host, plan.port), probe=answers(f"{plan.web_url}/readyz")),
    ]
    if plan.embedded_paper:
        arguments = ["--host", "127.0.0.1", "--port", str(paper.port), "--feed", "synthetic"]
        arguments += ["--state", str(plan.paper_state)]
        if watched := plan.environment.get("WATCHED_SYMBOLS"):
            arguments += ["--symbols", watched]
        probe = answers(f"http://127.0.0.1:{paper.port}/api/v3/ping")
        listed.insert(0, Process("paper", command("paper_exchange", *arguments), probe=probe))
    return listed


def warm_up() -> None:
    """Import, once and in the parent, what the forks would each import again."""
    import celery.bin.celery
    import celery.worker.consumer  # noqa: F401
    import daphne.cli  # noqa: F401
    from celery.app import trace  # noqa: F401
    from django.core.management import get_commands, load_command_class
    from django.urls import get_resolver

    import testudo.asgi  # noqa: F401
    from testudo.celery import app

    for name, owner in get_commands().items():
        if name in COMMANDS:
            load_command_class(owner, name)
    app.loader.import_default_modules()
    app.finalize()
    get_resolver().url_patterns  # noqa: B018  imports every view


def command(name: str, *arguments: str) -> Callable[[Tell], object]:
    """A management command; it counts as ready once it runs, and its death stops all."""

    def start(tell: Tell) -> object:
        from django.core.management import call_command

        tell()
        return call_command(name, *arguments)

    return start


def worker(name: str, queues: str, *, threads: int) -> Callable[[Tell], object]:
    """A Celery worker in threads: its work waits for PostgreSQL and the exchange, not a core."""

    def start(tell: Tell) -> object:
        from celery.exceptions import SecurityWarning
        from celery.signals import worker_ready

        from testudo.celery import app

        warnings.simplefilter("ignore", SecurityWarning)  # root in a container is the usual case
        worker_ready.connect(lambda **_: tell(), weak=False)
        return app.start(
            [
                "--quiet", "worker", "--hostname", f"{name}@%h", "--queues", queues,
                "--pool", "threads", "--concurrency", str(threads), "--loglevel", "INFO",
                "--without-gossip", "--without-mingle",
            ]
        )  # fmt: skip

    return start


def beat(folder: Path) -> Callable[[Tell], object]:
    """Celery's clock: it only sends messages; a lost one is found by the guard."""

    def start(tell: Tell) -> object:
        from testudo.celery import app

        folder.mkdir(exist_ok=True)
        tell()
        schedule = str(folder / "schedule")
        return app.start(["--quiet", "beat", "--schedule", schedule, "--loglevel", "INFO"])

    return start


def web(host: str, port: int) -> Callable[[Tell], object]:
    """The ASGI server: daphne, or uvicorn where TESTUDO_SERVER says so."""

    def start(tell: Tell) -> object:
        if os.environ.get("TESTUDO_SERVER", "daphne") == "uvicorn":
            import uvicorn

            return uvicorn.run(
                "testudo.asgi:application", host=host, port=port, log_level="warning"
            )
        from daphne.cli import CommandLineInterface

        return CommandLineInterface().run(
            ["--bind", host, "--port", str(port), "--verbosity", "0", "--no-server-name",
             "testudo.asgi:application"]
        )  # fmt: skip

    return start


def answers(url: str) -> Callable[[], bool]:
    """A probe: whether `url`, an address of this machine, answers 200 within two seconds."""
    parts = urlsplit(url)

    def probe() -> bool:
        link = HTTPConnection(parts.hostname or "", parts.port, timeout=2)
        try:
            link.request("GET", parts.path)
            return link.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            link.close()

    return probe
