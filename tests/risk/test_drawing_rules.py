"""Stop and target on ticks: what a refusal advises is allowed, and is the nearest that is."""

from dataclasses import replace

import pytest

from tests.risk.builders import FREE, D, plan, verdict

ODD = {"entry": "60000.01", "price": "60000.01", "costs": FREE}
LONG = {**ODD, "ask": "60000.01", "bid": "59950.007", "target": "69000"}  # spread 50.003
SHORT = {**LONG, "direction": "short", "target": "50000"}


def advised(v) -> str:
    assert not v.ok
    return v.message.split("Move it to ")[1].split(" ")[0]


@pytest.mark.parametrize(
    ("drawn", "stop", "nearest", "closer"),
    [
        (LONG, "59900", "59850.00", "59850.01"),  # 3 * 50.003 below 60000.01 is 59850.001
        (SHORT, "60100", "60150.02", "60150.01"),
    ],
)
def test_a_stop_is_moved_outwards_to_the_next_tick(drawn, stop, nearest, closer):
    assert D(advised(verdict("stop_distance", plan(**drawn, stop=stop)))) == D(nearest)
    assert verdict("stop_distance", plan(**drawn, stop=nearest)).ok
    assert not verdict("stop_distance", plan(**drawn, stop=closer)).ok


@pytest.mark.parametrize(
    ("drawn", "stop", "nearest", "further"),
    [
        (LONG, "50000", "51000.01", "51000.00"),  # 15 % of 60000.01 is 9000.0015
        (SHORT, "70000", "69000.01", "69000.02"),
    ],
)
def test_a_stop_too_far_away_is_moved_inwards_to_the_next_tick(drawn, stop, nearest, further):
    assert D(advised(verdict("stop_distance", plan(**drawn, stop=stop)))) == D(nearest)
    assert verdict("stop_distance", plan(**drawn, stop=nearest)).ok
    assert not verdict("stop_distance", plan(**drawn, stop=further)).ok


def test_a_stop_as_far_away_as_any_may_be_is_measured_by_the_least_distance():
    v = verdict("stop_distance", plan(stop="51000", target="90000", costs=FREE))
    assert (v.ok, v.measured, v.limit, v.margin) == (True, 9000, 60, 8940)


def test_where_only_the_furthest_stop_is_far_enough_it_is_named():
    """Three spreads of 3,000 are just the 15 % a stop may be away."""
    wide = {"bid": "57000", "target": "90000", "costs": FREE}
    assert advised(verdict("stop_distance", plan(**wide, stop="59400"))) == "51000"
    assert verdict("stop_distance", plan(**wide, stop="51000")).ok
    wider = {**wide, "bid": "56999.99"}
    assert "no stop is far enough" in verdict("stop_distance", plan(**wider, stop="59400")).message


@pytest.mark.parametrize(
    ("direction", "losing", "winning"),
    [("long", "59999.50", "60000.50"), ("short", "60000.50", "59999.50")],
)
def test_the_side_of_a_stop_is_measured_from_the_entry(direction, losing, winning):
    drawn = plan(direction=direction, stop="59400" if direction == "long" else "60600")
    right = verdict("stop_side", replace(drawn, stop=D(losing)))
    assert (right.ok, right.margin) == (True, D("0.50"))
    wrong = verdict("stop_side", replace(drawn, stop=D(winning)))
    assert (wrong.ok, wrong.margin) == (False, D("-0.50"))
    assert "Move it" in wrong.message


def test_a_reward_just_short_of_what_is_asked_is_never_shown_as_enough():
    v = verdict("reward_to_risk", plan(target="61199.99", costs=FREE))  # 1199.99 / 600
    assert not v.ok
    assert "the target pays 1.99 R; you ask for 2 R" in v.message
