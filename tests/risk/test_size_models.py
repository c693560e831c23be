"""The size models and their ceilings: what they ask for, what they are given, what they refuse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.costs import Costs, PlanImpossible, discounted
from risk.size_models import SizeModel, wanted_quantity
from risk.sizing import entry_cap, size
from tests.risk.builders import FREE, IN_QUOTE, D, symbol

LINES = {
    "direction": "long", "entry": D(60000), "worst_entry": D(60000), "stop": D(59400),
    "target": D(62000), "cash": D(1000000), "costs": IN_QUOTE, "symbol": symbol(),
}  # fmt: skip


def wish(model, **changes):
    facts = {
        "direction": "long", "entry": D(60000), "stop": D(59400), "equity": D(10000),
        "risk_fraction": D("0.01"), "costs": IN_QUOTE, "atr": None,
    }  # fmt: skip
    return wanted_quantity(model, **{**facts, **changes})


# What each asks for, as amount over divisor.


def test_percent_risk_asks_for_its_budget_and_nothing_else():
    assert wish(SizeModel()) is None


def test_fixed_money_is_divided_by_the_loss_of_a_unit_fees_in():
    assert wish(SizeModel(name="fixed_money", money=D(50))) == (D(50), D("719.40"))
    in_coin = Costs(D("0.001"), D("0.001"), fee_in_base=True)
    amount, per = wish(
        SizeModel(name="fixed_money", money=D(50)), direction="short", stop=D(60600), costs=in_coin
    )
    assert amount == 50 * D("0.999")  # the buy-back's fee divides: PROTOCOL 1.1
    assert per == D(60600) - D("0.999") * D("0.999") * 60000


def test_units_per_sum_counts_whole_sums_only():
    model = SizeModel(name="units_per_sum", sum=D(3000), unit=D("0.01"))
    assert wish(model) == (D("0.03"), 1)
    assert wish(model, equity=D(8999)) == (D("0.02"), 1)
    assert wish(model, equity=D(-5000)) == (0, 1)


def test_equal_units_share_the_equity():
    assert wish(SizeModel(name="equal_units", units=4)) == (D(10000), D(240000))
    assert wish(SizeModel(name="equal_units", units=4), equity=D(-1))[0] == 0


@pytest.mark.parametrize(
    ("direction", "per"),
    [("long", "3177.2"), ("short", "3183.2")],  # 3000 + 60 + 57 (or 63) + 60.2 of slippage
)
def test_percent_volatility_pays_its_fees_at_a_stop_k_ranges_away(direction, per):
    model = SizeModel(name="percent_volatility", atr_multiple=D(2), volatility_fraction=D("0.02"))
    costs = Costs(D("0.001"), D("0.001"), slippage=D("60.2"))
    assert wish(model, direction=direction, atr=D(1500), costs=costs) == (D(200), D(per))
    assert wish(SizeModel(name="percent_volatility"), atr=D(1))[0] == 100  # the plan's own risk
    assert wish(model, atr=D(1), equity=D(-1))[0] == 0


@pytest.mark.parametrize("atr", [None, D(0), D(-1), D("NaN")])
def test_without_an_average_true_range_percent_volatility_is_refused(atr):
    with pytest.raises(PlanImpossible, match="Size by percent risk") as refused:
        wish(SizeModel(name="percent_volatility"), atr=atr)
    assert refused.value.field == "size_model"


def test_a_range_as_wide_as_the_price_is_refused():
    model = SizeModel(name="percent_volatility", atr_multiple=D(2))
    with pytest.raises(PlanImpossible, match="Lower atr_multiple"):
        wish(model, atr=D(30000))
    assert wish(model, atr=D(29999))[1] > 0
    assert wish(model, atr=D(30000), direction="short")[1] > 0
    cheap = {"entry": D("0.9"), "stop": D("0.8")}  # a coin of less than one USDT
    assert wish(model, atr=D("0.1"), **cheap)[1] > D("0.2")


@pytest.mark.parametrize(
    ("facts", "complaint"),
    [
        ({"name": "fixed_money"}, "needs money"),
        ({"name": "units_per_sum"}, "needs sum"),
        ({"name": "equal_units"}, "needs units"),
        ({"name": "fixed_money", "money": D(0)}, "money is 0"),
        ({"name": "fixed_money", "money": D("Infinity")}, "money is Infinity"),
        ({"unit": D(-1)}, "unit is -1"),
        ({"volatility_fraction": D("1.01")}, "up to 1"),
        ({"units": 0}, "units is 0"),
        ({"atr_period": 0}, "1 to 200"),
        ({"atr_period": 201}, "1 to 200"),
        ({"atr_multiple": D("NaN")}, "atr_multiple is NaN"),
    ],
)
def test_a_figure_that_makes_no_sense_is_refused(facts, complaint):
    with pytest.raises(PlanImpossible, match=complaint):
        SizeModel(**facts)


def test_the_outermost_figures_are_taken():
    SizeModel(volatility_fraction=D(1), units=1, atr_period=1)
    SizeModel(atr_period=200)
    plain = SizeModel()
    assert (plain.atr_period, plain.atr_interval, plain.atr_multiple) == (14, "1h", 1)
    assert (plain.unit, plain.ceiling, plain.name) == (1, None, "percent_risk")


# What they are given.


def test_the_answer_says_what_was_asked_what_is_given_and_who_bound_it():
    asked = size(**LINES, budget=D(100), model="fixed_money", wanted=(D(50), D("719.40")))
    assert (asked.model, asked.bound) == ("fixed_money", "model")
    assert asked.wanted == D("0.069502363080344731")
    assert asked.wanted_loss == 50
    assert (asked.quantity, asked.worst_loss) == (D("0.0695"), D("49.99830"))
    assert 0 < asked.rounding_loss < D("0.01")


def test_more_than_the_budget_is_capped_and_the_answer_shows_both():
    capped = size(**LINES, budget=D(100), model="equal_units", wanted=(D(10000), D(60000)))
    assert (capped.bound, capped.quantity) == ("budget", D("0.13900"))
    assert capped.wanted == D("0.166666666666666666")
    assert D("119.89") < capped.wanted_loss < D("119.91")
    assert capped.rounding_loss == 100 - capped.worst_loss


def test_a_ceiling_binds_below_the_budget_and_never_above_it():
    low = size(**LINES, budget=D(100), ceiling=D(40))
    assert (low.bound, low.quantity) == ("ceiling", D("0.0556"))  # 40 / 719.40
    assert size(**LINES, budget=D(100), ceiling=D(500)).bound == "budget"
    assert size(**LINES, budget=D(100), ceiling=D(-1)).quantity == 0


def test_a_model_that_asks_for_too_little_is_told_so_not_to_risk_more():
    little = size(**LINES, budget=D(100), model="fixed_money", wanted=(D("0.01"), D("719.40")))
    assert little.quantity == 0
    assert "Ask the size model for more" in little.unplaceable.message
    assert "Risk at least" not in little.unplaceable.message


models = st.one_of(
    st.builds(
        lambda cents: SizeModel(name="fixed_money", money=D(cents) / 100),
        st.integers(1, 10**6),
    ),
    st.builds(lambda units: SizeModel(name="equal_units", units=units), st.integers(1, 100)),
    st.builds(
        lambda sum_, unit: SizeModel(name="units_per_sum", sum=D(sum_), unit=D(unit) / 1000),
        st.integers(1, 10**5),
        st.integers(1, 1000),
    ),
    st.builds(
        lambda multiple: SizeModel(name="percent_volatility", atr_multiple=D(multiple) / 10),
        st.integers(1, 100),
    ),
)


@given(model=models, cents=st.integers(100, 10**8), ceiling=st.none() | st.integers(0, 10**5))
def test_whatever_a_model_asks_for_it_never_loses_more_than_one_r(model, cents, ceiling):
    equity = D(cents) / 100
    wanted = wish(model, equity=equity, atr=D(300))
    budget = equity / 100
    given_size = size(
        **LINES,
        budget=budget,
        model=model.name,
        wanted=wanted,
        ceiling=None if ceiling is None else D(ceiling) / 100,
    )
    assert given_size.worst_loss <= budget
    assert given_size.quantity * wanted[1] <= wanted[0]
    if ceiling is not None:
        assert given_size.worst_loss <= D(ceiling) / 100


# Fees in BNB.


def test_only_the_standard_part_is_discounted():
    assert discounted(D("0.001"), D("0.001"), D("0.75")) == D("0.00075")
    assert discounted(D("0.0013"), D("0.001"), D("0.75")) == D("0.00105")
    assert discounted(D("0.001"), D(0), D("0.75")) == D("0.001")
    assert discounted(D("0.001"), D("0.001"), D(0)) == 0
    assert discounted(D("0.001"), D("0.001"), D(1)) == D("0.001")


@pytest.mark.parametrize(
    ("rate", "part", "discount", "complaint"),
    [("0.001", "0.002", "0.75", "no part"), ("0.001", "-0.001", "0.75", "no part"),
     ("0.001", "0.001", "1.1", "fraction from 0 to 1"), ("0.001", "0.001", "-0.1", "fraction")],
)  # fmt: skip
def test_a_discount_that_is_none_is_refused(rate, part, discount, complaint):
    with pytest.raises(ValueError, match=complaint):
        discounted(D(rate), D(part), D(discount))


def test_fees_are_taken_in_one_place():
    with pytest.raises(ValueError, match="not in both"):
        Costs(D(0), D(0), fee_in_base=True, fee_in_bnb=True)


def test_fees_in_bnb_leave_coins_and_cash_alone():
    bnb = Costs(D("0.001"), D("0.001"), fee_in_bnb=True)
    paid = size(**{**LINES, "costs": bnb, "cash": D(600)}, budget=D(100))
    assert (paid.quantity, paid.bound) == (D("0.01"), "cash")
    assert paid.received == paid.leg_quantity == paid.quantity
    assert (paid.entry_fee, paid.exit_fee) == (D("0.6"), D("0.594"))
    assert paid.worst_loss == D("7.194")


def test_the_traders_own_slippage_limit_lowers_the_cap_and_never_raises_it():
    assert entry_cap(D(60000), D(59400), D("0.01"), D("0.05")) == D(60030)
    assert entry_cap(D(60000), D(59400), D("0.01"), D("0.5")) == D(60060)
    assert size(**{**LINES, "costs": FREE}, budget=D(0)).quantity == 0
