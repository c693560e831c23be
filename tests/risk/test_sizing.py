"""Sizing: whatever the rounding, a stopped-out trade loses at most one R."""

from fractions import Fraction

import pytest

from risk import sizing
from risk.sizing import Costs, NoStopDistance, WrongSide, entry_cap, position_size
from tests.risk.builders import (
    FREE,
    IN_COIN,
    IN_QUOTE,
    D,
    size,
    symbol,
)

# By hand, from the protocol's definitions.


def test_without_costs_a_hundred_over_a_thousand_points_is_a_tenth():
    assert size(budget="100", entry="64000", stop="63000", costs=FREE).quantity == D("0.1")


@pytest.mark.parametrize(
    ("costs", "direction", "stop", "loss"),
    [
        (IN_QUOTE, "long", "59400", "719.40"),  # 600 + 60 + 59.40
        (IN_COIN, "long", "59400", "718.7406"),  # 60000 - 0.999 * 0.999 * 59400
        (IN_QUOTE, "short", "60600", "720.60"),  # 600 + 60 + 60.60
        (FREE, "long", "59400", "600"),
    ],
)
def test_one_bitcoin_loses_what_the_protocol_says(costs, direction, stop, loss):
    amount, per = sizing.loss_per_unit(direction, D(60000), D(stop), costs)
    assert amount / per == D(loss)


def test_a_short_whose_buy_back_pays_in_the_coin_loses_the_extra_coins_too():
    amount, per = sizing.loss_per_unit("short", D(60000), D(60600), IN_COIN)
    assert Fraction(amount) / Fraction(per) == Fraction(60600) / Fraction(999, 1000) - 59940


def test_a_hundred_at_risk_buys_this_much_bitcoin_with_fees_in_quote_and_in_coin():
    assert size(costs=IN_QUOTE).quantity == D("0.13900")  # 100 / 719.40 = 0.139004…
    assert size(costs=IN_COIN).quantity == D("0.13913")  # 100 / 718.7406 = 0.139132…


def test_the_answer_adds_up_for_a_fee_in_the_coin():
    given_size = size(costs=IN_COIN, target="62000")
    assert given_size.worst_loss == D("0.13913") * D("718.7406")
    assert given_size.rounding_loss == 100 - given_size.worst_loss
    assert given_size.received == D("0.13913") * D("0.999")
    assert given_size.leg_quantity == D("0.13899")
    assert given_size.notional == D("8347.80")
    assert given_size.entry_fee == D("8.3478")
    assert given_size.exit_fee == D("59.4") * given_size.received
    # 62000 * 0.999 * 0.999 - 60000 = 1876.062 a coin, against 718.7406
    assert given_size.planned_profit == D("0.13913") * D("1876.062")
    assert given_size.reward_to_risk == D("2.61020735")
    assert given_size.reward_to_risk_gross == D("3.33333333")


def test_the_size_comes_from_the_worst_entry_and_the_reward_from_the_plans_entry():
    given_size = size(worst_entry="60060", costs=FREE, target="61200", stop="59400")
    assert given_size.quantity == D("0.15151")  # 100 / 660
    assert given_size.reward_to_risk == 2  # 1200 / 600


def test_slippage_makes_the_size_smaller():
    slipping = Costs(D("0.001"), D("0.001"), slippage=D(60))
    assert size(costs=slipping).quantity == D("0.12830")  # 100 / 779.40


# Which limit binds.


def test_cash_binds_where_the_stop_is_close():
    given_size = size(cash="1000", costs=IN_QUOTE)
    assert given_size.bound == "cash"
    assert given_size.quantity == D("0.01665")  # 1000 / 60060
    assert given_size.worst_loss < 12


def test_a_fee_in_the_coin_is_not_paid_from_cash():
    assert size(cash="1000", costs=IN_COIN).quantity == D("0.01666")  # 1000 / 60000


@pytest.mark.parametrize(
    ("changes", "bound", "quantity"),
    [
        ({"max_quantity": D("0.05")}, "max_quantity", "0.05"),
        ({"market_max_quantity": D("0.04")}, "market_max_quantity", "0.04"),
        ({"max_notional": D(3000)}, "max_notional", "0.05"),
        ({"max_position": D("0.03")}, "max_position", "0.03"),
    ],
)
def test_a_filter_that_binds_is_named(changes, bound, quantity):
    given_size = size(costs=FREE, **changes)
    assert (given_size.bound, given_size.quantity) == (bound, D(quantity))
    assert given_size.worst_loss == D(quantity) * 600


