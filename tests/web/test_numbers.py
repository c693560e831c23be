"""Numbers at the door: amounts are plain decimals in strings, and nothing else (B01-B05)."""

import json
import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from testudo.web.fields import AmountField, plain

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.web.doors")]


def send(client, quantity):
    """POST a plan whose quantity is written into the JSON as it stands."""
    body = f'{{"symbol": "BTCUSDT", "quantity": {quantity}}}'
    return client.post("/api/v1/plans", body, content_type="application/json")


def refusal(answer):
    assert answer.status_code == 400, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.json()


@pytest.mark.parametrize("good", ["1", "0.1", "64000.50", "0.000000000000000001", "9" * 18])
def test_a_plain_decimal_in_a_string_is_taken_exactly(signed_in, good):
    answer = send(signed_in, f'"{good}"')
    assert answer.status_code == 201
    assert Decimal(answer.json()["quantity"]) == Decimal(good)


@pytest.mark.parametrize("bad", ["NaN", "sNaN", "Infinity", "-Infinity", "nan", "inf"])
def test_b01_what_is_no_number_is_refused_in_a_string_and_bare(signed_in, bad):
    problem = refusal(send(signed_in, f'"{bad}"'))
    assert problem["errors"][0]["field"] == "quantity"
    assert problem["errors"][0]["value"] == bad
    assert "0-9" in problem["errors"][0]["message"] or "sign" in problem["errors"][0]["message"]
    refusal(send(signed_in, bad))


@pytest.mark.parametrize(
    "bad", ["1E+999999", "1e-999999", "1e5", "9" * 10_000, "0." + "1" * 10_000]
)
def test_b02_exponents_and_endless_digits_are_refused_at_once(signed_in, bad):
    refusal(send(signed_in, '"NaN"'))  # the first request of a process also imports
    for written in (f'"{bad}"', bad):
        quickest = 1.0
        for _ in range(3):
            began = time.process_time()
            problem = refusal(send(signed_in, written))
            quickest = min(quickest, time.process_time() - began)
        assert quickest < 0.05
        assert len(json.dumps(problem)) < 1000  # ten thousand digits are not said back


@pytest.mark.parametrize(
    "bad",
    [
        "١٢٣",
        "１２３",
        "1٢",
        "1_000",
        "+1",
        " 1 ",
        "1 ",
        "0x10",
        "1,000.5",
        "",
        ".",
        ".5",
        "5.",
        "1\n",
    ],
)
def test_b03_other_ways_to_write_numbers_are_refused(signed_in, bad):
    problem = refusal(send(signed_in, json.dumps(bad)))
    assert "64000.5" in problem["errors"][0]["message"]  # the way out


@pytest.mark.parametrize(
    "bad", ['"-0"', '"0"', '"0.000"', '"-1"', "true", "[]", '["1"]', "{}", "null", "-0"]
)
def test_b04_zero_negative_and_other_kinds_are_refused(signed_in, bad):
    problem = refusal(send(signed_in, bad))
    assert problem["errors"][0]["field"] == "quantity"


@pytest.mark.parametrize("bad", ["0.1", "1", "1e0", "0.1000000000000000055511151231257827"])
def test_b05_a_json_number_for_money_is_refused_naming_the_string_form(signed_in, bad):
    problem = refusal(send(signed_in, bad))
    assert f'"{bad}"'[:20] in problem["errors"][0]["message"]


def test_a_decimal_comma_is_refused_naming_the_dot_form(signed_in):
    assert 'Write "1.5", with a dot.' in refusal(send(signed_in, '"1,5"'))["detail"]


def test_zero_is_taken_where_a_field_says_so():
    assert AmountField(zero=True).run_validation("0") == 0


@given(st.decimals(min_value=0, max_value=Decimal("1e18"), places=18, allow_nan=False))
def test_an_amount_written_by_us_is_read_back_equal(amount):
    text = plain(amount)
    assert "e" not in text.lower()
    assert Decimal(text) == amount
    if amount < 10**18:
        assert AmountField(zero=True).run_validation(text) == amount


@given(st.text(max_size=30))
def test_no_text_makes_the_field_crash_and_what_it_takes_is_ascii_digits(text):
    try:
        amount = AmountField(zero=True).run_validation(text)
    except ValidationError:
        return
    assert set(text) <= set("0123456789.")
    assert amount.is_finite()
    assert amount >= 0


def test_amounts_are_written_without_exponents_or_trailing_zeros():
    assert plain(Decimal("1E+3")) == "1000"
    assert plain(Decimal("0.100000000000000000")) == "0.1"
    assert plain(Decimal("0E-18")) == "0"
    assert plain(Decimal("-0.0")) == "0"
    assert plain(Decimal("100")) == "100"
