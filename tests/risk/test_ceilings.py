"""Kelly and optimal f: ceilings that a trader's own results must carry."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk import ceilings
from tests.risk.builders import D


def test_a_ceiling_needs_thirty_trades_a_loss_and_a_safe_expectancy():
    good = [D(2), D(2), D(-1)] * 10
    assert ceilings.why_undefined(good) == ""
    assert "there are 29" in ceilings.why_undefined(good[:29])
    assert "at least one loss" in ceilings.why_undefined([D(1)] * 30)
    assert "at least one loss" in ceilings.why_undefined([D(0)] * 30)
    even = [D(1), D(-1)] * 20
    assert "not safely above 0" in ceilings.why_undefined(even)
    for name in ("kelly", "half_kelly", "quarter_kelly", "optimal_f"):
        assert ceilings.ceiling_fraction(name, even) is None
        assert ceilings.ceiling_fraction(name, good[:29]) is None
        assert 0 < ceilings.ceiling_fraction(name, good) <= 1


def test_the_lower_bound_of_the_expectancy_is_the_mean_less_1_96_errors():
    # 2, 4, 4, 4, 5, 5, 7, 9: mean 5, sum of squares 32, s = sqrt(32 / 7)
    results = [D(each) for each in (2, 4, 4, 4, 5, 5, 7, 9)]
    error = (D(32) / 7 / 8).sqrt()
    expected = 5 - D("1.959963984540054") * error
    assert abs(ceilings.lower_expectancy(results) - expected) < D("1e-20")
    with pytest.raises(ValueError, match="two results"):
        ceilings.lower_expectancy(results[:1])
    assert ceilings.lower_expectancy([D(1), D(1)]) == 1


def test_break_even_trades_count_as_no_win():
    results = [D(2)] * 20 + [D(0)] * 5 + [D(-1)] * 5
    assert ceilings.kelly(results) == D("0.50000000")  # 20/30 - (10/30) / 2
    assert ceilings.kelly([D(1)] * 25 + [D(-1)] * 6 + [D(0)]) == D("0.56250000")


@given(st.lists(st.integers(-300, 900).map(lambda x: D(x) / 100), min_size=30, max_size=60))
def test_no_other_fraction_grows_the_account_faster_than_optimal_f(results):
    best = ceilings.optimal_f(results)
    if best is None:
        return
    worst = -min(results)

    def wealth(fraction: Decimal) -> Decimal:
        product = D(1)
        for each in results:
            product *= 1 + fraction * each
        return product

    assert 0 < best <= 1
    top = min(D(1), 1 / worst)
    found = wealth(min(best, top))
    for hundredth in range(1, 100):
        other = top * hundredth / 100
        # optimal f is floored at 8 decimals: a hair less than the peak
        assert wealth(other) <= found * (1 + D("1e-6"))


@pytest.mark.parametrize(
    ("win", "loss", "wins", "losses", "full"),
    [
        ("2", "1", 20, 20, "0.25"),  # 1/2 - (1/2) / 2
        ("3", "2", 40, 20, "0.4444444444"),  # 2/3 - (1/3) / 1.5
        ("0.6", "0.5", 30, 15, "0.3888888888"),  # 2/3 - (1/3) / 1.2
    ],
)
def test_with_one_kind_of_win_and_of_loss_optimal_f_is_kelly(win, loss, wins, losses, full):
    """Kelly's own case: f = W - (1 - W)/payoff of what the loss takes, so f / |worst R| of 1R."""
    results = [D(win)] * wins + [-D(loss)] * losses
    assert 0 <= D(full) - ceilings.kelly(results) < D("1e-8")
    assert abs(ceilings.optimal_f(results) - D(full) / D(loss)) < D("3e-8")


def test_half_and_quarter_are_shares_of_the_whole_rounded_down():
    results = [D(3)] * 40 + [D(-2)] * 20
    shares = [
        ceilings.ceiling_fraction(f"{part}kelly", results) for part in ("", "half_", "quarter_")
    ]
    assert shares == [D("0.44444444"), D("0.22222222"), D("0.11111111")]


def test_small_losses_justify_all_of_the_equity_and_never_more():
    """Losses of a fifth of R: optimal f is 0.9, of what five times the equity would lose."""
    assert ceilings.optimal_f([D(2)] * 45 + [D("-0.2")] * 5) == 1
