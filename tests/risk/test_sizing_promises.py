"""Sizing: what holds for every plan, counted again in fractions."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from risk import sizing
from risk.sizing import Costs, position_size
from risk.symbols import UNLIMITED
from tests.risk.builders import (
    IN_COIN,
    IN_QUOTE,
    D,
    loss_at_stop,
    profit_at,
    size,
    symbol,
)

# Prices on the tick of 0.01, as the API takes them.
prices = st.integers(min_value=100, max_value=20_000_000).map(lambda ticks: D(ticks) / 100)
rates = st.integers(min_value=0, max_value=200).map(lambda bips: D(bips) / 10_000)
budgets = st.integers(min_value=1, max_value=10**9).map(lambda cents: D(cents) / 100)
all_costs = st.builds(
    Costs, rates, rates, st.integers(0, 100).map(lambda cents: D(cents) / 100), st.booleans()
)
LOOSE = {
    "min_notional": D(0),
    "max_notional": None,
    "max_quantity": UNLIMITED,
    "market_max_quantity": UNLIMITED,
}


@st.composite
def drawings(draw):
    """Entry, worst entry, stop and target in an order that makes sense, of either direction."""
    four = sorted(draw(st.lists(prices, min_size=4, max_size=4, unique=True)))
    stop, entry, worst, target = four
    if draw(st.booleans()):
        return {
            "direction": "long", "stop": stop, "entry": entry, "worst_entry": worst,
            "target": target,
        }  # fmt: skip
    target, worst, entry, stop = four
    return {
        "direction": "short", "stop": stop, "entry": entry, "worst_entry": worst, "target": target,
    }  # fmt: skip


def sized(drawing, **rest):
    return sizing.size(
        **drawing,
        budget=rest.pop("budget", D(100)),
        cash=rest.pop("cash", D("1e12")),
        costs=rest.pop("costs", IN_QUOTE),
        symbol=symbol(**{**LOOSE, **rest}),
    )


@given(entry=prices, stop=prices, costs=all_costs, budget=budgets)
def test_the_loss_at_the_stop_never_exceeds_one_r(entry, stop, costs, budget):
    assume(entry != stop)
    direction = "long" if stop < entry else "short"
    quantity = position_size(budget=budget, entry=entry, stop=stop, costs=costs, symbol=symbol())
    story = {"direction": direction, "entry": entry, "stop": stop, "costs": costs}
    assert loss_at_stop(quantity, **story) <= Fraction(budget)
    one_step_more = quantity + symbol().step
    assert loss_at_stop(one_step_more, **story) > Fraction(budget), "not the largest size"


@given(drawing=drawings(), costs=all_costs, budget=budgets, cash=budgets)
def test_what_the_answer_says_is_what_the_trade_would_lose_and_win(drawing, costs, budget, cash):
    given_size = sized(drawing, budget=budget, cash=cash, costs=costs)
    story = {"direction": drawing["direction"], "costs": costs}
    lost = loss_at_stop(
        given_size.quantity, entry=drawing["worst_entry"], stop=drawing["stop"], **story
    )
    assert lost <= Fraction(given_size.worst_loss) <= Fraction(budget)
    assert Fraction(given_size.worst_loss) - lost < Fraction(1, 10**18)  # exact, or rounded up
    won = profit_at(drawing["target"], given_size.quantity, entry=drawing["entry"], **story)
    assert 0 <= won - Fraction(given_size.planned_profit) < Fraction(1, 10**18)
    assert given_size.rounding_loss >= 0
    assert given_size.leg_quantity % symbol().step == 0
    if drawing["direction"] == "long":
        assert given_size.leg_quantity <= given_size.received <= given_size.quantity


@given(drawing=drawings(), costs=all_costs, budget=budgets, cash=budgets)
def test_the_size_is_whole_steps_and_can_be_paid(drawing, costs, budget, cash):
    given_size = sized(drawing, budget=budget, cash=cash, costs=costs)
    assert given_size.quantity >= 0
    assert given_size.quantity % symbol().step == 0
    fee = Fraction(0) if costs.fee_in_base else Fraction(costs.entry)
    paid = Fraction(given_size.quantity) * Fraction(drawing["worst_entry"]) * (1 + fee)
    assert paid <= Fraction(cash)


@given(drawing=drawings(), costs=all_costs, smaller=budgets, larger=budgets)
def test_a_larger_budget_never_gives_a_smaller_size(drawing, costs, smaller, larger):
    smaller, larger = sorted((smaller, larger))
    assert (
        sized(drawing, budget=smaller, costs=costs).quantity
        <= sized(drawing, budget=larger, costs=costs).quantity
    )


@given(drawing=drawings(), rate=rates, more=rates, in_base=st.booleans())
def test_higher_fees_never_give_a_larger_size(drawing, rate, more, in_base):
    cheap, dear = (Costs(fee, fee, fee_in_base=in_base) for fee in (rate, rate + more / 10))
    assert sized(drawing, costs=dear).quantity <= sized(drawing, costs=cheap).quantity


@given(drawing=drawings(), further=st.integers(min_value=1, max_value=10**6))
def test_a_stop_further_away_never_gives_a_larger_size(drawing, further):
    away = D(further) / 100 * (-1 if drawing["direction"] == "long" else 1)
    assume(drawing["stop"] + away > 0)
    wide = {**drawing, "stop": drawing["stop"] + away}
    assert sized(wide).quantity <= sized(drawing).quantity


@given(drawing=drawings(), costs=all_costs, factor=st.integers(min_value=2, max_value=50))
def test_a_currency_of_another_size_changes_nothing(drawing, costs, factor):
    """Scale invariance: all money and prices times a factor, the same quantity and ratio."""
    rich = {name: line if name == "direction" else line * factor for name, line in drawing.items()}
    dear = Costs(costs.entry, costs.exit, costs.slippage * factor, costs.fee_in_base)
    one, other = sized(drawing, costs=costs), sized(rich, costs=dear, budget=D(100) * factor)
    assert one.quantity == other.quantity
    assert one.reward_to_risk == other.reward_to_risk


@given(
    drawing=drawings(),
    wanted=st.integers(min_value=10, max_value=100).map(lambda tenths: D(tenths) / 10),
    costs=all_costs,
)
def test_the_suggested_target_pays_what_is_wanted_and_one_tick_less_does_not(
    drawing, wanted, costs
):
    tick = D("0.01")
    target = sizing.target_for(
        wanted,
        direction=drawing["direction"],
        entry=drawing["entry"],
        stop=drawing["stop"],
        costs=costs,
        tick=tick,
    )
    assume(target is not None)
    story = {"direction": drawing["direction"], "entry": drawing["entry"], "costs": costs}
    bare = {**story, "costs": Costs(costs.entry, costs.exit, fee_in_base=costs.fee_in_base)}
    risk = loss_at_stop(1, stop=drawing["stop"], **bare)
    less = target - tick if drawing["direction"] == "long" else target + tick
    assert profit_at(target, 1, **story) >= Fraction(wanted) * risk
    assert profit_at(less, 1, **story) < Fraction(wanted) * risk


def test_the_context_of_the_caller_plays_no_part():
    from decimal import localcontext

    with localcontext() as context:
        context.prec = 3
        given_size = size(costs=IN_COIN, target="62000")
    assert given_size.worst_loss == Decimal("99.99837967800")
