"""Exit feasibility: no entry whose stop or target could not be placed after fees (R11)."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.sizing import Costs
from tests.risk.builders import FREE, IN_COIN, D, size


def test_a_size_below_the_least_quantity_names_the_filter_and_what_would_pass():
    given_size = size(budget="0.5", costs=FREE, min_quantity=D("0.001"))
    assert given_size.quantity == 0
    why = given_size.unplaceable
    assert (why.code, why.filter) == ("lot_size", "LOT_SIZE")
    assert (why.quantity, why.budget) == (D("0.00100"), D("0.60"))
    assert "Risk at least 0.60 USDT" in why.message


def test_an_entry_below_the_least_notional_is_refused():
    why = size(budget="0.05", costs=FREE).unplaceable  # 0.00008 BTC are worth 4.80
    assert (why.code, why.filter) == ("notional", "NOTIONAL")
    assert "4.8 USDT; the exchange's least is 5 USDT" in why.message


def test_an_entry_just_large_enough_is_refused_where_the_stop_would_be_too_small_after_fees():
    """0.0001 BTC cost 6.00, but after the fee 0.00009 are left, worth 5.35 at the stop."""
    refused = size(budget="0.075", costs=IN_COIN, min_notional=D("5.5"))
    why = refused.unplaceable
    assert refused.quantity == 0
    assert (why.code, why.filter) == ("stop_notional", "NOTIONAL")
    assert "after fees 0.00009 BTC at 59400 is worth 5.346 USDT" in why.message
    assert why.quantity == D("0.00011")
    assert size(budget=why.budget, costs=IN_COIN, min_notional=D("5.5")).quantity >= why.quantity


def test_the_minimum_does_not_bind_market_exits_where_binance_says_so():
    thin = {"budget": "0.075", "costs": IN_COIN, "min_notional": D("5.5")}
    assert size(**thin, min_notional_for_market=False).unplaceable is None
    # ... but exits that must be limit orders are bound all the same
    bound = size(**thin, min_notional_for_market=False, order_types=frozenset({"LIMIT"}))
    assert bound.unplaceable.code == "stop_notional"


def test_a_market_exit_below_its_own_least_quantity_is_refused():
    why = size(budget="60", costs=FREE, market_min_quantity=D("0.2")).unplaceable
    assert (why.code, why.filter) == ("market_lot_size", "MARKET_LOT_SIZE")
    assert why.budget == 120


def test_where_both_cash_and_risk_are_missing_both_are_named():
    why = size(cash="3", budget="0.01", costs=FREE).unplaceable
    assert "Risk at least 0.06 USDT" in why.message
    assert "Free at least 5.40 USDT of cash" in why.message


def test_missing_cash_is_named_as_what_is_missing():
    why = size(cash="3", costs=FREE).unplaceable
    assert "Free at least 5.40 USDT of cash" in why.message
    assert "Risk at least" not in why.message


def test_where_no_quantity_passes_another_symbol_is_the_way_out():
    why = size(budget="1", costs=FREE, min_quantity=D(2), max_quantity=D(1)).unplaceable
    assert why.quantity is None
    assert "Choose another symbol" in why.message


def test_the_least_size_is_a_whole_step_where_the_step_is_larger_than_the_least_quantity():
    why = size(budget="0.5", costs=FREE, step=D("0.001")).unplaceable
    assert (why.code, why.quantity) == ("lot_size", D("0.001"))
    assert "the exchange's least is 0.001 BTC" in why.message


def test_a_fee_in_the_coin_may_leave_less_than_the_exchange_sells():
    """0.00001 BTC bought, less the fee, is no whole step any more."""
    why = size(budget="0.0072", costs=IN_COIN, min_notional=D(0)).unplaceable
    assert (why.code, why.filter, why.quantity) == ("exit_lot_size", "LOT_SIZE", D("0.00002"))
    assert "After fees 0 BTC would be left" in why.message


def test_a_notional_exactly_at_the_least_passes():
    assert size(budget="0.06", costs=FREE, min_notional=D("5.94")).unplaceable is None
    assert size(budget="0.06", costs=FREE, min_notional=D("5.9401")).unplaceable is not None


def test_a_shorts_target_is_its_smallest_order():
    short = {"direction": "short", "stop": "60600", "target": "57000", "costs": FREE}
    why = size(**short, budget="0.06", min_notional=D("5.9")).unplaceable
    assert (why.code, why.quantity) == ("target_notional", D("0.00011"))


def test_a_short_buys_back_what_it_owes_and_the_fee_on_top():
    short = size(direction="short", stop="60600", target="58000", costs=IN_COIN)
    assert (short.quantity, short.received) == (D("0.13876"), D("0.13876"))  # 100 / 720.66066…
    assert short.leg_quantity == D("0.13890")  # 0.13876 / 0.999 = 0.138898…
    fee = Fraction("0.13876") * Fraction(1, 999) * 60600  # in coins, at the stop's price
    assert 0 <= Fraction(short.exit_fee) - fee < Fraction(1, 10**18)


@given(
    cents=st.integers(min_value=1, max_value=100),
    bips=st.integers(min_value=0, max_value=100),
    in_base=st.booleans(),
    least=st.integers(min_value=1, max_value=50),
)
def test_what_would_pass_passes_and_every_given_size_can_leave(cents, bips, in_base, least):
    costs = Costs(D(bips) / 10000, D(bips) / 10000, fee_in_base=in_base)
    filters = {"costs": costs, "min_notional": D(least)}
    given_size = size(budget=D(cents) / 100, **filters)
    if given_size.unplaceable:
        assert given_size.quantity == 0
        given_size = size(budget=given_size.unplaceable.budget, **filters)
    assert given_size.unplaceable is None
    assert Fraction(given_size.leg_quantity) * 59400 >= least


@pytest.mark.parametrize("budget", ["0.00001", "0"])
def test_next_to_nothing_at_risk_trades_nothing(budget):
    given_size = size(budget=budget)
    assert given_size.quantity == 0
    assert given_size.worst_loss == 0
    assert given_size.unplaceable.code == "lot_size"
