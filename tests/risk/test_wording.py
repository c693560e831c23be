"""Figures in sentences never flatter, however small the currency's unit is."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.wording import cents_down, cents_up, money, money_down, money_up, percent, plain
from tests.risk.builders import D, said


@pytest.mark.parametrize(
    ("amount", "up", "down"),
    [
        ("0", "0.00", "0.00"),
        ("0.5", "0.50", "0.50"),
        ("1", "1.00", "1.00"),
        ("1.2345", "1.24", "1.23"),
        ("12.341", "12.35", "12.34"),
        ("99.999", "100.00", "99.99"),
        ("0.00123456", "0.001235", "0.001234"),
        ("0.99996", "1", "0.9999"),
        ("1e-9", "0.000000001", "0.000000001"),
        ("-0.00123456", "-0.001234", "-0.001235"),
        ("999.999", "1,000.00", "999.99"),
        ("1234567.891", "1,234,567.90", "1,234,567.89"),
        ("-1234.5", "-1,234.50", "-1,234.50"),
    ],
)
def test_money_is_rounded_to_the_cent_or_to_four_digits_below_a_unit(amount, up, down):
    assert (money_up(D(amount)), money_down(D(amount))) == (up, down)


@given(amount=st.decimals(-(10**9), 10**9, places=12, allow_nan=False))
def test_up_is_never_less_and_down_is_never_more(amount):
    down, up = said(money_down(amount)), said(money_up(amount))
    assert down <= amount <= up
    assert Fraction(up) - Fraction(amount) <= Fraction(1, 100)
    assert bool(amount) <= bool(up or down)


def test_money_is_grouped_and_what_is_typed_into_a_field_is_not():
    assert money(D("1234567.891")) == "1,234,567.89"
    assert money(D("-10000")) == "-10,000.00"
    assert plain(D("1234567.8900")) == "1234567.89"


def test_a_share_of_nothing_is_no_percentage():
    assert percent(D(1), D(0)) == "-"
    assert percent(D(1), D(3)) == "33.33 %"
    assert (plain(D("6.0E+4")), plain(D("0.0700"))) == ("60000", "0.07")
    assert (money(D("12.345")), money(D("0.0123456"))) == ("12.34", "0.01235")
    assert (money(D(1)), money(D(-1)), money(D(0))) == ("1.00", "-1.00", "0.00")
    assert (cents_up(D("12.341")), cents_down(D("12.349"))) == (D("12.35"), D("12.34"))