def test_a_larger_notional_at_the_target_binds_where_market_orders_are_bound():
    wide = {"costs": FREE, "target": "90000", "max_notional": D(9000)}
    assert size(**wide).quantity == D("0.15")  # 9000 / 60000
    assert size(**wide, max_notional_for_market=True).quantity == D("0.1")


def test_risk_left_over_by_rounding_to_steps_is_told_for_every_bound():
    cash = size(cash="1000", costs=FREE)  # 0.016666… rounded to 0.01666
    assert (cash.quantity, cash.worst_loss) == (D("0.01666"), D("9.996"))
    assert abs(cash.rounding_loss - D("0.004")) < D("1e-15")
    assert size(max_quantity=D("0.05"), costs=FREE).rounding_loss == 0


def test_coins_already_held_leave_less_room_under_the_position_limit():
    given_size = sizing.size(
        direction="long", entry=D(60000), worst_entry=D(60000), stop=D(59400), target=D(62000),
        budget=D(100), cash=D(100000), costs=FREE, symbol=symbol(max_position=D("0.03")),
        position=D("0.02"),
    )  # fmt: skip
    assert given_size.quantity == D("0.01")


# What makes no sense is refused with advice.


def test_a_stop_at_the_entry_is_refused_with_advice():
    with pytest.raises(NoStopDistance, match="Move the stop"):
        size(entry="64000", stop="64000", target="66000")
    with pytest.raises(NoStopDistance, match="Move the stop"):
        position_size(budget=D(100), entry=D(64000), stop=D(64000), costs=FREE, symbol=symbol())


@pytest.mark.parametrize(
    ("drawing", "field", "advice"),
    [
        ({"stop": "60600", "target": "62000"}, "stop", "Move the stop below the entry"),
        ({"target": "59000"}, "target", "Move the target above the entry"),
        ({"target": "60000"}, "target", "Move the target above the entry"),
        ({"worst_entry": "59900"}, "entry", "must not be better"),
        (
            {"direction": "short", "stop": "59400", "target": "58000"},
            "stop",
            "Move the stop above the entry",
        ),
        (
            {"direction": "short", "stop": "60600", "target": "61000"},
            "target",
            "Move the target below the entry",
        ),
    ],
)
def test_a_line_on_the_wrong_side_is_refused_naming_it(drawing, field, advice):
    with pytest.raises(WrongSide, match=advice) as refused:
        size(**drawing)
    assert refused.value.field == field


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "-1"])
def test_a_price_that_is_none_is_refused(bad):
    with pytest.raises(sizing.PlanImpossible, match="Give a price above 0"):
        size(target=bad)


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "-1"])
def test_a_risk_that_is_none_is_refused(bad):
    with pytest.raises(sizing.PlanImpossible, match="Give 0 or more"):
        size(budget=bad)


@pytest.mark.parametrize("rate", ["NaN", "-0.001", "0.2"])
def test_a_fee_that_is_none_is_refused(rate):
    with pytest.raises(ValueError, match="Give a fraction"):
        Costs(D(rate), D(0))


def test_a_loss_rounded_up_never_passes_a_budget_of_many_decimals():
    """A tenth of a coin loses 72.066066… for ever; the budget is that, rounded up at the 24th."""
    short = {"direction": "short", "stop": "60600", "target": "58000", "costs": IN_COIN}
    budget = "72.066066066066066066066067"
    given_size = size(**short, budget=budget)
    assert given_size.quantity == D("0.1")
    assert given_size.worst_loss == D(budget)


# The slippage cap.


def test_a_now_entry_may_pay_a_tenth_of_r_more_floored_to_the_tick():
    assert entry_cap(D("60000.00"), D("59400.05"), D("0.01")) == D("60059.99")
    assert entry_cap(D("60000.00"), D("60600.05"), D("0.01")) == D("59940.00")  # a short, ceiled
    assert entry_cap(D("60000.00"), D("59999.98"), D("0.01")) == D("60000.00")
