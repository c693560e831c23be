"""What was lost: deposits hide nothing, withdrawals are no loss."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.losses import day_lost, lost_since, week_lost
from tests.risk.builders import D, book


@pytest.mark.parametrize(
    ("start", "flows", "equity", "lost", "base"),
    [
        (10000, 0, 9800, 200, 10000),
        (10000, 0, 10500, 0, 10000),
        (10000, 5000, 14800, 200, 10000),  # a deposit: the base stays
        (10000, -4000, 5900, 100, 6000),  # a withdrawal: the base shrinks
        (10000, -10000, 0, 0, 0),
        (0, 5000, 4000, 1000, 0),  # an account that began empty has nothing it may lose
        (10000, -12000, 0, 0, 0),  # its profits were taken out too
    ],
)
def test_lost_since_a_start(start, flows, equity, lost, base):
    assert lost_since(D(start), D(flows), D(equity)) == (lost, base)


money = st.integers(0, 10**7).map(D)


@given(start=money, lost=st.integers(-(10**6), 10**6).map(D), flow=money)
def test_a_deposit_changes_neither_the_loss_nor_its_base(start, lost, flow):
    assert lost_since(start, flow, start + flow - lost) == lost_since(start, D(0), start - lost)


@given(start=money, lost=st.integers(-(10**6), 10**6).map(D), flow=money)
def test_a_withdrawal_changes_no_loss_and_never_makes_room(start, lost, flow):
    before, base = lost_since(start, D(0), start - lost)
    after, less = lost_since(start, -flow, start - flow - lost)
    assert after == before
    assert less <= base


def test_the_week_has_its_own_start_and_flows():
    two = book(
        equity=D(9000), day_start_equity=D(9500), week_start_equity=D(11000), day_flows=D(0),
        week_flows=D(-1000),
    )  # fmt: skip
    assert day_lost(two) == (500, 9500)
    assert week_lost(two) == (1000, 10000)
    assert week_lost(book(equity=D(9000))) == (1000, 10000)
