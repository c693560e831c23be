"""When to stop for a while: streaks, stop-outs, and a symbol or setup that just lost."""

from datetime import timedelta

import pytest

from risk.pauses import cooldown, losing_lock, stop_outs
from risk.protocol import DEFAULTS
from tests.risk.builders import NOW, D, book, limits, plan, verdict

HOUR = timedelta(hours=1)
LATER = NOW + HOUR

# Losing streak.


def test_three_losses_in_a_row_pause_new_trades_until_a_named_time():
    v = verdict("losing_streak", None, book(losing_streak=3, streak_until=LATER))
    assert (v.ok, v.margin) == (False, -1)
    assert "pause until 2026-11-23 13:00 UTC" in v.message
    assert "Exits" in v.message


def test_a_streak_whose_end_is_unknown_stays_paused():
    v = verdict("losing_streak", None, book(losing_streak=3))
    assert not v.ok
    assert "for 24 hours after the last loss" in v.message


def test_two_losses_in_a_row_pause_nothing():
    v = verdict("losing_streak", None, book(losing_streak=2))
    assert (v.ok, v.margin) == (True, 0)
    assert verdict("recovery_size", None, book(losing_streak=2)).ok


@pytest.mark.parametrize(
    "recovering",
    [
        book(losing_streak=3, streak_until=NOW, half_size=True),
        book(losing_streak=3, half_size=True),
        book(losing_streak=0, half_size=True),  # it won a little: not proven yet
        book(losing_streak=3, streak_until=NOW),  # the pause is over, no sweep has run yet
    ],
)
def test_after_the_pause_trades_are_at_half_size_until_proven(recovering):
    assert verdict("losing_streak", None, recovering).ok
    v = verdict("recovery_size", None, recovering)
    assert (v.ok, v.limit) == (False, 50)
    assert "Lower the risk to 50.00 USDT" in v.message
    assert verdict("recovery_size", plan(budget="50"), recovering).ok


def test_a_loss_at_half_size_pauses_again_before_any_sweep():
    again = book(losing_streak=4, streak_until=LATER, half_size=True)
    assert not verdict("losing_streak", None, again).ok


def test_a_stricter_streak_counts_the_losses_that_are_there():
    two = book(losing_streak=2, streak_until=LATER)
    assert verdict("losing_streak", None, two).ok
    assert not verdict("losing_streak", None, two, limits(max_losing_streak=2)).ok


# Pauses and locks.


@pytest.mark.parametrize(
    ("code", "field", "switch"),
    [
        ("stop_outs", "stop_outs_until", {}),
        ("symbol_cooldown", "symbol_cooldown_until", {}),
        ("symbol_lock", "symbol_locked_until", {"lock_losing_symbols": True}),
        ("setup_lock", "setup_locked_until", {"lock_losing_setups": True}),
    ],
)
def test_a_pause_refuses_until_its_moment_and_not_at_it(code, field, switch):
    the_limits = limits(**switch)
    v = verdict(code, None, book(**{field: NOW + timedelta(seconds=61)}), the_limits)
    assert (v.ok, v.measured, v.limit, v.margin, v.unit) == (False, 2, 0, -2, "min")
    assert "Wait until 2026-11-23 12:01 UTC" in v.message
    assert verdict(code, None, book(**{field: NOW}), the_limits).ok
    assert verdict(code, None, book(), the_limits).ok


@pytest.mark.parametrize(
    ("code", "field"),
    [("symbol_lock", "symbol_locked_until"), ("setup_lock", "setup_locked_until")],
)
def test_locks_are_off_unless_the_trader_wishes_them(code, field):
    v = verdict(code, None, book(**{field: LATER}))
    assert v.ok
    assert "s are not locked" in v.message
    wished = limits(lock_losing_symbols=True, lock_losing_setups=True)
    assert " is not locked" in verdict(code, None, book(), wished).message


# When the pauses end.


def test_the_fourth_stop_out_within_a_day_starts_a_pause_of_four_hours():
    times = [NOW - 20 * HOUR, NOW - 10 * HOUR, NOW - 5 * HOUR, NOW - HOUR]
    assert stop_outs(times, DEFAULTS, at=NOW) == (4, NOW + 3 * HOUR)
    assert stop_outs(times, DEFAULTS, at=NOW + 3 * HOUR) == (4, None)
    assert stop_outs(times[1:], DEFAULTS, at=NOW) == (3, None)
    assert stop_outs([], DEFAULTS, at=NOW) == (0, None)


@pytest.mark.parametrize("hours", [24, 25])
def test_stop_outs_a_day_or_more_apart_start_none(hours):
    times = [NOW - hours * HOUR, NOW - 10 * HOUR, NOW - 5 * HOUR, NOW]
    assert stop_outs(times, DEFAULTS, at=NOW) == (3, None)
    inside = [NOW - 24 * HOUR + timedelta(microseconds=1), *times[1:]]
    assert stop_outs(inside, DEFAULTS, at=NOW) == (4, NOW + 4 * HOUR)


def test_a_pause_longer_than_the_window_lasts_though_the_window_has_passed():
    long = limits(stop_out_pause_hours=48, max_stop_outs=2)
    times = [NOW - 31 * HOUR, NOW - 30 * HOUR]
    assert stop_outs(times, long, at=NOW) == (0, NOW + 18 * HOUR)


def test_a_symbol_rests_half_an_hour_after_a_loss():
    assert cooldown(NOW, DEFAULTS) == NOW + timedelta(minutes=30)
    assert cooldown(NOW, limits(symbol_cooldown_minutes=0)) == NOW
    assert cooldown(None, DEFAULTS) is None


def test_two_r_lost_over_the_last_four_trades_lock_for_a_day():
    results = [(NOW - k * HOUR, D(r)) for k, r in ((4, "-0.5"), (3, "-1"), (2, "0.5"), (1, "-1"))]
    assert losing_lock(results) == NOW + 23 * HOUR
    assert losing_lock([(NOW - 9 * HOUR, D(-9)), *results]) == NOW + 23 * HOUR
    assert losing_lock(results[1:]) is None
    better = [*results[:3], (NOW - HOUR, D("-0.99"))]
    assert losing_lock(better) is None
    assert losing_lock([]) is None
