"""`manage.py size_trade`: the desk's figures on the command line, and clean refusals."""

import json
import os
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from tests.risk.builders import D
from tests.risk.test_symbols import BTCUSDT

LONG = ["BTCUSDT", "long", "--entry", "60000", "--stop", "59400", "--target", "62000"]

pytestmark = pytest.mark.django_db


def run(capsys, *args):
    """Exit code and parsed answer of one call."""
    code = 0
    try:
        call_command("size_trade", *args, "--json")
    except SystemExit as stopped:
        code = stopped.code
    return code, json.loads(capsys.readouterr().out)


def test_a_sound_plan_is_sized_and_approved(capsys):
    code, answer = run(capsys, *LONG)
    assert code == 0
    assert answer["ok"]
    assert answer["quantity"] == "0.139"
    assert answer["planned_risk"] == "99.9966"  # 0.139 * 719.40
    assert answer["reward_to_risk"].startswith("2.61")
    assert all(v["ok"] for v in answer["verdicts"])


def test_a_fee_in_the_coin_allows_a_little_more(capsys):
    _, answer = run(capsys, *LONG, "--fee-in", "coin")
    assert answer["quantity"] == "0.13913"


def test_an_entry_at_the_market_is_sized_from_its_slippage_cap(capsys):
    _, answer = run(capsys, *LONG[:-1], "63000", "--ask", "60000")
    assert answer["worst_entry"] == "60060"
    assert D(answer["quantity"]) * (660 + D("60.06") + D("59.4")) <= 100


def test_an_entry_that_rests_pays_the_maker_fee(capsys):
    _, answer = run(capsys, *LONG, "--ask", "60500", "--maker", "0", "--taker", "0.001")
    assert (answer["worst_entry"], answer["entry_fee"]) == ("60000", "0")


def test_a_refused_plan_leaves_with_code_one_and_every_reason(capsys):
    code, answer = run(capsys, *LONG[:-1], "60500", "--risk", "0.05")
    assert code == 1
    assert not answer["ok"]
    failed = {v["code"] for v in answer["verdicts"] if not v["ok"]}
    assert failed >= {"reward_to_risk", "trade_risk", "large_risk"}


def test_the_text_names_size_loss_and_verdicts(capsys):
    call_command("size_trade", *LONG)
    text = capsys.readouterr().out
    assert "0.139 BTC" in text
    assert "99.9966 USDT, fees in" in text
    assert "Approved." in text
    assert "Filters from" in text


@pytest.mark.parametrize(
    "bad",
    ["NaN", "1E+999", "٦٠٠٠٠", "１", "1_000", "+1", " 1 ", "0x10", "1,5", "-1", "0", "9" * 30],
)
def test_a_malformed_price_is_a_clean_error(bad):
    with pytest.raises(CommandError, match="--stop"):
        call_command("size_trade", *LONG[:4], f"--stop={bad}", "--target", "62000")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["--stop", "60500"], "Move the stop below the entry"),
        (["--stop", "60000"], "Move the stop"),
        (["--stop", "59400.001"], "Use 59400 or 59400.01"),
        (["--target", "59000"], "Move the target above the entry"),
        (["--risk", "0.07"], "cap of 0.06"),
        (["--taker", "0.5"], "0.001 for 0.1 %"),
    ],
)
def test_an_impossible_plan_says_what_to_change(changes, said):
    with pytest.raises(CommandError, match=said):
        call_command("size_trade", *LONG, *changes)


def test_an_unknown_symbol_names_the_known_ones():
    with pytest.raises(CommandError, match=r"Use one of .*BTCUSDT"):
        call_command("size_trade", "DOGEUSDC", *LONG[1:])


def test_the_filters_may_come_from_a_file(capsys, tmp_path):
    file = tmp_path / "info.json"
    coarse = json.loads(json.dumps(BTCUSDT))
    coarse["filters"][1]["stepSize"] = "0.01000000"
    file.write_text(json.dumps({"symbols": [coarse]}))
    _, answer = run(capsys, *LONG, "--rules", str(file))
    assert answer["quantity"] == "0.13"
    assert "info.json" in answer["rules_from"]


@pytest.mark.parametrize("content", ["", "[]", "7", "{}", '{"symbols": [{}]}', '{"symbols": []}'])
def test_a_file_that_is_no_listing_is_a_clean_error(content, tmp_path):
    file = tmp_path / "info.json"
    file.write_text(content)
    with pytest.raises(CommandError, match=r"info\.json"):
        call_command("size_trade", *LONG, "--rules", str(file))


@pytest.mark.parametrize(
    ("args", "code"),
    [(LONG, 0), ([*LONG[:-1], "60500"], 1), ([*LONG, "--stop", "NaN"], 2)],
)
def test_the_exit_code_tells_a_script_what_happened_even_without_a_database(args, code):
    nowhere = {**os.environ, "DATABASE_URL": "postgres://nobody:none@127.0.0.1:9/none"}
    done = subprocess.run(
        [sys.executable, "manage.py", "size_trade", *args],
        env=nowhere, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert code != 0 or "the built-in listing" in done.stdout


@pytest.mark.parametrize(
    ("options", "quantity", "bound"),
    [
        (["--model", "fixed_money", "--money", "50"], "0.0695", "model"),  # 50 / 719.40
        (["--model", "units_per_sum", "--sum", "5000", "--unit", "0.05"], "0.1", "model"),
        (["--model", "equal_units", "--units", "2"], "0.08333", "model"),  # 5000 / 60000
        (["--model", "equal_units", "--units", "1"], "0.139", "budget"),  # 0.16666 is too much
        (["--model", "percent_volatility", "--atr", "900"], "0.09812", "model"),  # 100 / 1019.10
        (["--ceiling", "0.005"], "0.0695", "ceiling"),
        (["--slippage", "60"], "0.1283", "budget"),  # 100 / 779.40
        (["--fee-in", "bnb", "--taker", "0.00075"], "0.14502", "budget"),
    ],
)
def test_a_size_model_and_its_bound_are_shown(capsys, options, quantity, bound):
    _, answer = run(capsys, *LONG, *options)
    assert (answer["quantity"], answer["bound"]) == (quantity, bound)
    assert answer["model"] == (options[1] if options[0] == "--model" else "percent_risk")
    assert D(answer["planned_risk"]) <= 100


def test_a_model_without_its_figure_is_refused_with_the_way_out(capsys):
    with pytest.raises(CommandError, match="needs money"):
        call_command("size_trade", *LONG, "--model", "fixed_money")


def test_the_text_names_model_fees_and_every_rule(capsys):
    call_command("size_trade", *LONG, "--fee-in", "bnb")
    said = capsys.readouterr().out
    assert "by percent risk" in said
    assert "BNB" in said
    assert said.count("  ok  ") >= 20
