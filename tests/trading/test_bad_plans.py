# ruff: noqa: F811 - fixtures are taken by their imported names
"""Plans that are no plans (RELIABILITY B01-B09, B16): each refused at the API's door, naming the
field and the way out, with nothing saved and nothing sent."""

import json
import time
from decimal import Decimal

import pytest
from rest_framework.exceptions import ValidationError

from risk.protocol import CAPS
from tests.trading.test_api import (  # noqa: F401
    http,
    nothing_happened,
    order,
    place,
    plan,
    quotes,
)
from testudo.web.fields import AmountField

MONEY = ["entry", "stop", "target", "risk_fraction", "slippage", "quoted_price"]
NO_NUMBERS = ["NaN", "sNaN", "Infinity", "-Infinity"]  # B01
HUGE = ["1E+999999", "1e-999999", "9" * 10_000, "0." + "0" * 10_000 + "1"]  # B02
FOREIGN = [
    "٦٤٠٠٠",
    "６４０００",
    "1２3",
    "1_000",
    "+1",
    " 1 ",
    "1 ",
    "0x10",
    "1,000.5",
    "1.",
    ".5",
]  # B03
NO_STRINGS = [True, ["1"], {"amount": "1"}, None]  # B04


def refused(answer, floor, field):
    """The one error of a 400: its field, with a sentence that says what to send instead."""
    assert answer.status_code == 400, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    said = answer.json()["errors"]
    assert [error["field"] for error in said] == [field]
    assert nothing_happened(floor)
    return said[0]["message"]


@pytest.mark.parametrize("value", [*NO_NUMBERS, *FOREIGN])
@pytest.mark.parametrize("field", MONEY)
def test_what_is_no_plain_number_is_refused_saying_how_to_write_one(
    http,
    order,
    floor,
    field,
    value,
):
    message = refused(place(http, {**order, field: value}), floor, field)
    assert any(word in message for word in ("Write", "greater than zero")), message


@pytest.mark.parametrize("value", HUGE, ids=["1E+999999", "1e-999999", "10,000 digits", "tiny"])
@pytest.mark.parametrize("field", ["stop", "risk_fraction"])
def test_numbers_of_absurd_size_are_refused(http, order, floor, field, value):
    message = refused(place(http, {**order, field: value}), floor, field)
    assert "exponent" in message or "at most 18 digits" in message


@pytest.mark.parametrize("value", HUGE, ids=["1E+999999", "1e-999999", "10,000 digits", "tiny"])
def test_refusing_a_number_of_absurd_size_takes_no_time(value):
    began = time.process_time()
    with pytest.raises(ValidationError):
        AmountField().run_validation(value)
    assert time.process_time() - began < 0.05


@pytest.mark.parametrize("value", ["-0", "0", "0.000", "-60000"])
@pytest.mark.parametrize("field", ["entry", "stop", "target", "risk_fraction"])
def test_nothing_and_less_than_nothing_are_refused(http, order, floor, field, value):
    assert "greater than zero" in refused(place(http, {**order, field: value}), floor, field)


@pytest.mark.parametrize("value", NO_STRINGS, ids=["true", "list", "object", "null"])
@pytest.mark.parametrize("field", ["entry", "stop", "risk_fraction"])
def test_what_is_no_string_is_refused(http, order, floor, field, value):
    message = refused(place(http, {**order, field: value}), floor, field)
    assert "string" in message or "null" in message


@pytest.mark.parametrize("field", ["entry", "stop", "target"])
def test_a_json_number_is_refused_naming_the_string_to_send(http, order, floor, field):
    raw = json.dumps(order).replace(f'"{field}": "{order[field]}"', f'"{field}": {order[field]}')
    message = refused(place(http, None, raw=raw), floor, field)
    assert f'"{order[field]}"' in message
    assert "may lose digits" in message


@pytest.mark.parametrize("field", ["entry", "stop", "target"])
def test_a_price_off_the_tick_is_refused_naming_both_neighbours(http, order, floor, field):
    message = refused(place(http, {**order, field: order[field] + "4"}), floor, field)
    below = Decimal(order[field]).quantize(Decimal("0.01"))
    assert f"Use {below} or {below + Decimal('0.01')}" in message
    assert "0.01" in message


