"""The benchmark runner: names, exit codes, JSON last."""

from __future__ import annotations

import json

import pytest

from tests.bench import __main__ as runner
from tests.bench import engine_load, matching, rules
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


def test_the_rules_judge_the_same_over_running_totals_and_over_a_scan() -> None:
    """What is compared for speed is the same work."""
    account = rules.Account(30)
    for _ in range(200):
        judged = account.turn()
    assert account.totals == rules.scanned(account.positions)
    assert account.scanning_turn() == judged
    refused = {verdict.code for verdict in judged if not verdict.ok}
    assert refused == {"open_positions"}
