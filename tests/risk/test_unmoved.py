"""Which refusals no size, stop or target can cure: only a rule that looks at none of them."""

import dataclasses
from decimal import Decimal

import pytest
from hypothesis import given

from risk.nearest import Levers, nearest_plans
from risk.rules import RULES, check, unmoved
from tests.risk.builders import book, limits, plan
from tests.risk.strategies import books, plans, some_limits
from tests.risk.test_nearest import judge_for, wish


@given(plans(), books(), some_limits)
def test_a_rule_that_looked_at_no_lever_answers_the_same_wherever_the_levers_stand(
    the_plan, the_book, the_limits
):
    fixed = unmoved(the_plan, the_book, the_limits)
    moved = dataclasses.replace(
        the_plan,
        stop=the_plan.stop / 2,
        target=the_plan.target * 2,
        risk_fraction=the_plan.risk_fraction / 3,
        sizing=dataclasses.replace(
            the_plan.sizing,
            quantity=the_plan.sizing.quantity / 2,
            worst_loss=the_plan.sizing.worst_loss * 3,
            reward_to_risk=Decimal(9),
        ),
    )
    before = {v.code: v for v in check(the_plan, the_book, the_limits)}
    after = {v.code: v for v in check(moved, the_book, the_limits)}
    assert {code: before[code] for code in fixed} == {code: after[code] for code in fixed}


def test_a_pause_is_fixed_and_the_risk_of_the_trade_is_not():
    fixed = unmoved(plan(), book(), limits())
    assert {"trading_state", "open_positions", "losing_streak", "market_data"} <= fixed
    assert not fixed & {"trade_risk", "portfolio_heat", "reward_to_risk", "stop_side", "cash"}


def test_no_lever_is_tried_while_a_fixed_rule_refuses():
    asked = []
    judge = judge_for(limits())

    def counted(levers: Levers, at):
        asked.append(levers)
        return judge(levers, at)

    full = book(open_positions=limits().max_positions, heat=Decimal(260))
    nearest_plans(
        wish(), full, judge=counted, tick=Decimal("0.01"), fixed=frozenset({"open_positions"})
    )
    assert {each.stop for each in asked} == {wish().stop}


@pytest.mark.parametrize("code", sorted(v.code for v in check(plan(), book(), limits())))
def test_every_rule_can_be_watched(code):
    rules = [rule for rule in RULES if rule(plan(), book(), limits()).code == code]
    assert len(rules) == 1
    assert unmoved(plan(), book(), limits(), rules=rules) <= {code}
