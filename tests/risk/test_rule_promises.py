"""What the rules promise for every plan, account and set of limits."""

import random
import re
from dataclasses import fields, replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.limits import split_change
from risk.protocol import DEFAULTS, Book, Effect, Plan, TraderTotals
from risk.rules import RULES, check, may_proceed
from risk.sizing import Sizing
from risk.wording import money_up
from tests.risk.builders import D, book, plan, said
from tests.risk.strategies import books, calm_books, plans, some_limits, sound_plans, wishes

ALL_ADVICE = frozenset({"large_risk", "smallest_risk"})
PRICES = {"stop_side", "stop_distance", "stop_range", "spread", "slippage", "price_drift"}
WAY_OUT = re.compile(
    r"\b(lower the risk|move (it|the)|wait|close (it|one|or|a)|review|try again|draw a|resume"
    r"|cancel|trade another|choose another|risk [\d.]+ %|risk at least|free( or deposit| at least|)"
    r"|smallest size)",
    re.IGNORECASE,
)


def passes(the_plan, the_book, the_limits) -> bool:
    return may_proceed(check(the_plan, the_book, the_limits), acknowledged=ALL_ADVICE)


@given(the_plan=plans(), the_book=books(), the_limits=some_limits, seed=st.integers(0, 10**9))
def test_verdicts_do_not_depend_on_the_order_of_the_rules(the_plan, the_book, the_limits, seed):
    order = random.Random(seed).sample(RULES, len(RULES))
    expected = {v.code: v for v in check(the_plan, the_book, the_limits)}
    assert len(expected) == len(RULES)
    again = {v.code: v for v in check(the_plan, the_book, the_limits, rules=order)}
    assert again == expected


@given(
    the_plan=plans() | sound_plans(), the_book=books() | calm_books(), loose=some_limits,
    wanted=wishes,
)  # fmt: skip
def test_tightening_any_limit_never_approves_more(the_plan, the_book, loose, wanted):
    tight, _ = split_change(loose, wanted)
    if passes(the_plan, the_book, tight):
        assert passes(the_plan, the_book, loose)
    # And rule by rule, but for half size: a stricter streak can pause what was at half size.
    before = {v.code: v.ok for v in check(the_plan, the_book, loose)}
    for v in check(the_plan, the_book, tight):
        if v.effect is Effect.BLOCK and v.ok and v.code != "recovery_size":
            assert before[v.code], v.code


@given(the_plan=sound_plans(), the_book=calm_books(), data=st.data())
def test_more_risk_in_the_book_never_approves_more(the_plan, the_book, data):
    name = data.draw(
        st.sampled_from(
            ["heat", "open_risk", "pending_risk", "exposure", "open_positions", "trades_today",
             "losing_streak", "drawdown", "positions_in_symbol"]
        )
    )  # fmt: skip
    more = data.draw(st.integers(0, 200))
    step = (
        D(more) / 1000
        if name == "drawdown"
        else more
        if "_" in name and name not in ("open_risk", "pending_risk")
        else D(more)
    )
    worse = replace(the_book, **{name: getattr(the_book, name) + step})
    if passes(the_plan, worse, DEFAULTS):
        assert passes(the_plan, the_book, DEFAULTS)


@given(the_plan=sound_plans(), the_book=calm_books(), the_limits=some_limits)
def test_an_approved_plan_keeps_every_limit(the_plan, the_book, the_limits):
    """Counted again in fractions, from the Protocol's own words."""
    if not passes(the_plan, the_book, the_limits):
        return
    risk, equity = Fraction(the_plan.risk), Fraction(the_book.equity)
    start = Fraction(the_book.day_start_equity)
    assert risk <= equity * Fraction(the_limits.max_risk)
    assert Fraction(the_book.heat) + risk <= equity * Fraction(the_limits.max_heat)
    if_all_stops_are_hit = (
        max(start - equity, 0)
        + Fraction(the_book.open_risk)
        + Fraction(the_book.pending_risk)
        + risk
    )
    assert if_all_stops_are_hit <= start * Fraction(the_limits.max_day_loss)
    assert if_all_stops_are_hit <= start * Fraction(the_limits.max_week_loss)
    assert Fraction(the_book.exposure) + Fraction(the_plan.sizing.notional) <= equity
    assert the_book.open_positions < the_limits.max_positions
    assert the_book.trades_today < the_limits.max_trades_a_day
    assert the_book.losing_streak < the_limits.max_losing_streak
    assert the_plan.sizing.reward_to_risk >= the_limits.min_reward_to_risk


@given(the_plan=plans(), the_book=books(), the_limits=some_limits)
def test_every_refusal_names_a_way_out_and_every_verdict_says_something(
    the_plan, the_book, the_limits
):
    for v in check(the_plan, the_book, the_limits):
        assert v.title
        assert v.message.strip()
        assert v.message.endswith((".", "%"))
        if not v.ok:
            assert WAY_OUT.search(v.message), (v.code, v.message)
            for amount in re.findall(r"Lower the risk by (\S+) ", v.message):
                assert said(amount) <= said(money_up(the_plan.risk))
            for amount in re.findall(r"Lower the risk to ([\d,.]+) ", v.message):
                assert 0 < said(amount) < max(the_plan.risk, the_plan.sizing.budget)


