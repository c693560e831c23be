"""The figures of a trader's rules: the last that is allowed, the first that is not."""

from decimal import Decimal

import pytest

from risk.costs import PlanImpossible
from risk.manage_plan import Management, Ratchet, ratchets_of, read
from risk.part_targets import PartTarget

D = Decimal
HIGHER = tuple(Ratchet(D(n), D(n - 1)) for n in range(1, 11))  # ten steps
EVEN = {"break_even": True}


@pytest.mark.parametrize(
    "figures",
    [
        {"trail_r": D("0.25")},
        {"trail_r": D(100)},
        {"trail_atr": D("0.25")},
        {"trail_atr": D(100)},
        {"trail_percent": D("0.1")},
        {"trail_percent": D(20)},
        {**EVEN, "break_even_r": D("0.25")},
        {**EVEN, "break_even_r": D(100)},
        {"atr_period": 1},
        {"atr_period": 200},
        {"ratchets": HIGHER},
        {"ratchets": (Ratchet(D("0.01"), D("-0.99")),)},
        {"ratchets": (Ratchet(D(100), D("99.99")),)},
        {"close_after_minutes": 1},
        {"close_after_minutes": 132480},  # 92 days
    ],
)
def test_the_last_figure_of_each_range_makes_a_rule(figures):
    rules = Management(**figures)
    assert {name: getattr(rules, name) for name in figures} == figures


@pytest.mark.parametrize(
    ("figures", "why"),
    [
        ({"trail_r": D("0.24")}, "0.25 to 100 R"),
        ({"trail_r": D("100.01")}, "0.25 to 100 R"),
        ({"trail_atr": D("0.24")}, "0.25 to 100 ATR"),
        ({"trail_atr": D("100.01")}, "0.25 to 100 ATR"),
        ({"trail_percent": D("0.09")}, "0.1 to 20 %"),
        ({"trail_percent": D("20.01")}, "0.1 to 20 %"),
        ({**EVEN, "break_even_r": D("100.01")}, "0.25 to 100 R"),
        ({"atr_period": 0}, "1 to 200 candles"),
        ({"atr_period": 201}, "1 to 200 candles"),
        ({"ratchets": (*HIGHER, Ratchet(D(11), D(10)))}, "At most 10"),
        ({"ratchets": (Ratchet(D(0), D("-0.5")),)}, "above 0 and up to 100 R"),
        ({"ratchets": (Ratchet(D("100.01"), D(1)),)}, "above 0 and up to 100 R"),
        ({"ratchets": (Ratchet(D(1), D(0)), Ratchet(D(1), D("0.5")))}, "lies higher than"),
        ({"close_after_minutes": 0}, "1 to 132480 minutes"),
        ({"close_after_minutes": 132481}, "1 to 132480 minutes"),
    ],
)  # fmt: skip
def test_the_first_figure_beyond_each_range_is_refused_with_the_range(figures, why):
    with pytest.raises(PlanImpossible, match=why):
        Management(**figures)


@pytest.mark.parametrize(
    "figures",
    [
        {"trail_r": D("0.2")},
        {"trail_r": D(101)},
        {"trail_atr": D(0)},
        {"trail_percent": D("NaN")},
        {"trail_percent": D(1), "trail_r": D(1)},
        {"break_even_r": D(1)},
        {"break_even": True, "break_even_r": D("0.2")},
        {"targets": (PartTarget(D(61000), D("0.1")),) * 3},
        {"trail_r": D(1), "trail_atr": D(1)},
        {"trail_atr": D(1), "atr_period": 0},
        {"ratchets": (Ratchet(D(1), D(1)),)},
        {"ratchets": (Ratchet(D(1), D("-1")),)},
        {"ratchets": (Ratchet(D(2), D(1)), Ratchet(D(1), D(0)))},
        {"ratchets": (Ratchet(D(1), D(0)), Ratchet(D(2), D(0)))},
        {"ratchets": (Ratchet(D("NaN"), D(0)),)},
        {"close_after_minutes": 10**9},
    ],
)
def test_figures_that_make_no_rule_are_refused(figures):
    with pytest.raises(PlanImpossible) as refused:
        Management(**figures)
    assert refused.value.field == "management"


def test_a_range_is_taken_over_fourteen_candles_of_an_hour_unless_said_otherwise():
    for rules in (Management(), read({"trail_atr": "2"})):
        assert (rules.atr_period, rules.atr_interval) == (14, "1h")


@pytest.mark.parametrize(
    ("figures", "moves"),
    [
        ({}, False),
        ({"close_after_minutes": 90}, False),
        (EVEN, True),
        ({"trail_r": D(1)}, True),
        ({"trail_percent": D(1)}, True),
        ({"trail_atr": D(1)}, True),
        ({"ratchets": HIGHER}, True),
    ],
)
def test_any_one_rule_about_the_stop_moves_it(figures, moves):
    assert Management(**figures).moves_stops is moves


@pytest.mark.parametrize("text", ["1e1", "+1", "", " 1", "1.", "--1", "NaN", 1, 1.5])
def test_only_a_plain_decimal_in_a_string_is_read(text):
    with pytest.raises(ValueError, match="no plain decimal in a string"):
        read({"trail_r": text})


def test_a_stored_step_below_the_entry_is_read():
    stored = {"ratchets": [{"at": "0.5", "to": "-0.25"}]}
    assert read(stored).ratchets == (Ratchet(D("0.5"), D("-0.25")),)


def test_the_steps_of_a_form_keep_their_order():
    steps = [{"at": D(1), "to": D(0)}, {"at": D(2), "to": D("1.5")}]
    assert ratchets_of(steps) == (Ratchet(D(1), D(0)), Ratchet(D(2), D("1.5")))
