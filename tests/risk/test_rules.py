"""The Testudo Protocol: every refusal says by how much, and the way out."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk import rules
from risk.protocol import CAPS, DEFAULTS, Effect
from risk.rules import RULES, check, may_proceed
from tests.risk.builders import NOW, D, book, limits, plan, verdict


def test_a_sound_plan_on_an_idle_account_passes_every_rule():
    verdicts = check(plan(), book(), DEFAULTS)
    assert [v.code for v in verdicts if not v.ok] == []
    assert may_proceed(verdicts, acknowledged=())


def test_every_rule_answers_once_under_its_own_code():
    verdicts = check(plan(), book(), DEFAULTS)
    assert len({v.code for v in verdicts}) == len(RULES) == len(verdicts)
    assert all(v.title and v.message for v in verdicts)


def test_one_blocking_verdict_stops_the_plan_and_all_reasons_are_told_at_once():
    bad = check(plan(target="60500"), book(open_positions=5, state="halted"), DEFAULTS)
    failed = {v.code for v in bad if not v.ok}
    assert failed == {"reward_to_risk", "open_positions", "trading_state"}
    assert not may_proceed(bad, acknowledged=failed)


# Risk per trade.


def test_risk_above_the_traders_own_limit_is_refused_with_the_amount_that_passes():
    v = verdict("trade_risk", plan(budget="150"))
    assert not v.ok
    assert (v.measured, v.limit, v.margin, v.unit) == (D(150), D(100), D(-50), "USDT")
    assert v.message == (
        "1.5 % of equity is above your 1 %. Lower the risk to 100.00 USDT or less."
    )
    assert verdict("trade_risk", plan(budget="100")).ok


def test_two_to_three_percent_is_advice_that_stops_nobody():
    wide = limits(max_risk=D("0.06"), max_heat=D("0.10"), max_day_loss=D("0.05"))
    verdicts = check(plan(budget="250", cash="1e6"), book(cash=D(10**6)), wide)
    v = next(v for v in verdicts if v.code == "large_risk")
    assert (v.ok, v.effect, v.needs_acknowledgement) == (False, Effect.ADVISE, False)
    assert "Lower the risk to 200.00 USDT." in v.message
    assert may_proceed(verdicts, acknowledged=())


def test_above_three_percent_the_trader_must_acknowledge_it():
    wide = limits(max_risk=D("0.06"), max_heat=D("0.10"), max_day_loss=D("0.05"))
    verdicts = check(plan(budget="350"), book(cash=D(10**6)), wide)
    v = next(v for v in verdicts if v.code == "large_risk")
    assert v.needs_acknowledgement
    assert "300.00 USDT, or acknowledge it to go on" in v.message
    assert not may_proceed(verdicts, acknowledged=())
    assert may_proceed(verdicts, acknowledged={"large_risk"})


def test_a_small_risk_is_advised_against_but_never_stopped():
    verdicts = check(plan(budget="30"), book(), DEFAULTS)
    v = next(v for v in verdicts if v.code == "smallest_risk")
    assert (v.ok, v.effect) == (False, Effect.ADVISE)
    assert may_proceed(verdicts, acknowledged=())


def test_a_trader_whose_limit_is_below_the_smallest_risk_is_not_nagged():
    assert verdict("smallest_risk", plan(budget="30"), None, limits(max_risk=D("0.003"))).ok


# Heat and the day.


def test_heat_counts_open_and_pending_risk_and_names_what_to_give_up():
    v = verdict("portfolio_heat", None, book(heat=D("250.005")))
    assert v.measured == D("250.005") + plan().risk
    assert v.limit == 300
    assert not v.ok
    assert v.message == "Lower the risk by 50.01 USDT, or close a position first."
    assert verdict("portfolio_heat", None, book(heat=D(200))).ok


def test_heat_says_when_it_is_nearly_used_up():
    assert (
        "of the limit would be in use" in verdict("portfolio_heat", None, book(heat=D(190))).message
    )
    assert "in use" not in verdict("portfolio_heat", None, book(heat=D(0))).message


def test_the_days_loss_counts_what_is_lost_open_pending_and_new():
    v = verdict("daily_loss", None, book(equity=D(9900), open_risk=D(60), pending_risk=D(50)))
    assert v.measured == 100 + 60 + 50 + plan().risk
    assert v.limit == 300
    assert not v.ok
    for part in (
        "lost today 100", "in open positions 60", "in pending entries 50", "in this plan 100",
        "Lower the risk by 10.00 to 90.00 USDT", "Exits, tighter stops",
    ):  # fmt: skip
        assert part in v.message


def test_once_the_days_loss_is_used_up_only_waiting_helps():
    v = verdict("daily_loss", None, book(equity=D(9700), day_ends_at=NOW + timedelta(hours=12)))
    assert "Nothing new fits today. Wait for the reset at 2026-11-24 00:00 UTC." in v.message


def test_todays_profit_does_not_raise_the_days_limit():
    v = verdict("daily_loss", None, book(equity=D(11000)))
    assert (v.measured, v.limit) == (plan().risk, D(300))


# Streak.


def test_three_losses_in_a_row_pause_new_trades_until_a_named_time():
    v = verdict("losing_streak", None, book(losing_streak=3, streak_until=NOW + timedelta(hours=1)))
    assert not v.ok
    assert "pause until 2026-11-23 13:00 UTC" in v.message
    assert "Exits" in v.message


def test_a_streak_whose_end_is_unknown_stays_paused():
    assert not verdict("losing_streak", None, book(losing_streak=3)).ok


def test_two_losses_in_a_row_pause_nothing():
    assert verdict("losing_streak", None, book(losing_streak=2)).ok


def test_after_the_pause_trades_are_at_half_size_until_one_wins():
    over = book(losing_streak=3, streak_until=NOW)
    assert verdict("losing_streak", None, over).ok
    v = verdict("recovery_size", None, over)
    assert not v.ok
    assert "Lower the risk to 50.00 USDT" in v.message
    assert verdict("recovery_size", plan(budget="50"), over).ok
    assert verdict("recovery_size", None, book(losing_streak=2)).ok


# Counts and states.


def test_the_sixth_position_is_refused():
    assert verdict("open_positions", None, book(open_positions=4)).ok
    v = verdict("open_positions", None, book(open_positions=5))
    assert not v.ok
    assert "5 of 5 positions are taken. Close one" in v.message


def test_a_second_position_in_a_symbol_is_refused():
    v = verdict("symbol_position", None, book(positions_in_symbol=1))
    assert not v.ok
    assert "BTCUSDT already has a position" in v.message


def test_the_eleventh_trade_of_a_day_is_refused():
    assert verdict("trades_today", None, book(trades_today=9)).ok
    assert not verdict("trades_today", None, book(trades_today=10)).ok


@pytest.mark.parametrize("state", ["reducing", "halted"])
def test_a_held_back_account_says_that_exits_go_on(state):
    v = verdict("trading_state", None, book(state=state, state_reason="operator"))
    assert not v.ok
    assert "operator" in v.message
    assert "Exits, tighter stops and cancels of entries go on." in v.message


def test_nothing_new_before_the_account_agrees_with_the_exchange():
    v = verdict("reconciliation", None, book(reconciled=False))
    assert not v.ok
    assert "Exits" in v.message


def test_a_short_on_a_spot_account_is_refused_with_the_way_out():
    short = plan(direction="short", stop="60600", target="58000")
    v = verdict("direction_allowed", short)
    assert not v.ok
    assert "Draw a long" in v.message
    assert verdict("direction_allowed", short, book(shorts_allowed=True)).ok


# Promises, for every account.

amounts = st.integers(0, 60_000).map(lambda cents: D(cents) / 100)
books = st.builds(
    lambda heat, open_risk, pending, equity, positions, streak, trades, state: book(
        heat=heat, open_risk=open_risk, pending_risk=pending, equity=equity,
        open_positions=positions, losing_streak=streak, trades_today=trades, state=state,
    ),
    amounts, amounts, amounts,
    st.integers(900_000, 1_100_000).map(lambda cents: D(cents) / 100),
    st.integers(0, 9), st.integers(0, 4), st.integers(0, 21),
    st.sampled_from(["active", "reducing", "halted"]),
)  # fmt: skip
plans = st.builds(
    lambda budget, stop, target: plan(budget=str(budget), stop=str(stop), target=str(target)),
    st.integers(1, 700), st.integers(50_000, 59_990), st.integers(60_010, 70_000),
)  # fmt: skip


@given(the_plan=plans, the_book=books, order=st.permutations(RULES))
def test_verdicts_do_not_depend_on_the_order_of_the_rules(the_plan, the_book, order):
    expected = {v.code: v for v in check(the_plan, the_book, DEFAULTS)}
    assert {v.code: v for v in (rule(the_plan, the_book, DEFAULTS) for rule in order)} == expected


@given(
    the_plan=plans,
    the_book=books,
    share=st.integers(1, 100),
    name=st.sampled_from(["max_risk", "max_heat", "max_day_loss"]),
)
def test_tightening_a_limit_never_approves_more(the_plan, the_book, share, name):
    wide = limits(max_risk=D("0.06"), max_heat=D("0.10"), max_day_loss=D("0.05"))
    tight = replace(wide, **{name: max(getattr(wide, name) * share / 100, CAPS[name][0])})
    if may_proceed(check(the_plan, the_book, tight), acknowledged={"large_risk"}):
        assert may_proceed(check(the_plan, the_book, wide), acknowledged={"large_risk"})


@given(the_plan=plans, the_book=books)
def test_an_approved_plan_keeps_every_limit(the_plan, the_book):
    if may_proceed(check(the_plan, the_book, DEFAULTS), acknowledged=()):
        assert the_plan.risk <= the_book.equity / 100
        assert the_book.heat + the_plan.risk <= the_book.equity * 3 / 100
        lost = max(the_book.day_start_equity - the_book.equity, 0)
        at_risk = the_book.open_risk + the_book.pending_risk + the_plan.risk
        assert lost + at_risk <= the_book.day_start_equity * 3 / 100
        assert the_book.open_positions < 5
        assert the_book.state == "active"


@given(the_plan=plans, the_book=books)
def test_the_sign_of_the_margin_is_the_verdict(the_plan, the_book):
    for v in check(the_plan, the_book, DEFAULTS):
        if v.code not in {"losing_streak", "exchange_filters"}:
            assert v.ok == (v.margin >= 0 and (v.margin > 0 or v.code != "stop_side")), v.code


def test_a_verdict_becomes_json_with_plain_figures():
    facts = verdict("trade_risk", plan(budget="1e2")).as_dict()
    assert facts["measured"] == "100"
    assert facts["effect"] == "block"
    assert set(facts) >= {"code", "title", "measured", "limit", "margin", "unit", "ok", "message"}


def test_the_version_of_the_rules_is_named():
    assert rules.RULES_VERSION
