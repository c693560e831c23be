"""What a series of trades says: undefined where it has no meaning, never 0 or infinity."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.statistics import statistics

D = Decimal
rs = st.integers(-5_000_000, 20_000_000).map(lambda millionths: D(millionths) / 1_000_000)


def of(*series):
    return statistics([D(r) for r in series])


def test_without_trades_nothing_is_defined():
    nothing = of()
    assert (nothing.trades, nothing.total_r) == (0, 0)
    assert nothing.expectancy is nothing.win_rate is nothing.profit_factor is None
    assert nothing.best is nothing.worst is nothing.payoff is None


def test_without_losses_the_profit_factor_is_undefined():
    winning = of(2, 3)
    assert winning.profit_factor is None
    assert winning.payoff is None
    assert (winning.win_rate, winning.expectancy) == (1, D("2.5"))


def test_without_wins_the_profit_factor_is_nothing():
    losing = of(-1, -1)
    assert losing.profit_factor == 0
    assert losing.average_win is None
    assert (losing.total_r, losing.expectancy, losing.win_rate) == (-2, -1, 0)


def test_four_trades_by_hand():
    four = of("2.5", "-1", "-1.2", "0.02")
    assert four.total_r == D("0.32")
    assert four.expectancy == D("0.08")
    assert (four.wins, four.losses, four.break_evens) == (1, 2, 1)
    assert four.win_rate == D("0.25")
    assert four.profit_factor == D("1.14545455")  # 2.52 / 2.2
    assert four.payoff == D("1.14545455")  # 1.26 / 1.1
    assert (four.best, four.worst) == (D("2.5"), D("-1.2"))


@pytest.mark.parametrize(
    ("r", "kind"), [("0.05", "wins"), ("0.049", "break_evens"), ("-0.05", "losses")]
)
def test_the_break_even_band_is_a_class_of_its_own(r, kind):
    assert getattr(of(r), kind) == 1


@given(st.lists(rs, max_size=60))
def test_the_figures_equal_a_count_in_fractions(series):
    told = statistics(series)
    exact = [Fraction(r) for r in series]
    assert Fraction(told.total_r) == sum(exact)
    if exact:
        assert abs(Fraction(told.expectancy) - sum(exact) / len(exact)) <= Fraction(1, 10**8)
    lost = -sum(r for r in exact if r < 0)
    if lost:
        factor = sum(r for r in exact if r > 0) / lost
        assert abs(Fraction(told.profit_factor) - factor) <= Fraction(1, 10**8)
    assert told.wins + told.losses + told.break_evens == told.trades


@given(st.lists(rs, min_size=1, max_size=40))
def test_expectancy_is_what_wins_bring_less_what_losses_take(series):
    """W * average win - L * average loss, with the classes by sign."""
    told = statistics(series)
    count = len(series)
    won, lost = sum(r > 0 for r in series), sum(r < 0 for r in series)
    identity = (won * (told.average_win or D(0)) + lost * (told.average_loss or D(0))) / count
    assert abs(identity - told.expectancy) < D("1e-6")


@given(st.lists(rs, max_size=30), st.randoms())
def test_the_order_of_the_trades_plays_no_part(series, random):
    shuffled = random.sample(series, len(series))
    assert statistics(shuffled) == statistics(series)
