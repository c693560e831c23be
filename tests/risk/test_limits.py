"""A trader's limits and the protocol's figures."""

from datetime import timedelta

import pytest

from risk import protocol
from risk.limits import PRESETS
from risk.protocol import CAPS, DEFAULTS, Limits
from tests.risk.builders import D, book, limits, plan, verdict


@pytest.mark.parametrize("name", list(CAPS))
def test_no_limit_may_exceed_its_cap(name):
    least, most = CAPS[name]
    assert getattr(Limits(**{name: most}), name) == most
    assert getattr(Limits(**{name: least}), name) == least
    beyond = most + 1 if isinstance(most, int) else most + D("0.0001")
    below = least - 1 if isinstance(least, int) else least - D("0.00001")
    for wrong in (beyond, below):
        with pytest.raises(ValueError, match=f"{name} is .*Choose a value in that range"):
            Limits(**{name: wrong})


@pytest.mark.parametrize("wrong", ["NaN", "Infinity", "-Infinity", "sNaN"])
def test_a_limit_must_be_a_number(wrong):
    with pytest.raises(ValueError, match="max_risk"):
        Limits(max_risk=D(wrong))


def test_the_caps_and_thresholds_are_the_protocols():
    most = {name: cap for name, (_, cap) in CAPS.items()}
    assert (most["max_risk"], most["max_heat"], most["max_day_loss"]) == (
        D("0.06"), D("0.10"), D("0.05"),
    )  # fmt: skip
    assert (most["max_positions"], most["max_losing_streak"], most["max_trades_a_day"]) == (
        8, 3, 20,
    )  # fmt: skip
    assert CAPS["min_reward_to_risk"][0] == 1
    assert (D("0.02"), D("0.03")) == (protocol.ADVICE_RISK, protocol.ACKNOWLEDGED_RISK)
    assert D("0.005") == protocol.SMALLEST_RISK
    assert timedelta(hours=24) == protocol.STREAK_PAUSE


def test_the_message_never_names_more_than_the_limit():
    odd = book(equity=D("9999.99"))
    assert "to 99.99 USDT or less" in verdict("trade_risk", plan(budget="150"), odd).message
    wide = limits(max_risk=D("0.06"))
    assert "to 199.99 USDT" in verdict("large_risk", plan(budget="250"), odd, wide).message


def test_a_fresh_book_holds_no_risk():
    idle = book()
    totals = (idle.heat, idle.open_risk, idle.pending_risk, idle.open_positions)
    counts = (idle.positions_in_symbol, idle.losing_streak, idle.trades_today, idle.orders)
    assert set(totals) | set(counts) | {idle.algo_orders, idle.order_lists} == {0}


@pytest.mark.parametrize(
    ("name", "default", "least", "most", "conservative"),
    [
        ("max_risk", "0.01", "0.0001", "0.06", "0.005"),
        ("max_heat", "0.03", "0.0001", "0.10", "0.02"),
        ("max_day_loss", "0.03", "0.0001", "0.05", "0.02"),
        ("max_week_loss", "0.06", "0.0001", "0.08", "0.04"),
        ("max_drawdown", "0.10", "0.0001", "0.10", "0.06"),
        ("min_reward_to_risk", "2", "1", "100", "2"),
        ("max_spread_share", "0.10", "0.0001", "0.33", "0.10"),
        ("max_slippage_r", "0.10", "0.0001", "0.5", "0.10"),
        ("max_positions", "5", "1", "8", "3"),
        ("max_losing_streak", "3", "1", "3", "2"),
        ("max_trades_a_day", "10", "1", "20", "5"),
        ("max_stop_outs", "4", "1", "20", "3"),
        ("stop_out_pause_hours", "4", "1", "168", "12"),
        ("symbol_cooldown_minutes", "30", "0", "10080", "120"),
        ("lock_losing_symbols", "0", "0", "1", "1"),
        ("lock_losing_setups", "0", "0", "1", "0"),
    ],
)
def test_default_range_and_preset_are_the_protocols(name, default, least, most, conservative):
    """The table traders are shown, written down a second time: it changes by decision only."""
    assert getattr(DEFAULTS, name) == D(default)
    assert CAPS[name] == (D(least), D(most))
    assert getattr(PRESETS["conservative"], name) == D(conservative)


def test_the_thresholds_nobody_may_set_are_the_protocols():
    assert (D("0.001"), D("0.15")) == (protocol.MIN_STOP_FRACTION, protocol.MAX_STOP_FRACTION)
    assert (protocol.MIN_STOP_TICKS, protocol.MIN_STOP_SPREADS) == (3, 3)
    assert (D("0.25"), D(1)) == (protocol.MAX_DRIFT_R, protocol.MAX_LEVERAGE)
    assert timedelta(seconds=5) == protocol.MAX_MARKET_AGE
    assert timedelta(seconds=30) == protocol.MAX_ACCOUNT_AGE
    assert timedelta(milliseconds=250) == protocol.MAX_CLOCK_ERROR
    assert timedelta(seconds=3) == protocol.MAX_UNPROTECTED
    assert (protocol.BRACKET_ORDERS, protocol.BRACKET_ALGO_ORDERS) == (3, 2)
    assert (D("0.5"), D(1), 2) == (
        protocol.RECOVERY_SHARE, protocol.RECOVERY_R, protocol.RECOVERY_TRADES,
    )  # fmt: skip
    assert (protocol.POSITIONS_PER_SYMBOL, D("0.8")) == (1, protocol.WARN_SHARE)
