"""The race holds its promise, and without the account's lock it is seen to break."""

import json
import subprocess
import sys

import pytest

from testudo.stack.platform import ROOT


def race(*arguments: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "tests.drills", "race", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_limit_is_passed_and_none_left_unused_by_many_clients_at_once():
    report = race("--rounds", "8")
    assert report["breaches"] == report["miscounted"] == 0
    assert report["accepted"] == report["expected"] > 0
    assert not report["unexpected"]
    assert not report["chain_breaks"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_race_without_the_lock_is_lost():
    report = race("--rounds", "4", "--without-lock")
    assert not report["ok"]
    assert report["miscounted"] or report["breaches"] or report["unexpected"]
