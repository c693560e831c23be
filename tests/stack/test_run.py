"""`bin/run`, as a newcomer types it: what it prints, what it leaves, what it survives."""

import json
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import ClassVar

import pytest
import requests

from tests.stack.served import ROOT, descendants, environment, wait_until_gone
from testudo.stack.home import free_port

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(240)]

PROCESSES = {
    "supervisor", "postgres", "valkey", "paper", "stream_market", "stream_accounts", "guard",
    "drop_copy",
    "orders", "protective", "bulk", "beat", "web",
}  # fmt: skip
PATIENCE = 30  # seconds for an answer: the machine may have other things to do


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for the module: the second start finds the first one's state."""
    path = tmp_path_factory.mktemp("run") / "home of a newcomer"
    for folder in [*path.parents][:3]:
        folder.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def _nothing_runs_on():
    """A test that fails leaves its platform running: the next one must find none."""
    yield
    while Run.begun:
        run = Run.begun.pop()
        if run.process.poll() is None:
            run.end()


class Run:
    """`bin/run` as a child; its output is read as it comes."""

    begun: ClassVar[list["Run"]] = []

    def __init__(self, home: Path, *arguments: str, **variables: str) -> None:
        variables = {"PORT": str(free_port()), **variables}
        self.home = home
        self.process = subprocess.Popen(
            [ROOT / "bin" / "run", *arguments],
            cwd="/", env=environment(home, **variables), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, process_group=0,
        )  # fmt: skip
        self.begun.append(self)
        self.output = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.output += line

    def until(self, text: str, *, seconds: float = 120) -> "Run":
        deadline = time.monotonic() + seconds
        while text not in self.output:
            assert self.process.poll() is None, self.output[-5000:]
            assert time.monotonic() < deadline, f"no {text!r} in:\n{self.output[-5000:]}"
            time.sleep(0.05)
        return self

    def family(self) -> set[int]:
        return {self.process.pid} | descendants(self.process.pid)

    def run_json(self) -> dict:
        return json.loads((self.home / "run.json").read_text())

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Signal it; its exit code and the seconds it took."""
        begun = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(30)
        self._reader.join(5)
        return code, time.monotonic() - begun


def signed_in(url: str, password: str) -> requests.Session:
    browser = requests.Session()
    browser.get(f"{url}sign-in/", timeout=PATIENCE)
    form = {
        "username": "demo",
        "password": password,
        "csrfmiddlewaretoken": browser.cookies["csrftoken"],
    }
    browser.post(f"{url}sign-in/", form, headers={"Referer": f"{url}sign-in/"}, timeout=PATIENCE)
    return browser


def password_in(output: str) -> str:
    return re.search(r"sign in as demo with the password (\S+)", output)[1]


def test_a_newcomer_gets_an_address_and_a_sign_in_that_work(home):
    run = Run(home).until("Ctrl-C stops everything")
    run_json = run.run_json()
    assert run_json["pids"].keys() == PROCESSES
    assert set(run_json["pids"].values()) <= run.family()
    assert run_json["web"] in run.output
    browser = signed_in(run_json["web"], password_in(run.output))
    me = browser.get(f"{run_json['web']}api/v1/me", timeout=PATIENCE)
    assert me.status_code == 200
    assert me.json()["username"] == "demo"
    family = run.family()
    code, seconds = run.end()
    assert (code, seconds < 10) == (0, True), run.output[-3000:]
    assert wait_until_gone(family, seconds=1) == set()
    assert not (home / "run.json").exists()


def test_progress_is_shown_and_no_secret_but_the_demo_passwords(home):
    run = Run(home).until("Ctrl-C stops everything")
    run.end(signal.SIGINT)
    assert re.search(r"\[ *\d+\.\d s\] PostgreSQL answers", run.output)
    secrets = json.loads((home / "secrets.json").read_text())
    texts = {"the terminal": run.output}
    logs = [*(home / "logs").iterdir()]
    assert len(logs) >= len(PROCESSES) - 1
    texts |= {str(log): log.read_text(errors="replace") for log in logs}
    for where, text in texts.items():
        leaked = {name for name, secret in secrets.items() if secret in text}
        allowed = {"demo_password", "admin_password"} if where == "the terminal" else set()
        assert leaked <= allowed, f"{where} holds {leaked - allowed}"


def test_a_child_that_dies_stops_everything_and_shows_its_last_lines(home):
    run = Run(home).until("Ctrl-C stops everything")
    family = run.family()
    os.kill(run.run_json()["pids"]["guard"], signal.SIGKILL)
    assert run.process.wait(15) == 1
    run._reader.join(5)
    assert "guard ended by SIGKILL. Its last lines:" in run.output
    assert wait_until_gone(family, seconds=1) == set()


def test_killing_it_all_of_a_sudden_does_not_stop_the_next_start(home):
    run = Run(home).until("Ctrl-C stops everything")
    family = run.family()
    first = password_in(run.output)
    run.end(signal.SIGKILL)
    assert wait_until_gone(family, seconds=8) == set()
    again = Run(home).until("Ctrl-C stops everything")
    url = again.run_json()["web"]
    assert password_in(again.output) == first
    assert signed_in(url, first).get(f"{url}api/v1/me", timeout=PATIENCE).status_code == 200
    again.end()


@pytest.mark.slow
def test_a_seeding_that_was_cut_short_begins_anew(home):
    Run(home).until("Ctrl-C stops everything").end()
    (home / "seeded.json").rename(home / "seeding.json")
    run = Run(home).until("Ctrl-C stops everything")
    assert "the last seeding was cut short" in run.output
    url = run.run_json()["web"]
    accounts = signed_in(url, password_in(run.output)).get(
        f"{url}api/v1/accounts", timeout=PATIENCE
    )
    assert len(accounts.json()["results"]) == 1
    run.end()


@pytest.mark.slow
def test_uvicorn_carries_the_platform_as_well(home):
    check = Run(home, "--check", TESTUDO_SERVER="uvicorn")
    assert check.process.wait(200) == 0, check.output[-5000:]


def test_the_check_does_the_main_job_and_prints_one_json_line(home):
    check = Run(home, "--check")
    code = check.process.wait(200)
    check._reader.join(5)
    *_, last = check.output.strip().splitlines()
    result = json.loads(last)
    assert (code, result["ok"]) == (0, True), check.output[-5000:]
    assert result["symbol"] == "BTCUSDT"
    assert float(result["r_multiple"]) > 1
    assert result["order_ms"] < 2000
    assert result["protected_ms"] < 5000
    assert wait_until_gone(descendants(check.process.pid), seconds=1) == set()
