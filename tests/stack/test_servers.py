"""The embedded servers: where they live, what survives, what never leaks, who may run."""

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack.served import ROOT, Served, environment, wait_until_gone
from testudo.stack.home import Home, free_port
from testudo.stack.postgres import OUTSIDE

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes user")


@pytest.fixture
def home(tmp_path: Path):
    """A home whose path holds a space, reachable by every user, as a checkout under /srv is."""
    for folder in [tmp_path, *tmp_path.parents][:3]:
        folder.chmod(0o755)
    path = tmp_path / "a home with spaces"
    yield path
    outside = path / "postgres"
    if outside.is_symlink():
        shutil.rmtree(outside.resolve())


def test_they_start_in_a_path_with_a_space_and_stop_leaving_nobody(home):
    served = Served(home)
    family = served.family()
    assert len(family) > 3
    assert served.sql("SELECT 1") == [(1,)]
    assert served.stop() == 0
    assert wait_until_gone(family, seconds=1) == set()
    assert not (home / "run.json").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_everyone_within_ten_seconds(home, number):
    served = Served(home)
    family = served.family()
    assert served.signal(number) < 10
    assert served.process.returncode == 0
    assert wait_until_gone(family, seconds=1) == set()


def test_killing_the_supervisor_leaves_nobody_and_loses_nothing(home):
    served = Served(home)
    served.sql("CREATE TABLE kept AS SELECT 7 AS n")
    family = served.family()
    served.signal(signal.SIGKILL)
    assert wait_until_gone(family, seconds=8) == set()
    again = Served(home)
    assert again.sql("SELECT n FROM kept") == [(7,)]
    again.stop()


def test_killing_everyone_at_once_loses_nothing_that_was_committed(home):
    served = Served(home)
    served.sql("CREATE TABLE kept AS SELECT 7 AS n")
    for pid in served.family():
        with contextlib.suppress(ProcessLookupError):  # its parent's death was quicker
            os.kill(pid, signal.SIGKILL)
    served.process.wait(5)
    served.close_pipes()
    assert (home / "postgres" / "data" / "postmaster.pid").exists()
    again = Served(home)
    assert again.sql("SELECT n FROM kept") == [(7,)]
    again.stop()


def test_a_server_left_over_is_stopped_before_another_starts_on_its_data(home):
    served = Served(home)
    postgres = served.pids["postgres"]
    # Stopped, it cannot obey the signal that its supervisor's death sends.
    os.kill(postgres, signal.SIGSTOP)
    served.signal(signal.SIGKILL)
    os.kill(postgres, signal.SIGCONT)
    again = Served(home)
    assert wait_until_gone({postgres}, seconds=1) == set()
    assert again.sql("SELECT 1") == [(1,)]
    again.stop()


