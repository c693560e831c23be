"""The nearest compliant plans: each passes, and a step back towards the wish does not."""

import dataclasses
from datetime import timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from risk import sizing
from risk.nearest import FRACTION_STEP, Fix, Levers, OpenPosition, nearest_plans, nearest_step
from risk.protocol import Book, Limits
from risk.rules import check, may_proceed
from risk.sizing import PlanImpossible
from tests.risk.builders import IN_QUOTE, NOW, D, book, limits, plan, symbol

TICK = D("0.01")
ENTRY = D(60000)


def judge_for(the_limits: Limits):
    """The whole of the protocol on a long of BTCUSDT at the market."""

    def judge(levers: Levers, at: Book):
        try:
            sized = sizing.size(
                direction="long",
                entry=ENTRY,
                worst_entry=ENTRY,
                stop=levers.stop,
                target=levers.target,
                budget=at.equity * levers.risk_fraction,
                cash=at.cash,
                costs=IN_QUOTE,
                symbol=symbol(),
            )
        except PlanImpossible:
            return None
        drawn = dataclasses.replace(
            plan(),
            stop=levers.stop,
            target=levers.target,
            risk_fraction=levers.risk_fraction,
            sizing=sized,
        )
        return check(drawn, at, the_limits)

    return judge


def wish(*, risk="0.01", stop="59400", target="62000") -> Levers:
    return Levers(risk_fraction=D(risk), stop=D(stop), target=D(target))


def fixes(levers: Levers, the_book: Book, the_limits: Limits | None = None, **more) -> dict:
    found = nearest_plans(
        levers, the_book, judge=judge_for(the_limits or limits()), tick=TICK, **more
    )
    return {fix.lever: fix for fix in found}


ROOMY = book()


def test_a_plan_that_passes_needs_no_fix():
    assert fixes(wish(), ROOMY) == {}


def test_a_risk_above_the_limit_is_answered_with_the_largest_that_is_not():
    assert fixes(wish(risk="0.018"), ROOMY)["size"].levers.risk_fraction == D("0.01")


def test_full_heat_is_answered_with_the_room_that_is_left():
    warm = dataclasses.replace(ROOMY, heat=D(260))
    assert fixes(wish(), warm)["size"].levers.risk_fraction == D("0.004")


def test_sizes_are_searched_by_the_millionth_of_equity():
    warm = dataclasses.replace(ROOMY, heat=D("259.99"))
    assert fixes(wish(), warm)["size"].levers.risk_fraction == D("0.004001")


def test_a_poor_reward_is_answered_with_a_further_target_and_with_a_closer_stop():
    found = fixes(wish(target="61000"), ROOMY)
    assert found["target"].levers.target > D(61000)
    assert found["stop"].levers.stop > D(59400)
    assert "size" not in found


def test_a_stop_too_close_is_answered_with_the_nearest_one_that_is_not():
    found = fixes(wish(stop="59990", target="63000"), ROOMY)
    distance = ENTRY - found["stop"].levers.stop
    # The round-trip fees bind: fE*E + fS*S = 0.001 * (60000 + S).
    assert distance >= (ENTRY + found["stop"].levers.stop) / 1000
    assert distance - TICK < (ENTRY + found["stop"].levers.stop + TICK) / 1000


def test_where_no_single_line_helps_two_are_moved():
    found = fixes(wish(risk="0.03", target="61000"), ROOMY)
    assert set(found) == {"size_and_target", "size_and_stop"}
    assert found["size_and_target"].levers.risk_fraction == D("0.01")


def test_a_spent_day_says_until_when_to_wait():
    tomorrow = NOW + timedelta(hours=12)
    spent = dataclasses.replace(ROOMY, trades_today=10, day_ends_at=tomorrow)
    assert fixes(wish(), spent)["wait"].until == tomorrow


def test_waiting_is_not_offered_where_time_alone_changes_nothing():
    assert "wait" not in fixes(wish(risk="0.018"), ROOMY)


def test_full_heat_names_the_position_whose_closing_makes_room():
    warm = dataclasses.replace(ROOMY, heat=D(280), open_risk=D(280), open_positions=2)
    small = OpenPosition(id="a", symbol="ETHUSDT", heat=D(30), open_risk=D(30))
    large = OpenPosition(id="b", symbol="SOLUSDT", heat=D(250), open_risk=D(250))
    found = nearest_plans(
        wish(), warm, judge=judge_for(limits()), tick=TICK, positions=[small, large]
    )
    assert [fix.close for fix in found if fix.lever == "close"] == [large]


@settings(deadline=None)
@given(
    risk=st.integers(1, 60_000).map(lambda n: n * FRACTION_STEP),
    stop=st.integers(-900_000, -1).map(lambda n: ENTRY + TICK * n),
    target=st.integers(1, 900_000).map(lambda n: ENTRY + TICK * n),
    heat=st.integers(0, 400),
    lost=st.integers(0, 400),
)
def test_a_nearest_plan_passes_and_the_next_step_towards_the_wish_fails(
    risk: Decimal, stop: Decimal, target: Decimal, heat: int, lost: int
):
    levers = Levers(risk_fraction=risk, stop=stop, target=target)
    the_book = dataclasses.replace(
        ROOMY, heat=D(heat), open_risk=D(heat), day_start_equity=D(10_000 + lost)
    )
    judge = judge_for(limits())
    found = nearest_plans(levers, the_book, judge=judge, tick=TICK)
    for fix in found:
        assert may_proceed(judge(fix.levers, the_book), acknowledged=frozenset())
        back = a_step_back(fix, levers)
        verdicts = judge(back, the_book)
        assert verdicts is None or not may_proceed(verdicts, acknowledged=frozenset())


def a_step_back(fix: Fix, wished: Levers) -> Levers:
    """The suggestion, one step nearer to the wish on the lever that was moved last."""
    if fix.lever == "size":
        nearer = min(fix.levers.risk_fraction + FRACTION_STEP, wished.risk_fraction)
        return dataclasses.replace(fix.levers, risk_fraction=nearer)
    line = "stop" if fix.lever.endswith("stop") else "target"
    moved, meant = getattr(fix.levers, line), getattr(wished, line)
    return dataclasses.replace(fix.levers, **{line: moved + (TICK if meant > moved else -TICK)})


@given(st.integers(1, 10**9), st.integers(1, 10**9))
def test_the_nearest_step_is_found_with_few_questions(first: int, most: int):
    asked = []

    def passes(n: int) -> bool:
        asked.append(n)
        return n >= first

    assert nearest_step(passes, most=most) == (first if first <= most else None)
    assert len(asked) <= 2 * most.bit_length() + 2
    assert all(1 <= n <= most for n in asked)
