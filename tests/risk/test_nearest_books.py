"""What waiting lifts and what closing frees: the accounts that later plans are judged on."""

import dataclasses
from datetime import timedelta

import pytest

from risk.nearest import FRACTION_STEP, Levers, OpenPosition, book_at, book_without, nearest_plans
from risk.protocol import TraderTotals
from risk.verdicts import switch
from tests.risk.builders import NOW, D, book
from tests.risk.test_nearest import ROOMY, TICK, fixes, judge_for, limits, wish

HOUR = timedelta(hours=1)
SOON = NOW + HOUR
TICKS = timedelta(microseconds=1)
RESTARTED = {"day_start_equity": D(9800), "day_flows": D(0), "trades_today": 0, "day_ends_at": None}


@pytest.mark.parametrize(
    ("facts", "lifted"),
    [
        ({"day_ends_at": SOON, "trades_today": 3, "day_flows": D(7)}, RESTARTED),
        (
            {"week_ends_at": SOON, "week_start_equity": D(11000), "week_flows": D(7)},
            {"week_start_equity": D(9800), "week_flows": D(0), "week_ends_at": None},
        ),
        ({"losing_streak": 3, "streak_until": SOON}, {"half_size": True}),
        ({"stop_outs": 4, "stop_outs_until": SOON}, {"stop_outs": 0, "stop_outs_until": None}),
        (
            {"state": "reducing", "state_reason": "Today.", "state_until": SOON},
            {"state": "active", "state_reason": "", "state_until": None},
        ),
        (
            {"exchange_breaker": "open", "exchange_retry_at": SOON},
            {"exchange_breaker": "closed"},
        ),
    ],
    ids=["day", "week", "streak", "stop_outs", "reducing", "exchange"],
)
def test_what_ends_by_itself_ends_at_its_moment_and_not_before(facts, lifted):
    now = book(equity=D(9800), **facts)
    assert book_at(now, SOON - TICKS) == dataclasses.replace(now, at=SOON - TICKS)
    assert book_at(now, SOON) == dataclasses.replace(now, at=SOON, **lifted)
    assert book_at(now, SOON + HOUR) == dataclasses.replace(now, at=SOON + HOUR, **lifted)


@pytest.mark.parametrize(
    "facts",
    [
        {"state": "halted", "state_until": SOON},
        {"state": "reducing", "state_until": None},
        {"losing_streak": 3, "streak_until": NOW},  # was over before: its breaker says where it is
    ],
    ids=["halted", "no end known", "streak over already"],
)
def test_what_does_not_end_by_itself_is_not_lifted(facts):
    now = book(**facts)
    assert book_at(now, SOON) == dataclasses.replace(now, at=SOON)


# Waiting.


def test_the_first_moment_that_is_enough_is_the_one_to_wait_for():
    """The pause ends first, but the day's trades are spent as well."""
    spent = book(trades_today=10, day_ends_at=SOON + HOUR, symbol_cooldown_until=SOON)
    fix = fixes(wish(), spent)["wait"]
    assert (fix.until, fix.because, fix.levers) == (SOON + HOUR, "day_ends_at", wish())


def test_of_two_that_end_together_the_first_is_named():
    paused = book(losing_streak=2, stop_outs=4, stop_outs_until=SOON, symbol_cooldown_until=SOON)
    assert fixes(wish(), paused)["wait"].because == "stop_outs_until"


def test_a_moment_that_is_past_is_nothing_to_wait_for():
    """The reset is due but not recorded yet: a time to wait until would be a lie."""
    assert "wait" not in fixes(wish(), book(trades_today=10, day_ends_at=NOW))


def test_only_one_moment_is_offered():
    paused = book(symbol_cooldown_until=SOON, day_ends_at=SOON + HOUR, week_ends_at=SOON + HOUR)
    found = nearest_plans(wish(), paused, judge=judge_for(limits()), tick=TICK)
    assert [fix.lever for fix in found] == ["wait"]


# Closing.

HELD = OpenPosition(
    id="a", symbol="BTCUSDT", heat=D(10), open_risk=D(11), pending_risk=D(12), exposure=D(13),
    cash=D(14), exit_fees=D(15), in_symbol=True, live=True,
)  # fmt: skip
TOTALS = TraderTotals(
    equity=D(10000), day_start_equity=D(10000), week_start_equity=D(10000), heat=D(210),
    open_risk=D(211), pending_risk=D(212),
)  # fmt: skip
FULL = book(
    heat=D(110), open_risk=D(111), pending_risk=D(112), exposure=D(113), open_positions=2,
    positions_in_symbol=1, trader=TOTALS,
)  # fmt: skip


def test_a_closed_position_gives_back_all_it_took_less_the_fees_of_leaving():
    left = book_without(FULL, HELD)
    assert (left.heat, left.open_risk, left.pending_risk, left.exposure) == (100, 100, 100, 100)
    assert (left.cash, left.equity) == (10014, 9985)
    assert (left.open_positions, left.positions_in_symbol) == (1, 0)
    assert (left.trader.heat, left.trader.open_risk, left.trader.pending_risk) == (200, 200, 200)


def test_another_symbols_position_leaves_the_symbol_taken():
    other = dataclasses.replace(HELD, in_symbol=False)
    assert book_without(FULL, other).positions_in_symbol == 1