def test_a_second_start_says_that_it_runs_and_where(home):
    served = Served(home)
    second = subprocess.run(
        [sys.executable, "-m", "testudo.stack", "run"],
        cwd=ROOT, env=environment(home), capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert second.returncode == 1
    assert f"already runs: {served.run['web']} (process {served.process.pid})" in second.stderr
    assert served.sql("SELECT 1") == [(1,)], "the first one goes on"
    served.stop()


@pytest.mark.parametrize("given", ["/dev/null", "a file", "nothing"])
def test_without_a_way_to_give_it_orders_it_says_so_and_starts_nothing(home, tmp_path, given):
    """The end of its input means stop; of a file or /dev/null nobody is told that end."""
    orders = tmp_path / "orders"
    orders.write_text("stop web\n")
    closed = ["sh", "-c", 'exec "$@" <&-', "sh"] if given == "nothing" else []
    with open(orders if given == "a file" else os.devnull) as source:
        done = subprocess.run(
            [*closed, sys.executable, "-m", "testudo.stack", "serve", "--servers-only"],
            cwd=ROOT, env=environment(home), stdin=source, capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Cannot start: its orders come line by line")
    assert "Give it a pipe or a terminal." in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (home / "postgres").exists()
    assert not (home / "run.json").exists()


def test_no_secret_is_written_anywhere_but_in_its_own_file(home):
    served = Served(home)
    served.sql("SELECT 1")
    served.stop()
    mode = stat.S_IMODE((home / "secrets.json").stat().st_mode)
    assert mode == 0o600
    texts = {"run.json": served.run_text, "ports.json": (home / "ports.json").read_text()}
    texts |= {str(log): log.read_text() for log in (home / "logs").iterdir()}
    for where, text in texts.items():
        leaked = [name for name, secret in served.secrets.items() if secret in text]
        assert leaked == [], f"{where} holds {leaked}"
    assert stat.S_IMODE((home / "valkey" / "valkey.conf").stat().st_mode) == 0o600


def test_the_servers_listen_on_loopback_below_the_ephemeral_ports_with_a_password(home):
    served = Served(home)
    ports = json.loads((home / "ports.json").read_text())
    assert all(1024 < port < 32768 for port in ports.values())
    with socket.create_connection(("127.0.0.1", ports["valkey"]), timeout=2) as link:
        link.sendall(b"PING\r\n")
        assert link.recv(64).startswith(b"-NOAUTH")
    assert served.sql("SHOW data_checksums") == [("on",)]
    assert served.sql("SELECT setting FROM pg_settings WHERE name = 'listen_addresses'") == [
        ("127.0.0.1",)
    ]
    served.stop()


def test_ports_are_kept_where_they_are_still_free(home):
    first = Home(home).choose_ports(["postgres", "paper"])
    assert Home(home).choose_ports(["postgres", "paper"]) == first
    with socket.socket() as neighbour:
        neighbour.bind(("127.0.0.1", first["paper"]))
        neighbour.listen()
        second = Home(home).choose_ports(["postgres", "paper"])
    assert second["postgres"] == first["postgres"]
    assert second["paper"] != first["paper"]


def test_processes_that_seeded_alike_do_not_choose_the_same_ports():
    before = random.getstate()
    try:
        chosen = []
        for _ in range(2):
            random.seed(7)
            chosen.append([free_port() for _ in range(3)])
    finally:
        random.setstate(before)
    assert chosen[0] != chosen[1]


def test_a_port_that_was_asked_for_and_is_taken_is_named(home):
    port = free_port()
    with socket.socket() as neighbour:
        neighbour.bind(("127.0.0.1", port))
        neighbour.listen()
        refused = subprocess.run(
            [sys.executable, "-m", "testudo.stack", "run"],
            cwd=ROOT, env=environment(home, PORT=str(port)), capture_output=True, text=True,
            timeout=20, check=False,
        )  # fmt: skip
    assert refused.returncode == 1
    assert f"Port {port} is taken" in refused.stderr
    assert "Traceback" not in refused.stderr


@as_root
def test_a_home_nobody_else_can_reach_keeps_its_data_outside(home):
    home.mkdir()
    home.chmod(0o700)
    served = Served(home)
    served.sql("CREATE TABLE kept AS SELECT 7 AS n")
    served.stop()
    folder = (home / "postgres").resolve()
    assert any(folder.is_relative_to(root) for root in OUTSIDE)
    again = Served(home)
    assert again.sql("SELECT n FROM kept") == [(7,)]
    again.stop()
    assert (home / "postgres").resolve() == folder


@as_root
def test_a_copied_home_does_not_share_the_data_of_the_first(home, tmp_path):
    home.mkdir()
    home.chmod(0o700)
    Served(home).stop()
    copy = tmp_path / "copy"
    shutil.copytree(home, copy, symlinks=True)
    refused = subprocess.run(
        [sys.executable, "-m", "testudo.stack", "serve", "--servers-only"],
        cwd=ROOT, env=environment(copy), input="", capture_output=True, text=True,
        timeout=20, check=False,
    )  # fmt: skip
    assert refused.returncode == 1
    assert "would share its data" in refused.stderr
