"""NAV in units: performance apart from the money that comes and goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.nav import Nav, after_flow, begin, marked, rebased
from tests.risk.builders import D


def test_an_account_begins_at_one():
    assert begin(D(10000)) == Nav(units=D(10000), nav=D(1), peak=D(1))
    assert begin(D(10000)).drawdown == 0


def test_a_loss_lowers_the_nav_and_the_peak_stays():
    down = marked(marked(begin(D(10000)), D(12000)), D(9000))
    assert (down.nav, down.peak) == (D("0.9"), D("1.2"))
    assert down.drawdown == D("0.25")


def test_a_deposit_does_not_hide_a_drawdown():
    down = marked(begin(D(10000)), D(9000))
    rich = after_flow(down, equity_before=D(9000), amount=D(90000))
    assert marked(rich, D(99000)).drawdown == D("0.1")


def test_a_withdrawal_makes_no_drawdown():
    poor = after_flow(begin(D(10000)), equity_before=D(10000), amount=D(-9000))
    assert (poor.units, marked(poor, D(1000)).drawdown) == (1000, 0)


def test_the_flow_is_counted_at_the_equity_of_its_moment():
    """1,000 made since the last mark belong to the units that were there."""
    grown = after_flow(begin(D(10000)), equity_before=D(11000), amount=D(1100))
    assert (grown.nav, grown.units, grown.peak) == (D("1.1"), 11000, D("1.1"))


def test_an_account_emptied_and_refilled_goes_on_where_it_was():
    down = marked(begin(D(10000)), D(9500))
    empty = after_flow(down, equity_before=D(9500), amount=D(-9500))
    assert empty.units == 0
    again = after_flow(empty, equity_before=D(0), amount=D(1900))
    assert (again.units, again.nav, again.drawdown) == (2000, D("0.95"), D("0.05"))


def test_money_nobody_told_of_buys_units_where_there_are_none():
    assert marked(Nav(), D(500)) == begin(D(500))


def test_more_taken_than_there_was_leaves_no_units_below_zero():
    assert after_flow(begin(D(100)), equity_before=D(100), amount=D(-500)).units == 0


def test_a_total_loss_is_all_of_the_peak_and_a_deposit_begins_again():
    lost = marked(begin(D(100)), D(-7))
    assert (lost.nav, lost.drawdown) == (0, 1)
    assert after_flow(lost, equity_before=D(0), amount=D(0)) == lost
    assert after_flow(lost, equity_before=D(0), amount=D(-5)) == lost
    assert after_flow(lost, equity_before=D(0), amount=D(300)) == begin(D(300))
    assert rebased(lost) == lost


def test_a_row_without_units_and_worth_is_begun_by_the_next_money():
    nothing = Nav(units=D(0), nav=D(0), peak=D(2))
    assert marked(nothing, D(0)) == nothing
    assert marked(nothing, D(5)) == begin(D(5))
    assert after_flow(nothing, equity_before=D(0), amount=D(5)) == begin(D(5))


def test_rebasing_sets_the_peak_to_this_moment():
    down = marked(begin(D(10000)), D(8800))
    assert rebased(down).drawdown == 0
    assert marked(rebased(down), D(7920)).drawdown == D("0.1")


def test_the_drawdown_is_never_rounded_down():
    down = Nav(units=D(3), nav=D(2), peak=D(3))
    assert down.drawdown == D("0.333333333333333334")


equities = st.integers(1, 10**9).map(lambda cents: D(cents) / 100)


shares = st.integers(1, 10**4).map(lambda percent: D(percent) / 100)


@given(start=st.integers(1, 10**7).map(D), grown=shares, flow=shares)
def test_a_flow_moves_no_nav(start, grown, flow):
    now = start * grown
    before = marked(begin(start), now)
    rich = marked(after_flow(before, equity_before=now, amount=now * flow), now + now * flow)
    poor = marked(after_flow(before, equity_before=now, amount=-now / 4), now - now / 4)
    for after in (rich, poor):
        assert after.nav == pytest.approx(before.nav, rel=D("1e-15"))
        assert after.drawdown == pytest.approx(before.drawdown, abs=D("1e-15"))


steps = st.lists(st.tuples(equities, st.integers(-50, 200).map(lambda p: D(p) / 100)), max_size=12)


@given(start=equities, history=steps)
def test_the_peak_only_rises_and_the_drawdown_is_a_fraction(start, history):
    state, peak = begin(start), D(1)
    for equity, share in history:
        state = after_flow(state, equity_before=equity, amount=equity * share)
        assert state.peak >= peak
        assert state.peak >= state.nav > 0
        assert 0 <= state.drawdown <= 1
        assert state.units >= 0
        peak = state.peak


@given(start=equities, marks=st.lists(equities, min_size=1), k=st.sampled_from([D(10), D("0.1")]))
def test_the_nav_does_not_know_how_large_the_account_is(start, marks, k):
    small, large = begin(start), begin(start * k)
    for equity in marks:
        small, large = marked(small, equity), marked(large, equity * k)
    assert (small.nav, small.peak) == (large.nav, large.peak)