def test_a_paper_position_frees_nothing_of_the_live_accounts():
    assert book_without(FULL, dataclasses.replace(HELD, live=False)).trader == TOTALS
    alone = dataclasses.replace(FULL, trader=None)
    assert book_without(alone, HELD).trader is None
    untold = OpenPosition(id="a", symbol="ETHUSDT", heat=D(10))  # paper unless told otherwise
    assert book_without(FULL, untold).trader == TOTALS


def test_a_position_that_is_not_told_takes_nothing():
    """An entry that just filled may not have its figures yet: closing it frees its place alone."""
    bare = OpenPosition(id="a", symbol="ETHUSDT")
    assert book_without(FULL, bare) == dataclasses.replace(FULL, open_positions=1)


def test_of_the_positions_that_help_the_least_heat_is_named_first():
    full = book(open_positions=5, heat=D(60))
    held = [
        OpenPosition(id=name, symbol="ETHUSDT", heat=D(heat))
        for name, heat in (("c", 20), ("b", 10), ("a", 20), ("d", 10))
    ]
    found = nearest_plans(wish(), full, judge=judge_for(limits()), tick=TICK, positions=held)
    assert [fix.close.id for fix in found] == ["b", "d", "a", "c"]
    assert {(fix.lever, fix.levers) for fix in found} == {("close", wish())}


# Advice.


def test_an_advice_the_trader_acknowledged_refuses_nothing():
    wide = limits(max_risk=D("0.06"), max_heat=D("0.10"), max_day_loss=D("0.05"))
    bold = wish(risk="0.035", stop="57000", target="70000")
    assert fixes(bold, ROOMY, wide)["size"].levers.risk_fraction == D("0.03")
    assert fixes(bold, ROOMY, wide, acknowledged=frozenset({"large_risk"})) == {}


def test_a_drawing_that_makes_no_sense_has_no_nearest_plan():
    upside_down = Levers(risk_fraction=D("0.01"), stop=D(61000), target=D(62000))
    assert fixes(upside_down, ROOMY) == {}


# How the search asks.


def test_asking_only_the_rules_that_refuse_finds_the_same_plans():
    judge = judge_for(limits())

    def judge_only(levers, at, codes):
        return [v for v in judge(levers, at) or () if v.code in codes]

    warm = book(heat=D(260))
    for wanted in (wish(), wish(risk="0.03", target="61000"), wish(target="61000")):
        found = nearest_plans(wanted, warm, judge=judge, judge_only=judge_only, tick=TICK)
        assert found
        assert found == nearest_plans(wanted, warm, judge=judge, tick=TICK)


@pytest.mark.parametrize(("times", "found"), [("9", True), ("9.001", False)])
def test_a_line_is_moved_up_to_eight_times_its_price_and_no_further(times, found):
    """A target at nine times the entry is a typing error's cure, not a trade's."""
    least = D(62000) * D(times)

    def judge(levers, at):
        off = None if levers.target >= least else "Move it up."
        return [switch(code="far", title="Far", off=off, on="Far enough.")]

    fixes_found = nearest_plans(wish(), ROOMY, judge=judge, tick=TICK)
    assert [fix.levers.target for fix in fixes_found] == [least] * found


@pytest.mark.parametrize("line", ["stop", "target"])
def test_a_line_is_moved_down_to_the_last_tick_above_nothing(line):
    def judge(levers, at):
        off = None if getattr(levers, line) <= TICK else "Move it down."
        return [switch(code="low", title="Low", off=off, on="Low enough.")]

    found = nearest_plans(wish(), ROOMY, judge=judge, tick=TICK)
    assert [getattr(fix.levers, line) for fix in found] == [TICK]


def test_a_wish_between_two_steps_is_answered_with_the_step_just_below():
    assert fixes(wish(risk="0.0100005"), ROOMY)["size"].levers.risk_fraction == D("0.01")


def test_a_size_of_nothing_is_no_plan():
    def judge(levers, at):
        off = None if levers.risk_fraction <= 0 else "Wait."
        return [switch(code="never", title="Never", off=off, on="Nothing is risked.")]

    assert nearest_plans(wish(), ROOMY, judge=judge, tick=TICK) == ()


def test_the_smallest_size_of_all_is_offered_where_only_it_passes():
    def judge(levers, at):
        off = None if levers.risk_fraction <= FRACTION_STEP else "Lower the risk."
        return [switch(code="tiny", title="Tiny", off=off, on="Next to nothing.")]

    (fix,) = nearest_plans(wish(), ROOMY, judge=judge, tick=TICK)
    assert (fix.lever, fix.levers.risk_fraction) == ("size", D("0.000001"))


@pytest.mark.parametrize("line", ["stop", "target"])
def test_a_line_at_no_price_is_no_plan(line):
    def judge(levers, at):
        off = None if getattr(levers, line) <= 0 else "Wait."
        return [switch(code="never", title="Never", off=off, on="There is no price.")]

    assert nearest_plans(wish(), ROOMY, judge=judge, tick=TICK) == ()


@pytest.mark.parametrize("line", ["stop", "target"])
@pytest.mark.parametrize(("up", "down"), [(30, 100), (100, 30)])
def test_where_both_ways_help_the_shorter_one_is_offered(line, up, down):
    meant = getattr(wish(), line)

    def judge(levers, at):
        moved = (getattr(levers, line) - meant) / TICK
        off = None if moved >= up or moved <= -down else "Move it."
        return [switch(code="gap", title="Gap", off=off, on="Outside the gap.")]

    (fix,) = nearest_plans(wish(), ROOMY, judge=judge, tick=TICK)
    assert getattr(fix.levers, line) == meant + TICK * (up if up < down else -down)
