"""Ulysses: tightening acts at once, loosening waits; none may be hurried."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.limits import (
    CAPS,
    DEFAULTS,
    PRESETS,
    RESET_ZONE,
    TIGHTER,
    Limits,
    describe,
    earliest,
    is_tighter,
    may_loosen,
    said,
    split_change,
)
from tests.risk.builders import NOW, D, limits
from tests.risk.strategies import some_limits, wishes

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def asked(**changes) -> tuple[bool, tuple[str, ...]]:
    """Asked for a day ago, a reset since, calm and flat, unless changed."""
    facts = {
        "asked_at": NOW - DAY, "now": NOW, "day_resets_since": 1, "drawdown": D("0.05"),
        "limit_drawdown": D("0.10"), "open_positions": 0,
    }  # fmt: skip
    return may_loosen(**{**facts, **changes})


# Which way is tighter.


def test_every_limit_has_a_tighter_way_a_cap_and_a_name():
    names = set(Limits.__dataclass_fields__)
    assert names == set(CAPS) == set(TIGHTER)
    for name in (*names, RESET_ZONE):
        assert describe(name).title
        assert describe(name).text.endswith(".")
    with pytest.raises(KeyError):
        describe("max_fun")


@pytest.mark.parametrize(
    ("name", "tighter", "looser"),
    [
        ("max_risk", D("0.005"), D("0.02")),
        ("max_positions", 4, 6),
        ("max_stop_outs", 3, 5),
        ("min_reward_to_risk", D(3), D("1.5")),
        ("stop_out_pause_hours", 8, 2),
        ("symbol_cooldown_minutes", 60, 0),
    ],
)
def test_the_tighter_part_of_a_wish_acts_and_the_looser_waits(name, tighter, looser):
    assert split_change(DEFAULTS, {name: tighter}) == (limits(**{name: tighter}), {})
    assert split_change(DEFAULTS, {name: looser}) == (DEFAULTS, {name: looser})


def test_locking_is_tighter_and_unlocking_waits():
    locked, waiting = split_change(DEFAULTS, {"lock_losing_symbols": True})
    assert (locked.lock_losing_symbols, waiting) == (True, {})
    assert split_change(locked, {"lock_losing_symbols": False}) == (
        locked, {"lock_losing_symbols": False},
    )  # fmt: skip


def test_a_wish_beyond_its_cap_changes_nothing_at_all():
    with pytest.raises(ValueError, match=r"max_heat is 0\.11"):
        split_change(DEFAULTS, {"max_risk": D("0.005"), "max_heat": D("0.11")})


def test_the_conservative_preset_is_tighter_everywhere():
    conservative = PRESETS["conservative"]
    assert PRESETS["standard"] == DEFAULTS
    assert all(is_tighter(n, getattr(conservative, n), getattr(DEFAULTS, n)) for n in CAPS)
    assert split_change(DEFAULTS, {n: getattr(conservative, n) for n in CAPS}) == (conservative, {})


@pytest.mark.parametrize("wrong", [0.01, "0.01", True, None, D("NaN"), D("Infinity"), D("sNaN")])
def test_a_fraction_is_a_decimal_and_nothing_else(wrong):
    with pytest.raises(ValueError, match="max_risk is"):
        limits(max_risk=wrong)


@pytest.mark.parametrize("wrong", [3.0, "3", True, None, D(3)])
def test_a_count_is_a_whole_number_and_nothing_else(wrong):
    with pytest.raises(ValueError, match="max_positions is"):
        limits(max_positions=wrong)


@pytest.mark.parametrize("wrong", [1, 0, None, "on"])
def test_a_switch_is_on_or_off(wrong):
    with pytest.raises(ValueError, match="lock_losing_setups is"):
        limits(lock_losing_setups=wrong)


# What a loosening waits for.


def test_after_a_day_and_a_reset_calm_and_flat_it_takes_effect():
    assert asked() == (True, ())


@pytest.mark.parametrize(
    ("changes", "waits_for"),
    [
        (
            {"asked_at": NOW - DAY + timedelta(microseconds=1)},
            "24 hours since it was asked for: 2026-11-23 12:00 UTC.",
        ),
        ({"day_resets_since": 0}, "The account's next daily reset."),
        (
            {"drawdown": D("0.0501")},
            "A drawdown of at most 5 %, half of its limit; it is 5.01 %.",
        ),
        ({"open_positions": 1}, "No open position or pending entry; 1 is open."),
        ({"open_positions": 3}, "No open position or pending entry; 3 are open."),
    ],
)
def test_each_condition_alone_holds_it_back_and_says_so(changes, waits_for):
    assert asked(**changes) == (False, (waits_for,))


def test_all_it_waits_for_is_told_at_once():
    done, waits = asked(asked_at=NOW, day_resets_since=0, drawdown=D("0.09"), open_positions=2)
    assert (done, len(waits)) == (False, 4)


def test_the_earliest_moment_is_the_later_of_a_day_and_the_reset():
    assert earliest(NOW, NOW + 12 * HOUR) == NOW + DAY
    assert earliest(NOW, NOW + 25 * HOUR) == NOW + 25 * HOUR  # a day of 25 hours


# Promises.


@given(current=some_limits, wanted=wishes)
def test_nothing_looser_ever_acts_at_once_and_nothing_tighter_ever_waits(current, wanted):
    now, waiting = split_change(current, wanted)
    for name in CAPS:
        value, before, after = wanted.get(name), getattr(current, name), getattr(now, name)
        assert is_tighter(name, after, before)
        if name in waiting:
            assert (after, waiting[name]) == (before, value)
            assert not is_tighter(name, value, before)
        elif name in wanted:
            assert after == value
        else:
            assert after == before


@given(current=some_limits, wanted=wishes)
def test_withdrawing_all_that_waits_leaves_the_tightened_limits(current, wanted):
    now, waiting = split_change(current, wanted)
    assert split_change(now, {}) == (now, {})
    # And once it may, the looser part makes up the whole wish.
    done, rest = split_change(now, waiting)
    assert (done, rest) == (now, waiting)


@given(
    waited=st.integers(0, 72 * 60),
    resets=st.integers(0, 3),
    fall=st.integers(0, 1200),
    limit=st.integers(1, 1000),
    positions=st.integers(0, 3),
)
def test_it_never_takes_effect_early_deep_down_or_in_a_trade(
    waited, resets, fall, limit, positions
):
    done, waits = asked(
        asked_at=NOW - timedelta(minutes=waited),
        day_resets_since=resets,
        drawdown=D(fall) / 10_000,
        limit_drawdown=D(limit) / 10_000,
        open_positions=positions,
    )
    assert done == (waited >= 24 * 60 and resets >= 1 and 2 * fall <= limit and positions == 0)
    assert done == (not waits)


# In words.


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("max_risk", D("0.01"), "1 % of equity"),
        ("max_drawdown", D("0.085"), "8.5 % of the peak"),
        ("min_reward_to_risk", D("2.0"), "2 R"),
        ("max_slippage_r", D("0.1"), "0.1 R"),
        ("max_positions", 5, "5 positions"),
        ("symbol_cooldown_minutes", 30, "30 minutes"),
        ("lock_losing_symbols", True, "on"),
        ("lock_losing_setups", False, "off"),
        (RESET_ZONE, "Europe/Berlin", "Europe/Berlin"),
    ],
)
def test_a_limits_value_as_people_say_it(name, value, text):
    assert said(name, value) == text
