"""A slice of each drill: its promises hold, and the bugs planted into it are caught."""

import json
import subprocess
import sys

import pytest

from testudo.stack.platform import ROOT


def drill(*arguments: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "tests.drills", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=800, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_every_fault_of_the_catalogue_has_a_test_named_after_it():
    assert drill("catalogue")["missing"] == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_seeded_schedules_break_no_invariant():
    report = drill("schedules", "--seeds", "40")
    assert report["ok"], report["first_findings"]
    assert report["trades"] >= 40
    assert len(report["faults"]) >= 15


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "bug", ["blind-retry", "no-lock", "memory-breaker", "trade-id-alone", "gross-stop"]
)
def test_a_planted_bug_is_caught_by_the_schedules(bug):
    report = drill("schedules", "--plant", bug)
    assert report["ok"], f"{bug} got through"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_processes_break_no_invariant():
    report = drill("kill", "--quick")
    assert report["ok"], report


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_f39_after_the_death_of_the_database_trading_goes_on_and_nothing_is_lost():
    report = drill("recover", "--quick")
    assert report["findings"] == 0, report["first_findings"]
    assert not report["stuck"]
    assert report["databases_killed"] >= 1


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_after_a_halt_nothing_that_opens_risk_is_sent():
    report = drill("halt", "--quick")
    assert report["purchases"] > 0
    assert report["findings"] == 0, report["first_findings"]
