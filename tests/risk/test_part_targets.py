"""Parts of a position: they add up, they can be sold, and nothing is lost between them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.costs import PlanImpossible
from risk.part_targets import (
    PartTarget,
    layout,
    least_quantity,
    refuse_impossible,
    shares_of,
    why_not_in_parts,
)
from risk.symbols import Symbol

D = Decimal
STEPS = st.sampled_from([D("1"), D("0.1"), D("0.001"), D("0.00000001"), D("0.0025")])
SHARES = st.lists(st.integers(1, 49).map(lambda each: D(each) / 100), min_size=1, max_size=2)


@given(step=STEPS, steps=st.integers(0, 10**9), shares=SHARES, least=st.integers(1, 1000))
def test_parts_add_up_to_the_whole_in_sellable_steps(step, steps, shares, least):
    whole, smallest = step * steps, step * least
    wanted = shares_of([PartTarget(D(100 + n), s) for n, s in enumerate(shares)], D(200))
    parts = layout(whole, tuple(enumerate(wanted, 1)), step=step, least=smallest)
    assert sum(part.share for part in wanted) == 1
    if whole < smallest:
        assert parts == ()
        return
    assert sum(part.quantity for part in parts) == whole
    assert all(part.quantity >= smallest and part.quantity % step == 0 for part in parts)
    assert [part.number for part in parts] == sorted(part.number for part in parts)
    assert parts[-1].target == 200, "the last takes every rest"
    for part in parts[:-1]:
        assert part.quantity <= whole * wanted[part.number - 1].share


@given(
    step=STEPS,
    least=st.decimals("0.001", "50", places=3),
    notional=st.decimals("0", "100", places=2),
    stop=st.decimals("0.01", "90000", places=2),
)
def test_the_smallest_part_passes_every_minimum_and_nothing_smaller_does(
    step, least, notional, stop
):
    symbol = Symbol(
        name="X", base="B", quote="Q", step=step, market_step=step, min_quantity=step,
        market_min_quantity=step, min_notional=notional, order_types=frozenset({"STOP_LOSS"}),
    )  # fmt: skip
    found = least_quantity(symbol, stop)
    assert found % step == 0
    assert found * stop >= notional
    assert found == step or (found - step) * stop < notional


def test_a_stop_that_names_a_price_counts_at_that_price():
    shared = {"name": "X", "base": "B", "quote": "Q", "step": D("0.001"), "min_notional": D(10)}
    market = Symbol(**shared, order_types=frozenset({"STOP_LOSS"}))
    limit = Symbol(**shared, order_types=frozenset({"STOP_LOSS_LIMIT"}))
    assert least_quantity(market, D(100)) == D("0.1")
    assert least_quantity(limit, D(100)) == D("0.102")


def test_what_is_left_is_shared_among_the_parts_that_are_left():
    wanted = shares_of([PartTarget(D(110), D("0.5")), PartTarget(D(120), D("0.3"))], D(130))
    left = tuple(enumerate(wanted, 1))[1:]
    parts = layout(D(10), left, step=D(1), least=D(1))
    assert [(part.number, part.quantity, part.target) for part in parts] == [
        (2, D(6), D(120)), (3, D(4), D(130)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("nearer", "says"),
    [
        ([("110", "0.5"), ("105", "0.2")], "each beyond the one before"),
        ([("99", "0.5")], "between the entry 100 and the target 130"),
        ([("130", "0.5")], "between the entry 100 and the target 130"),
        ([("100", "0.5")], "between the entry 100 and the target 130"),
        ([("110", "0")], "above 0 and below 1"),
        ([("110", "1")], "above 0 and below 1"),
        ([("110", "NaN")], "above 0 and below 1"),
        ([("110", "0.5"), ("120", "0.5")], "leave nothing for the last"),
        ([("110.005", "0.5")], "Use 110 or 110.01"),
        ([("110", "0.1"), ("115", "0.1"), ("120", "0.1")], "at most 2 nearer targets"),
    ],
)
def test_targets_that_make_no_plan_are_refused_with_the_way_out(nearer, says):
    parts = [PartTarget(D(price), D(share)) for price, share in nearer]
    with pytest.raises(PlanImpossible, match=says) as refused:
        refuse_impossible(parts, direction="long", entry=D(100), target=D(130), tick=D("0.01"))
    assert refused.value.field == "targets"


def test_parts_that_are_too_small_name_the_share_and_the_least():
    symbol = Symbol(name="BTCUSDT", base="BTC", quote="USDT", step=D("0.001"), min_notional=D(10),
                    min_quantity=D("0.001"), order_types=frozenset({"STOP_LOSS"}))  # fmt: skip
    said = why_not_in_parts(
        [PartTarget(D(110), D("0.1"))], target=D(130), stop=D(90), leg_quantity=D("0.5"),
        symbol=symbol,
    )  # fmt: skip
    assert "A part of 10 % of 0.5 BTC" in said
    assert "0.112 BTC" in said


@pytest.mark.parametrize("nearer", [[], [("110", "0.5")], [("110", "0.5"), ("120", "0.4")]])
def test_targets_in_order_with_something_left_for_the_last_are_taken(nearer):
    parts = [PartTarget(D(price), D(share)) for price, share in nearer]
    refuse_impossible(parts, direction="long", entry=D(100), target=D(130), tick=D("0.01"))


def quantities(whole, *shares, step="1", least="1") -> list[Decimal]:
    nearer = [PartTarget(D(100 + n), D(share)) for n, share in enumerate(shares)]
    wanted = tuple(enumerate(shares_of(nearer, D(200)), 1))
    return [each.quantity for each in layout(D(whole), wanted, step=D(step), least=D(least))]


def test_three_parts_are_laid_out_in_their_shares():
    assert quantities("10", "0.5", "0.3") == [5, 3, 2]
    assert quantities("10") == [10]


def test_what_is_no_whole_step_is_not_sold():
    assert quantities("10.9", "0.5") == [5, 5]


def test_parts_of_exactly_the_least_are_sold_each_by_itself():
    assert quantities("10", "0.5", least="5") == [5, 5]
    assert quantities("10", "0.5", least="5.1") == [10]
    assert quantities("10", "0.4", least="5") == [10]


@pytest.mark.parametrize(
    ("changes", "least"),
    [({"min_quantity": D("0.5")}, "0.5"), ({"market_min_quantity": D("0.7")}, "0.7"), ({}, "0.1")],
)
def test_the_least_part_is_the_largest_of_the_minimums(changes, least):
    facts = {
        "name": "X", "base": "B", "quote": "Q", "step": D("0.1"), "min_notional": D(1),
        "min_quantity": D("0.1"), "order_types": frozenset({"STOP_LOSS"}),
    }  # fmt: skip
    assert least_quantity(Symbol(**{**facts, **changes}), D(100)) == D(least)


@pytest.mark.parametrize(
    ("nearer", "quantity"),
    [([], "0.001"), ([("110", "0.5")], "0"), ([("110", "0.5")], "10")],
)
def test_nothing_is_said_where_there_is_nothing_to_part_or_every_part_fits(nearer, quantity):
    symbol = Symbol(name="X", base="B", quote="Q", step=D("0.001"), min_notional=D(10),
                    min_quantity=D("0.001"), order_types=frozenset({"STOP_LOSS"}))  # fmt: skip
    parts = [PartTarget(D(price), D(share)) for price, share in nearer]
    said = why_not_in_parts(
        parts, target=D(130), stop=D(90), leg_quantity=D(quantity), symbol=symbol
    )
    assert said == ""
