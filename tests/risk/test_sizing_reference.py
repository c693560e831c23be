"""Sizing against a second implementation in fractions, with every filter and every kind of fee."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from risk import sizing
from risk.costs import Costs
from risk.symbols import UNLIMITED
from tests.risk.builders import D, symbol
from tests.risk.reference_sizing import Trade, whole_steps

prices = st.integers(min_value=100, max_value=2_000_000).map(lambda ticks: D(ticks) / 100)
rates = st.integers(min_value=0, max_value=200).map(lambda bips: D(bips) / 10_000)
money = st.integers(min_value=0, max_value=10**8).map(lambda cents: D(cents) / 100)
quantities = st.integers(min_value=1, max_value=10**6).map(lambda hundredths: D(hundredths) / 100)
steps = st.sampled_from(["1", "0.1", "0.001", "0.00001", "0.25"]).map(D)


def perhaps(strategy):
    return st.none() | strategy


@st.composite
def plans(draw):
    """Everything that decides a size, in `Decimal`."""
    four = sorted(draw(st.lists(prices, min_size=4, max_size=4, unique=True)))
    long = draw(st.booleans())
    stop, entry, worst, target = four if long else reversed(four)
    step = draw(steps)
    market_step = step * draw(st.sampled_from([1, 1, 1, 2, 5]))
    paid_in = draw(st.sampled_from(["quote", "coin", "bnb"]))
    wanted = draw(perhaps(st.tuples(money, prices)))
    return {
        "long": long, "entry": entry, "worst_entry": worst, "stop": stop, "target": target,
        "budget": draw(money), "cash": draw(money), "fee_in": draw(rates), "fee_out": draw(rates),
        "slip": draw(st.integers(0, 100).map(lambda cents: D(cents) / 100)), "paid_in": paid_in,
        "held": draw(st.just(D(0)) | quantities), "wanted": wanted,
        "ceiling": draw(perhaps(money)), "step": step, "market_step": market_step,
        "max_quantity": draw(perhaps(quantities)),
        "market_max_quantity": draw(perhaps(quantities)),
        "max_notional": draw(perhaps(money)),
        "max_notional_for_market": draw(st.booleans()),
        "max_position": draw(perhaps(quantities)),
        "max_base_per_order": draw(perhaps(quantities)),
        "max_quote_per_order": draw(perhaps(money)),
        "min_quantity": draw(st.just(D(0)) | quantities),
        "market_min_quantity": draw(st.just(D(0)) | quantities),
        "min_notional": draw(st.just(D(0)) | money),
        "min_notional_for_market": draw(st.booleans()),
    }  # fmt: skip


def ours(plan) -> sizing.Sizing:
    names = (
        "step", "market_step", "max_notional", "max_notional_for_market", "max_position",
        "max_base_per_order", "max_quote_per_order", "min_quantity", "market_min_quantity",
        "min_notional", "min_notional_for_market",
    )  # fmt: skip
    return sizing.size(
        direction="long" if plan["long"] else "short",
        entry=plan["entry"],
        worst_entry=plan["worst_entry"],
        stop=plan["stop"],
        target=plan["target"],
        budget=plan["budget"],
        cash=plan["cash"],
        costs=Costs(
            plan["fee_in"],
            plan["fee_out"],
            plan["slip"],
            fee_in_base=plan["paid_in"] == "coin",
            fee_in_bnb=plan["paid_in"] == "bnb",
        ),
        symbol=symbol(
            max_quantity=plan["max_quantity"] or UNLIMITED,
            market_max_quantity=plan["market_max_quantity"] or UNLIMITED,
            **{name: plan[name] for name in names},
        ),
        position=plan["held"],
        model="equal_units" if plan["wanted"] else "percent_risk",
        wanted=plan["wanted"],
        ceiling=plan["ceiling"],
    )


def theirs(plan) -> Trade:
    def exact(name):
        return None if plan[name] is None else Fraction(plan[name])

    wanted = plan["wanted"]
    # LOT_SIZE and MARKET_LOT_SIZE are both asked of an exit: the coarser step is a multiple.
    return Trade(
        long=plan["long"], entry=exact("worst_entry"), stop=exact("stop"), target=exact("target"),
        budget=exact("budget"), cash=exact("cash"), fee_in=exact("fee_in"),
        fee_out=exact("fee_out"), slip=exact("slip"), paid_in=plan["paid_in"], held=exact("held"),
        wanted=Fraction(wanted[0]) / Fraction(wanted[1]) if wanted else None,
        ceiling=exact("ceiling"), step=exact("step"), exit_step=exact("market_step"),
        most=exact("max_quantity"), market_most=exact("market_max_quantity"),
        notional_most=exact("max_notional"),
        notional_most_for_exits=plan["max_notional_for_market"],
        position_most=exact("max_position"), base_most=exact("max_base_per_order"),
        quote_most=exact("max_quote_per_order"), least=exact("min_quantity"),
        market_least=exact("market_min_quantity"), notional_least=exact("min_notional"),
        notional_least_for_exits=plan["min_notional_for_market"],
    )  # fmt: skip


@given(plan=plans())
def test_both_implementations_give_the_same_size(plan):
    assert Fraction(ours(plan).quantity) == theirs(plan).size()


@given(plan=plans())
def test_both_tell_the_same_loss_and_it_is_within_every_bound(plan):
    given_size, trade = ours(plan), theirs(plan)
    quantity = Fraction(given_size.quantity)
    lost = trade.lost(quantity)
    assert lost <= Fraction(given_size.worst_loss) < lost + Fraction(1, 10**18) or not quantity
    assert Fraction(given_size.worst_loss) <= trade.budget
    assert not quantity or (trade.allowed(quantity) and trade.placeable(quantity))
    whole_steps(quantity, trade.step)
    assert Fraction(given_size.leg_quantity) == trade.exit_quantity(quantity)


@given(plan=plans())
def test_the_least_that_is_suggested_is_placeable_and_one_step_less_is_not(plan):
    given_size, trade = ours(plan), theirs(plan)
    refused = given_size.unplaceable
    if refused is None or refused.quantity is None:
        return
    least = Fraction(refused.quantity)
    assert trade.placeable(least)
    if plan["long"]:  # a short's buy-back is rounded up, so that a smaller one may pass too
        assert not trade.placeable(least - trade.step)
    assert trade.lost(least) <= Fraction(refused.budget) < trade.lost(least) + Fraction(1, 100)


@given(plan=plans(), pieces=st.integers(min_value=1, max_value=7), better=rates, tail=rates)
def test_an_accepted_plan_filled_in_pieces_never_loses_more_than_its_budget(
    plan, pieces, better, tail
):
    """Fills as an exchange makes them: in pieces at the worst entry or better, each with its own
    fee; the stop exits what arrived in whole steps, the rest is left at the stop's price."""
    given_size = ours(plan)
    if not given_size.quantity:
        return
    trade = theirs(plan)
    step = Fraction(plan["step"])
    left, bought, spent = whole_steps(Fraction(given_size.quantity), step), Fraction(0), Fraction(0)
    sign = 1 if trade.long else -1
    for number in range(pieces):
        part = left if number == pieces - 1 else left // 2
        left -= part
        away = trade.entry * Fraction(better) * number / 100
        # A better price lies between the worst entry and the stop: beyond it nothing is risked.
        price = trade.entry - sign * min(away, abs(trade.entry - trade.stop))
        amount = part * step
        fee = amount * price * trade.fee_in
        if trade.long and trade.paid_in == "coin":
            bought += amount * (1 - trade.fee_in)
            spent += amount * price
        else:
            bought += amount
            spent += amount * price + sign * fee
    closed = (
        bought if trade.long else bought / (1 - trade.fee_out if trade.paid_in == "coin" else 1)
    )
    first = closed * Fraction(tail)
    back = Fraction(0)
    for amount in (first, closed - first):
        value = amount * trade.stop
        fee = 0 if not trade.long and trade.paid_in == "coin" else value * trade.fee_out
        back += value - sign * fee
    lost = sign * (spent - back) + Fraction(given_size.quantity) * trade.slip
    assert lost <= Fraction(given_size.worst_loss) <= trade.budget


@given(plan=plans(), more=money)
def test_a_larger_budget_never_gives_a_smaller_size_under_any_filter(plan, more):
    richer = {**plan, "budget": plan["budget"] + more}
    assert ours(plan).quantity <= ours(richer).quantity


@given(plan=plans(), more=rates)
def test_higher_fees_never_give_more_than_the_bounds_allowed_before(plan, more):
    """A minimum may refuse either whole: so it is the largest size of before that stands above."""
    dear = {**plan, "fee_in": plan["fee_in"] + more, "fee_out": plan["fee_out"] + more}
    assert ours(dear).quantity <= theirs(plan).largest()
