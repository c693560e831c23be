"""The risk monitor's arithmetic: what is at risk now, and the distance to every limit."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.breaker import measure
from risk.exposure import Holding, Totals, by_symbol, gauges, totals, totals_of, warnings
from risk.protocol import DEFAULTS, TraderTotals
from risk.rules import check
from tests.risk.builders import D, book, limits, plan


def holding(**changes) -> Holding:
    """A long of 0.1 BTC from 60,000, 600 above its stop, 12 of fees to leave."""
    facts = {
        "symbol": "BTCUSDT", "direction": "long", "quantity": D("0.1"), "entry": D(60000),
        "mark": D(60000), "stop": D(59400), "exit_fees": D("5.94"),
    }  # fmt: skip
    return Holding(**{**facts, **changes})


def gauge(code, the_book, the_limits=DEFAULTS):
    return next(one for one in gauges(the_book, the_limits) if one.code == code)


# What is at risk.


def test_heat_is_from_the_entry_and_open_risk_from_the_mark():
    up = totals_of(holding(mark=D(61000)))
    assert (up.heat, up.open_risk, up.exposure) == (D("65.94"), D("165.94"), 6100)
    assert (up.pending_risk, up.count) == (0, 1)


def test_a_short_is_at_risk_upwards():
    short = totals_of(holding(direction="short", stop=D(60600), mark=D(59000)))
    assert (short.heat, short.open_risk, short.exposure) == (D("65.94"), D("165.94"), 5900)


def test_a_stop_beyond_break_even_has_no_heat_but_what_was_won_is_at_risk():
    safe = totals_of(holding(stop=D(60500), mark=D(61000)))
    assert (safe.heat, safe.open_risk) == (0, D("55.94"))


def test_a_pending_entry_counts_its_whole_plan():
    waiting = totals_of(holding(planned_risk=D(72), mark=D(65000)))
    assert (waiting.heat, waiting.open_risk, waiting.pending_risk) == (72, 0, 72)
    assert (waiting.exposure, waiting.count) == (6000, 1)


def test_without_a_stop_the_whole_notional_is_at_risk():
    bare = totals_of(holding(stop=None, mark=D(50000)))
    assert (bare.heat, bare.open_risk, bare.exposure) == (6000, 5000, 5000)
    assert (bare.pending_risk, bare.count) == (0, 1)


def test_risk_is_added_up_by_symbol_and_direction():
    found = by_symbol([holding(), holding(mark=D(61000)), holding(symbol="ETHUSDT")])
    assert list(found) == [("BTCUSDT", "long"), ("ETHUSDT", "long")]
    assert found["BTCUSDT", "long"].heat == D("131.88")
    assert found["BTCUSDT", "long"].count == 2


amounts = st.integers(1, 10**8).map(lambda n: D(n) / 1000)
holdings = st.builds(
    lambda direction, quantity, entry, mark, stop, fees, planned: holding(
        direction=direction, quantity=quantity, entry=entry, mark=mark, stop=stop, exit_fees=fees,
        planned_risk=planned,
    ),
    st.sampled_from(["long", "short"]), amounts, amounts, amounts, st.none() | amounts, amounts,
    st.none() | amounts,
)  # fmt: skip


@given(held=st.lists(holdings, max_size=6), data=st.data())
def test_running_totals_are_what_a_scan_finds_whatever_came_and_went(held, data):
    running = Totals()
    for one in held:
        running = running.plus(one)
    gone = data.draw(st.integers(0, len(held)))
    for one in data.draw(st.permutations(held))[:gone]:
        running = running.minus(one)
        held.remove(one)
    assert running == totals(held)
    assert min(running.heat, running.open_risk, running.pending_risk, running.exposure) >= 0


@given(one=holdings, tighter=st.integers(0, 100))
def test_a_tighter_stop_is_never_more_heat(one, tighter):
    if one.stop is None or one.planned_risk is not None:
        return
    way = tighter if one.direction == "long" else -min(tighter, one.stop / 2)
    assert totals_of(replace(one, stop=one.stop + way)).heat <= totals_of(one).heat


# Gauges.


def test_an_idle_account_has_all_its_room():
    idle = gauges(book(), DEFAULTS)
    assert [one.code for one in idle] == [
        "portfolio_heat", "daily_loss", "weekly_loss", "drawdown", "leverage", "open_positions",
        "trades_today", "losing_streak", "stop_outs",
    ]  # fmt: skip
    assert all(one.used == 0 and one.room == one.limit > 0 for one in idle)
    assert not any(one.warn or one.broken or one.share for one in idle)
    assert warnings(idle) == ()


@pytest.mark.parametrize(
    ("code", "near", "broken", "limit"),
    [
        ("portfolio_heat", {"heat": D(240)}, {"heat": D("300.01")}, 300),
        ("daily_loss", {"equity": D(9760)}, {"equity": D(9700)}, 300),
        ("daily_loss", {"open_risk": D(240)}, {"pending_risk": D("300.01")}, 300),
        ("weekly_loss", {"equity": D(9520)}, {"equity": D(9400)}, 600),
        ("drawdown", {"drawdown": D("0.08")}, {"drawdown": D("0.1")}, D("0.1")),
        ("open_positions", {"open_positions": 4}, {"open_positions": 6}, 5),
        ("trades_today", {"trades_today": 8}, {"trades_today": 11}, 10),
        ("losing_streak", {}, {"losing_streak": 3}, 3),
        ("stop_outs", {}, {"stop_outs": 4}, 4),
    ],
)
def test_a_gauge_warns_at_eighty_percent_and_tells_when_it_is_broken(code, near, broken, limit):
    idle, full = gauge(code, book()), gauge(code, book(**broken))
    assert (idle.limit, idle.warn) == (limit, False)
    assert (full.limit, full.room, full.warn, full.broken) == (limit, 0, True, True)
    if near:
        nearly = gauge(code, book(**near))
        assert (nearly.share, nearly.warn, nearly.broken) == (D("0.8"), True, False)
        assert warnings([nearly]) == (f"{nearly.title}: {nearly.text}",)


def test_on_spot_a_trade_with_all_the_cash_is_no_warning():
    full = gauge("leverage", book(exposure=D(10000)))
    assert (full.limit, full.share, full.warn, full.broken) == (10000, 1, False, False)
    over = gauge("leverage", book(exposure=D("10000.01")))
    assert (over.warn, over.broken, over.room) == (False, True, 0)
    assert warnings([full, over]) == (f"Exposure: {over.text}",)


def test_a_count_at_its_limit_is_full_but_not_broken():
    full = gauge("open_positions", book(open_positions=5))
    assert (full.room, full.share, full.warn, full.broken) == (0, 1, True, False)
    assert full.text == "5 of 5 positions."


def test_the_days_gauge_tells_what_is_lost_and_what_is_at_risk():
    day = gauge("daily_loss", book(equity=D(9900), open_risk=D(50), pending_risk=D(30)))
    assert (day.used, day.room, day.share) == (180, 120, D("0.6"))
    assert day.text == "100.00 lost today and 80.00 at risk, of 300.00 USDT."


def test_risk_that_just_fills_the_day_is_full_but_not_broken():
    """If every stop is hit the limit is reached; a loss that has reached it is another matter."""
    full = gauge("daily_loss", book(equity=D(9900), open_risk=D(150), pending_risk=D(50)))
    assert (full.room, full.share, full.warn, full.broken) == (0, 1, True, False)
    over = gauge("daily_loss", book(equity=D(9900), open_risk=D("150.01"), pending_risk=D(50)))
    assert over.broken


def test_an_account_may_be_held_in_positions_to_its_last_cent():
    assert gauge("leverage", book(equity=D("10000.55"))).limit == D("10000.55")


def test_a_share_is_rounded_up():
    assert gauge("portfolio_heat", book(heat=D("0.001"))).share == D("0.0001")


def test_without_equity_any_risk_is_all_of_it():
    broke = book(equity=D(0), day_start_equity=D(0), heat=D(1))
    heat = gauge("portfolio_heat", broke)
    assert (heat.share, heat.room, heat.warn, heat.broken) == (1, 0, True, True)
    assert not gauge("daily_loss", broke).warn


def test_all_live_accounts_have_gauges_of_their_own_by_the_caps():
    both = TraderTotals(
        equity=D(19000), day_start_equity=D(20000), week_start_equity=D(20500), heat=D(950),
        open_risk=D(10), pending_risk=D(7), drawdown=D("0.05"),
    )  # fmt: skip
    found = {one.code: one for one in gauges(book(trader=both), limits(max_heat=D("0.01")))}
    assert (found["trader_heat"].limit, found["trader_heat"].share) == (1900, D("0.5"))
    assert (found["trader_daily_loss"].used, found["trader_daily_loss"].limit) == (1017, 1000)
    assert (found["trader_weekly_loss"].used, found["trader_weekly_loss"].limit) == (1517, 1640)
    assert found["trader_drawdown"].share == D("0.5")


books = st.builds(
    lambda equity, heat, at_risk, pending, fall, streak, positions: book(
        equity=equity, heat=heat, open_risk=at_risk, pending_risk=pending, drawdown=fall,
        losing_streak=streak, open_positions=positions,
    ),
    st.integers(900_000, 1_050_000).map(lambda cents: D(cents) / 100),
    *[st.integers(0, 40_000).map(lambda cents: D(cents) / 100)] * 3,
    st.integers(0, 1200).map(lambda n: D(n) / 10_000), st.integers(0, 4), st.integers(0, 7),
)  # fmt: skip


@given(the_book=books)
def test_a_gauge_agrees_with_its_rule_and_its_breaker(the_book):
    """The room a gauge shows is the room a plan has; what opened a breaker is broken."""
    found = {one.code: one for one in gauges(the_book, DEFAULTS)}
    the_plan = plan(budget="50")
    for v in check(the_plan, the_book, DEFAULTS):
        if v.code in {"portfolio_heat", "daily_loss", "weekly_loss"}:
            assert v.ok == (the_plan.risk <= found[v.code].limit - found[v.code].used)
            assert v.limit == found[v.code].limit
        if v.code == "drawdown":
            assert v.ok != found[v.code].broken
    names = {"day_loss": "daily_loss", "week_loss": "weekly_loss", "heat": "portfolio_heat"}
    for one in measure(the_book, DEFAULTS):
        assert found[names.get(one.cause, one.cause.value)].broken
    for one in found.values():
        assert one.room == max(one.limit - one.used, 0)
        assert one.warn or not one.broken
        assert one.warn == (one.used > 0 and one.used >= one.limit * D("0.8"))
        assert one.text
