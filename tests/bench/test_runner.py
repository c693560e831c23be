"""The benchmark runner: names, exit codes, JSON last."""

from __future__ import annotations

import json

import pytest

from tests.bench import __main__ as runner
from tests.bench import engine_load, matching
from tests.bench.measures import Measure


def test_the_benchmarks_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.main(["--list"]) == 0
    assert "matching" in capsys.readouterr().out.split()


def test_a_benchmark_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.main(["speed"]) == 2
    assert "matching" in capsys.readouterr().out


@pytest.mark.parametrize(("value", "code"), [(10.0, 0), (11.0, 1)])
def test_a_missed_limit_fails_and_the_last_line_is_json(
    value: float, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(matching, "run", lambda quick: [Measure("n", value, "s", most=10)])
    assert runner.main(["matching", "--quick"]) == code
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["ok"] is (code == 0)
    assert report["missed"] == ([] if code == 0 else ["n"])


def test_the_engine_load_conserves_money_and_does_something_of_everything() -> None:
    load = engine_load.Load(20)
    load.mixed(800)
    assert load.engine.ledger.discrepancies() == {}
    assert load.engine.counters.order > 300
    assert load.engine.counters.trade["BTCUSDT"] > 20
    assert load.printed > 10