@given(the_plan=plans(), the_book=books(), the_limits=some_limits)
def test_the_margin_tells_the_verdict(the_plan, the_book, the_limits):
    for v in check(the_plan, the_book, the_limits):
        assert (v.margin > 0) <= v.ok <= (v.margin >= 0), v.code
        assert all(figure.is_finite() for figure in (v.measured, v.limit, v.margin))
        assert v.needs_acknowledgement <= (not v.ok and v.effect is Effect.ADVISE)


@given(
    the_plan=plans() | sound_plans(), the_book=books() | calm_books(),
    k=st.sampled_from([D(2), D(10), D(1000), D("0.5"), D("0.001")]),
)  # fmt: skip
def test_a_thousand_times_the_money_is_judged_the_same(the_plan, the_book, k):
    large = {v.code: v for v in check(times(the_plan, k), times(the_book, k), DEFAULTS)}
    for v in check(the_plan, the_book, DEFAULTS):
        scaled = large[v.code]
        assert (scaled.ok, scaled.unit) == (v.ok, v.unit)
        factor = k if v.unit == the_book.currency and v.code not in PRICES else 1
        assert (scaled.measured, scaled.limit, scaled.margin) == (
            v.measured * factor, v.limit * factor, v.margin * factor,
        )  # fmt: skip


MONEY = {
    "equity", "cash", "day_start_equity", "week_start_equity", "day_flows", "week_flows", "heat",
    "open_risk", "pending_risk", "exposure", "quantity", "notional", "budget", "worst_loss",
}  # fmt: skip


def times(value, k: Decimal):
    """All money and quantities times `k`; prices, fractions and counts stay."""
    changes = {}
    for field in fields(value):
        inner = getattr(value, field.name)
        if isinstance(inner, Sizing | TraderTotals):
            changes[field.name] = times(inner, k)
        elif field.name in MONEY and inner is not None:
            changes[field.name] = inner * k
    return replace(value, **changes)


# What is no number reaches no rule.

NO_NUMBERS = [D("NaN"), D("sNaN"), D("Infinity"), D("-Infinity"), 1.0, "1", None]
PLAN = ["entry", "worst_entry", "stop", "target", "risk_fraction", "bid", "ask", "price"]
TOTALS = sorted(field.name for field in fields(TraderTotals))
BOOK = sorted(
    field.name for field in fields(Book) if field.type in (Decimal, "Decimal")
)  # every amount of it


def totals(**changes) -> TraderTotals:
    start = dict.fromkeys(("equity", "day_start_equity", "week_start_equity"), D(1))
    return TraderTotals(**{**start, **changes})


@pytest.mark.parametrize("wrong", NO_NUMBERS, ids=str)
def test_neither_plan_nor_book_takes_what_is_no_finite_decimal(wrong):
    assert len(BOOK) == 10
    for name in PLAN:
        with pytest.raises(ValueError, match=f"{name} is .*give a finite Decimal"):
            replace(plan(), **{name: wrong})
    for name in BOOK:
        with pytest.raises(ValueError, match=f"{name} is .*give a finite Decimal"):
            book(**{name: wrong})
    for name in TOTALS:
        with pytest.raises(ValueError, match=f"{name} is .*give a finite Decimal"):
            totals(**{name: wrong})
    for name in ("quantity", "notional", "budget", "worst_loss"):
        with pytest.raises(ValueError, match=f"{name} is .*give a finite Decimal"):
            replace(plan(), sizing=replace(plan().sizing, **{name: wrong}))
    if wrong is not None:
        for build, name in ((book, "week_start_equity"), (_plan_seen_at, "quoted_price")):
            with pytest.raises(ValueError, match=f"{name} is .*give a finite Decimal"):
                build(**{name: wrong})


def _plan_seen_at(**changes) -> Plan:
    return replace(plan(), **changes)


@pytest.mark.parametrize("name", ["heat", "open_risk", "pending_risk", "exposure", "drawdown"])
def test_risk_below_zero_would_make_room_and_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} is -0.01: give 0 or more"):
        book(**{name: D("-0.01")})
    if name != "exposure":
        with pytest.raises(ValueError, match=f"{name} is -0.01: give 0 or more"):
            totals(**{name: D("-0.01")})


@pytest.mark.parametrize(
    "name",
    ["open_positions", "positions_in_symbol", "losing_streak", "stop_outs", "trades_today",
     "algo_orders", "orders", "order_lists", "account_algo_orders", "account_orders",
     "account_order_lists"],
)  # fmt: skip
@pytest.mark.parametrize("wrong", [-1, 1.5, True, None, D(1)], ids=str)
def test_a_count_is_a_whole_number_of_zero_or_more(name, wrong):
    with pytest.raises(ValueError, match=f"{name} is .*give a count"):
        book(**{name: wrong})
