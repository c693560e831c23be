"""An open position: its stop only tightens, and it is never long without one."""

from datetime import timedelta

import pytest

from risk.position_rules import stop_may_only_tighten, unprotected_position
from tests.risk.builders import NOW, D


@pytest.mark.parametrize(
    ("direction", "wanted", "ok"),
    [
        ("long", "59400", True), ("long", "59400.01", True), ("long", "59399.99", False),
        ("short", "59400", True), ("short", "59399.99", True), ("short", "59400.01", False),
    ],
)  # fmt: skip
def test_a_stop_moves_towards_the_price_or_stays(direction, wanted, ok):
    v = stop_may_only_tighten(direction, D(59400), D(wanted))
    assert v.ok is ok
    assert (v.margin >= 0) is ok
    assert ok or "Move it to 59400 or" in v.message
    assert ok or "or close the position" in v.message
    way = "up" if direction == "long" else "down"
    assert (f"moves {way}, or stays" if ok else f"may only move {way}") in v.message


def test_a_coin_may_cost_less_than_one():
    assert stop_may_only_tighten("long", D("0.5"), D("0.51")).ok


@pytest.mark.parametrize("wrong", ["NaN", "Infinity", "0", "-1"])
def test_a_stop_that_is_no_price_is_refused(wrong):
    with pytest.raises(ValueError, match="Give a price above 0"):
        stop_may_only_tighten("long", D(59400), D(wrong))
    with pytest.raises(ValueError, match="Give a price above 0"):
        stop_may_only_tighten("long", D(wrong), D(59400))


@pytest.mark.parametrize(("seconds", "ok"), [(0, True), (3, True), (3.0001, False), (9, False)])
def test_a_position_without_a_stop_is_closed_after_three_seconds(seconds, ok):
    v = unprotected_position(NOW, NOW + timedelta(seconds=seconds))
    assert v.ok is ok
    assert v.limit == 3
    assert ok or "closed at the market now" in v.message


def test_a_protected_position_and_a_clock_that_went_back_are_no_alarm():
    assert "is protected" in unprotected_position(None, NOW).message
    assert unprotected_position(NOW, NOW - timedelta(seconds=9)).ok
