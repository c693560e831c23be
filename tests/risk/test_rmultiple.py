"""R: an exit exactly at the stop is exactly -1R, wherever the fees are taken."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk import rmultiple
from risk.rmultiple import Execution, initial_risk, net_profit, planned_risk, r_multiple, r_of
from risk.sizing import Costs
from tests.risk.builders import IN_COIN, IN_QUOTE, D

FEE = D("0.001")


def buy(price, quantity, *, in_coin=True, rate=FEE):
    price, quantity = D(price), D(quantity)
    if in_coin:
        return Execution(price, quantity, fee_base=quantity * rate)
    return Execution(price, quantity, fee_quote=quantity * price * rate)


def sell(price, quantity, *, rate=FEE):
    price, quantity = D(price), D(quantity)
    return Execution(price, quantity, fee_quote=quantity * price * rate)


def r(entries, exits, *, stop, direction="long", **fee):
    risk = initial_risk(entries=entries, direction=direction, stop=D(stop), exit_fee=FEE, **fee)
    return r_multiple(direction=direction, entries=entries, exits=exits, initial_risk=risk)


def test_one_bitcoin_risks_what_the_protocol_says():
    in_quote = initial_risk(
        entries=[buy(60000, 1, in_coin=False)], direction="long", stop=D(59400), exit_fee=FEE
    )
    in_coin = initial_risk(entries=[buy(60000, 1)], direction="long", stop=D(59400), exit_fee=FEE)
    assert (in_quote, in_coin) == (D("719.40"), D("718.7406"))


@pytest.mark.parametrize("costs", [IN_QUOTE, IN_COIN])
@pytest.mark.parametrize(("direction", "stop"), [("long", 59400), ("short", 60600)])
def test_the_planned_risk_is_the_initial_risk_of_a_fill_at_the_plan(costs, direction, stop):
    plan = {"direction": direction, "stop": D(stop)}
    entry = buy(60000, 2, in_coin=costs.fee_in_base) if direction == "long" else sell(60000, 2)
    assert planned_risk(entry=D(60000), quantity=D(2), costs=costs, **plan) == initial_risk(
        entries=[entry], exit_fee=FEE, exit_fee_in_base=costs.fee_in_base, **plan
    )


def test_an_exit_at_the_stop_is_minus_one_r_with_the_fee_in_the_coin():
    assert r([buy(60000, 1)], [sell(59400, "0.999")], stop=59400) == -1


def test_an_exit_at_the_stop_is_minus_one_r_with_the_fee_in_quote():
    assert r([buy(60000, 1, in_coin=False)], [sell(59400, 1)], stop=59400) == -1


def test_a_shorts_exit_at_the_stop_is_minus_one_r():
    in_quote = Execution(D(60600), D(1), fee_quote=D("60.6"))
    assert r([sell(60000, 1)], [in_quote], stop=60600, direction="short") == -1


def test_a_shorts_exit_at_the_stop_is_minus_one_r_with_the_fee_in_the_coin():
    bought = Execution(D(60600), D(1000), fee_base=D(1))  # 999 are returned
    assert (
        r([sell(60000, 999)], [bought], stop=60600, direction="short", exit_fee_in_base=True) == -1
    )


def test_a_gap_through_the_stop_loses_more_than_one_r():
    assert r([buy(60000, 1)], [sell(59000, "0.999")], stop=59400) < D("-1.5")


def test_a_win_of_three_distances_is_less_than_three_r_after_fees():
    # 61800 * 0.999 * 0.999 - 60000 = 1676.4618 against 718.7406
    won = r([buy(60000, 1)], [sell(61800, "0.999")], stop=59400)
    assert won == (D("1676.4618") / D("718.7406")).quantize(D("1E-18"), context=rmultiple._WIDE)


def test_partial_exits_have_one_numerator_and_one_denominator():
    halves = [sell(61800, "0.4995"), sell(59400, "0.4995")]
    together = r([buy(60000, 1)], halves, stop=59400)
    apart = [r([buy(60000, 1)], [sell(price, "0.999")], stop=59400) for price in (61800, 59400)]
    assert abs(together - sum(apart) / 2) < D("1E-17")


def test_coins_left_over_are_neither_won_nor_lost():
    """Half of what was received is sold at 61,000: 0.4995 * 1000, less all fees paid so far."""
    profit = net_profit(direction="long", entries=[buy(60000, 1)], exits=[sell(61000, "0.4995")])
    assert profit == D("499.5") - 60 - D("30.4695")


def test_two_fills_at_two_prices_count_at_their_average():
    two = [buy(60000, 1, rate=D(0)), buy(60600, 2, rate=D(0))]
    profit = net_profit(direction="long", entries=two, exits=[sell(61000, 1, rate=D(0))])
    assert profit == 600  # 61,000 less the average of 60,400


def test_a_stop_that_risks_nothing_leaves_r_undefined():
    with pytest.raises(ValueError, match="undefined"):
        initial_risk(entries=[buy(60000, 1, rate=D(0))], direction="long", stop=D(60000),
                        exit_fee=D(0))  # fmt: skip
    with pytest.raises(ValueError, match="undefined"):
        r_of(D(1), D(0))
    with pytest.raises(ValueError, match="undefined"):
        r_of(D(1), D("NaN"))
    with pytest.raises(ValueError, match="no R"):
        initial_risk(entries=[], direction="long", stop=D(1), exit_fee=FEE)
    with pytest.raises(ValueError, match="received nothing"):
        net_profit(direction="long", entries=[], exits=[])


@given(
    entries=st.lists(
        st.tuples(st.integers(5_950_000, 6_100_000), st.integers(1, 10_000)), min_size=1, max_size=5
    ),
    rate=st.integers(0, 100).map(lambda bips: D(bips) / 10_000),
    in_coin=st.booleans(),
)
def test_every_full_exit_at_the_stop_is_minus_one_r(entries, rate, in_coin):
    """However many fills the entry took, at whatever fee."""
    bought = [
        buy(D(cents) / 100, D(steps) / 100_000, in_coin=in_coin, rate=rate)
        for cents, steps in entries
    ]
    stop = D(59000)
    received = sum((fill.net_quantity for fill in bought), D(0))
    risk = initial_risk(entries=bought, direction="long", stop=stop, exit_fee=rate)
    profit = net_profit(direction="long", entries=bought, exits=[sell(stop, received, rate=rate)])
    assert r_of(profit, risk) == -1


@given(
    rate=st.integers(0, 100).map(lambda bips: D(bips) / 10_000),
    exit_cents=st.integers(5_000_000, 7_000_000),
    factor=st.integers(2, 1000),
)
def test_r_does_not_depend_on_the_size_of_the_trade(rate, exit_cents, factor):
    def outcome(quantity):
        entries = [buy(60000, quantity, rate=rate)]
        exits = [sell(D(exit_cents) / 100, entries[0].net_quantity, rate=rate)]
        lot = {"direction": "long", "entries": entries}
        risk = initial_risk(stop=D(59400), exit_fee=rate, **lot)
        return r_multiple(exits=exits, initial_risk=risk, **lot)

    assert outcome(D("0.01")) == outcome(D("0.01") * factor)


def test_funding_paid_counts_as_a_cost():
    trade = {"direction": "long", "entries": [buy(60000, 1)], "exits": [sell(61000, "0.999")]}
    assert net_profit(**trade) - net_profit(**trade, funding=Decimal(5)) == 5


def test_slippage_is_not_part_of_the_planned_risk():
    bare, slipping = Costs(FEE, FEE), Costs(FEE, FEE, slippage=D(10))
    lot = {"direction": "long", "entry": D(60000), "stop": D(59400), "quantity": D(1)}
    assert planned_risk(costs=bare, **lot) == planned_risk(costs=slipping, **lot)
