"""A trader's limits and the protocol's figures."""

from datetime import timedelta

import pytest

from risk import protocol
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


def test_the_defaults_are_the_protocols():
    assert (DEFAULTS.max_risk, DEFAULTS.max_heat, DEFAULTS.max_day_loss) == (
        D("0.01"), D("0.03"), D("0.03"),
    )  # fmt: skip
    assert (DEFAULTS.max_positions, DEFAULTS.max_losing_streak) == (5, 3)
    assert (DEFAULTS.max_trades_a_day, DEFAULTS.min_reward_to_risk) == (10, 2)