@pytest.mark.parametrize(
    ("changes", "field", "advice"),
    [
        (lambda it: {"stop": it["target"]}, "stop", "Move the stop below the entry"),
        (lambda it: {"stop": it["entry"]}, "stop", "Move the stop"),
        (lambda it: {"target": it["stop"]}, "target", "Move the target above the entry"),
        (lambda it: {"target": it["entry"]}, "target", "Move the target above the entry"),
    ],
    ids=["stop above", "no distance, R = 0", "target below", "target at the entry"],
)
def test_lines_that_make_no_trade_are_refused_with_the_way_out(
    http,
    order,
    floor,
    changes,
    field,
    advice,
):
    message = refused(place(http, {**order, **changes(order)}), floor, field)
    assert advice in message


def test_a_risk_beyond_the_protocols_cap_is_refused_by_the_door(http, order, floor):
    most = CAPS["max_risk"][1]
    message = refused(
        place(http, {**order, "risk_fraction": str(most + Decimal("0.0001"))}),
        floor,
        "risk_fraction",
    )
    assert str(most) in message


def test_a_risk_beyond_the_traders_own_limit_is_a_rules_verdict(http, order):
    answer = place(http, {**order, "risk_fraction": str(CAPS["max_risk"][1])})
    assert answer.status_code == 409
    broken = {v["code"]: v["message"] for v in answer.json()["verdicts"] if not v["ok"]}
    assert "Lower the risk to" in broken["trade_risk"]


def test_a_size_below_the_exchanges_least_names_the_filter_and_what_would_pass(http, order):
    answer = place(http, {**order, "risk_fraction": "0.000005"})
    assert answer.status_code == 409
    broken = {v["code"]: v["message"] for v in answer.json()["verdicts"] if not v["ok"]}
    message = broken["exchange_filters"]
    assert "NOTIONAL" in message
    assert "Risk at least" in message
    assert "The smallest size that passes is" in message


@pytest.mark.parametrize(
    "moment",
    ["9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "2026-02-30T12:00:00Z", "2026-11-23T12:00:00",
     "2126-11-23T12:00:00Z", "٢٠٢٦-11-23T12:00:00Z", 1767225600, None],
)  # fmt: skip
def test_a_moment_that_never_was_is_refused(http, order, floor, moment):
    message = refused(place(http, {**order, "quoted_at": moment}), floor, "quoted_at")
    assert "moment" in message or "null" in message


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [("0", "3155760000000", "end"), ("2", "1", "end"), ("253402300799000", None, "start"),
     ("-1", None, "start"), ("1e9", None, "start")],
)  # fmt: skip
def test_a_range_of_candles_nobody_needs_is_refused(http, plan, start, end, field):
    asked = {"account": plan["account"], "symbol": "BTCUSDT", "interval": "1d", "start": start}
    answer = http.get("/api/v1/candles", {**asked, **({"end": end} if end else {})})
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


# The size models' own fields.


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        ({"model": "martingale"}, "martingale"),
        ({}, "required"),
        ({"model": "fixed_money"}, "needs money"),
        ({"model": "fixed_money", "money": "NaN"}, "digits"),
        ({"model": "fixed_money", "money": 50}, "string"),
        ({"model": "units_per_sum", "sum": "0"}, "greater than zero"),
        ({"model": "equal_units", "units": "0"}, "Give 1 to"),
        ({"model": "equal_units", "units": "2.5"}, "whole number"),
        ({"model": "equal_units", "units": "٣"}, "whole number"),
        ({"model": "percent_volatility", "atr_period": "201"}, "Give 1 to"),
        ({"model": "percent_volatility", "atr_interval": "7m"}, "7m"),
        ({"model": "percent_volatility", "volatility_fraction": "1.5"}, "fraction up to 1"),
        ({"model": "percent_risk", "ceiling": "double_kelly"}, "double_kelly"),
        ({"model": "percent_risk", "leverage": "3"}, "Remove this field"),
    ],
)
def test_a_size_model_that_makes_no_sense_is_refused_by_name(
    http,
    order,
    floor,
    model,
    complaint,
):
    answer = place(http, {**order, "size_model": model})
    assert answer.status_code == 400
    said = answer.json()["errors"]
    assert all(error["field"].startswith("size_model") for error in said)
    assert complaint in json.dumps(said, ensure_ascii=False)
    assert nothing_happened(floor)


def test_percent_volatility_without_candles_is_refused_with_the_way_out(http, order, floor):
    answer = place(http, {**order, "size_model": {"model": "percent_volatility"}})
    message = refused(answer, floor, "size_model")
    assert "needs the last 15 candles" in message
    assert "size by percent risk" in message


def test_a_ceiling_without_results_is_refused_with_the_way_out(http, order, floor):
    answer = place(http, {**order, "size_model": {"model": "percent_risk", "ceiling": "kelly"}})
    message = refused(answer, floor, "size_model")
    assert "30 closed trades" in message
    assert "without a ceiling" in message
