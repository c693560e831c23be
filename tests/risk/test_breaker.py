"""The loss breaker: what opens it, what ends it, and who may."""

from dataclasses import replace
from datetime import timedelta

import pytest

from risk.breaker import (
    HALTING,
    Breaker,
    Cause,
    Phase,
    after_close,
    at_time,
    measure,
    opened,
    trading_state,
)
from risk.protocol import DEFAULTS
from tests.risk.breakers import DAY, HOUR, STREAK, half_open, is_open
from tests.risk.builders import NOW, D, book, limits


def causes(the_book, the_limits=DEFAULTS) -> set[Cause]:
    return {one.cause for one in measure(the_book, the_limits)}


def later(breaker: Breaker, now, *, day=NOW - HOUR, week=NOW - HOUR, measured=()) -> Breaker:
    return at_time(breaker, now=now, day_began=day, week_began=week, measured=measured)


def closed_trade(breaker: Breaker, r, *, in_plan=True, streak=0) -> Breaker:
    known = None if r is None else D(r)
    return after_close(
        breaker, r=known, in_plan=in_plan, streak=streak, limits=DEFAULTS, at=NOW + DAY
    )


def test_a_new_breaker_is_closed_and_has_proved_nothing():
    fresh = Breaker(cause=STREAK)
    assert (fresh.phase, fresh.recovered_r, fresh.recovered_trades) == (Phase.CLOSED, 0, 0)


# What opens.


@pytest.mark.parametrize(
    ("just_not", "reached", "cause"),
    [
        ({"equity": D("9700.01")}, {"equity": D(9700)}, Cause.DAY_LOSS),
        (
            {"equity": D("9870.01"), "week_start_equity": D(10500)},
            {"equity": D(9870), "week_start_equity": D(10500)},
            Cause.WEEK_LOSS,
        ),
        ({"heat": D(300)}, {"heat": D("300.01")}, Cause.HEAT),
        ({"losing_streak": 2}, {"losing_streak": 3}, STREAK),
        (
            {"stop_outs": 4, "stop_outs_until": NOW},
            {"stop_outs_until": NOW + HOUR},
            Cause.STOP_OUTS,
        ),
        ({"drawdown": D("0.0999")}, {"drawdown": D("0.10")}, Cause.DRAWDOWN),
    ],
)
def test_each_cause_opens_at_its_limit(just_not, reached, cause):
    assert causes(book(**just_not)) == set()
    assert causes(book(**reached)) == {cause}


def test_a_small_account_has_small_losses():
    small = {"equity": D("9.40"), "day_start_equity": D(10), "week_start_equity": D(10)}
    assert causes(book(**small)) == {Cause.DAY_LOSS, Cause.WEEK_LOSS}


def test_an_empty_account_opens_nothing():
    assert causes(book(equity=D(0), cash=D(0), day_start_equity=D(0))) == set()


def test_heat_without_equity_is_too_much_heat():
    broke = book(equity=D(-1), day_start_equity=D(-1), heat=D(1))
    assert causes(broke) == {Cause.HEAT}


def test_what_opened_says_how_much_and_when_it_ends():
    reset, week = NOW + 12 * HOUR, NOW + 60 * HOUR
    found = {
        one.cause: one
        for one in measure(
            book(
                equity=D(9300), day_ends_at=reset, week_ends_at=week, heat=D(400), losing_streak=3,
                streak_until=NOW + 9 * HOUR, stop_outs=4, stop_outs_until=NOW + HOUR,
                drawdown=D("0.12"),
            ),
            DEFAULTS,
        )
    }  # fmt: skip
    assert found[Cause.DAY_LOSS][1:] == ("Today 700.00 USDT were lost: 7 %, of 3 % allowed.", reset)
    assert found[Cause.WEEK_LOSS][1:] == (
        "This week 700.00 USDT were lost: 7 %, of 6 % allowed.", week,
    )  # fmt: skip
    assert found[Cause.HEAT][1:] == (
        "400.00 USDT are at risk at the stops: 4.3 % of equity, above your 3 %.", None,
    )  # fmt: skip
    assert found[STREAK][1:] == ("3 losses in a row.", NOW + 9 * HOUR)
    assert found[Cause.STOP_OUTS][1:] == ("Stopped out 4 times within 24 hours.", NOW + HOUR)
    assert found[Cause.DRAWDOWN][1:] == ("12 % below the peak, of 10 % allowed.", None)


def test_a_streak_whose_end_is_unknown_pauses_for_a_day_from_now():
    assert measure(book(losing_streak=3), DEFAULTS)[0].until == NOW + DAY


def test_a_tighter_limit_opens_at_once():
    lossy = book(equity=D(9900))
    assert causes(lossy) == set()
    assert causes(lossy, limits(max_day_loss=D("0.01"))) == {Cause.DAY_LOSS}


def test_opening_an_open_one_keeps_its_story_and_only_a_later_end_holds_longer():
    first = is_open(STREAK, until=NOW + DAY)
    again = opened(first, reason="other", until=NOW + 2 * DAY, at=NOW + HOUR)
    assert again == replace(first, until=NOW + 2 * DAY)
    assert opened(again, reason="other", until=NOW + DAY, at=NOW + HOUR) == again
    by_hand = is_open(Cause.OPERATOR)
    assert opened(by_hand, reason="other", until=NOW + DAY, at=NOW + HOUR) == by_hand


# What ends by itself.


@pytest.mark.parametrize("cause", [Cause.DAY_LOSS, Cause.WEEK_LOSS])
def test_losses_re_arm_at_their_own_reset(cause):
    lost = is_open(cause)
    reset = NOW + HOUR
    own = {"day": reset} if cause is Cause.DAY_LOSS else {"week": reset}
    other = {"week": reset} if cause is Cause.DAY_LOSS else {"day": reset}
    assert later(lost, reset, **own) == Breaker(cause=cause)
    assert later(lost, reset, **other) == lost
    assert later(lost, NOW + 99 * DAY) == lost  # no reset was seen: it stays
    assert later(is_open(cause, at=reset), reset, **own).phase is Phase.OPEN


def test_one_that_does_not_know_when_it_opened_stays():
    unknown = Breaker(cause=Cause.DAY_LOSS, phase=Phase.OPEN)
    assert later(unknown, NOW + DAY, day=NOW + DAY) == unknown


def test_heat_ends_when_it_is_gone():
    hot = is_open(Cause.HEAT)
    assert later(hot, NOW + DAY, measured={Cause.HEAT}) == hot
    assert later(hot, NOW) == Breaker(cause=Cause.HEAT)


def test_the_pause_after_stop_outs_ends_at_its_moment():
    paused = is_open(Cause.STOP_OUTS, until=NOW + HOUR)
    assert later(paused, NOW + HOUR - timedelta(microseconds=1)) == paused
    assert later(paused, NOW + HOUR) == Breaker(cause=Cause.STOP_OUTS)


def test_a_streak_becomes_half_open_after_its_day():
    paused = is_open(STREAK, until=NOW + DAY)
    assert later(paused, NOW + DAY - timedelta(microseconds=1)) == paused
    proving = later(paused, NOW + DAY)
    assert (proving.phase, proving.until, proving.recovered_trades) == (Phase.HALF_OPEN, None, 0)
    assert trading_state([proving]) == "active"


@pytest.mark.parametrize("cause", sorted(HALTING))
def test_no_time_ends_a_halt(cause):
    halted = is_open(cause, until=NOW)
    assert later(halted, NOW + 99 * DAY, day=NOW + DAY, week=NOW + DAY) == halted


# Half-open.


def test_one_r_in_all_closes_it():
    step = closed_trade(half_open(), "0.4", in_plan=False)
    assert (step.phase, step.recovered_r, step.recovered_trades) == (Phase.HALF_OPEN, D("0.4"), 0)
    assert closed_trade(step, "0.59", in_plan=False).phase is Phase.HALF_OPEN
    assert closed_trade(step, "0.6", in_plan=False) == Breaker(cause=STREAK)


def test_two_trades_in_plan_close_it():
    step = closed_trade(half_open(), "0.1")
    assert step.recovered_trades == 1
    assert closed_trade(step, "0") == Breaker(cause=STREAK)


def test_a_loss_opens_it_again_for_another_day():
    again = closed_trade(half_open("0.9", 1), "-0.01", streak=1)
    assert (again.phase, again.until) == (Phase.OPEN, NOW + 2 * DAY)
    assert (again.recovered_r, again.recovered_trades) == (0, 0)
    assert again.reason == "A loss while trading at half size; 1 loss in a row."


def test_a_trade_without_r_proves_nothing():
    assert closed_trade(half_open("0.5", 1), None) == half_open("0.5", 1)


# Closed and open.


def test_the_third_loss_opens_the_streak():
    assert closed_trade(Breaker(cause=STREAK), "-1", streak=2).phase is Phase.CLOSED
    third = closed_trade(Breaker(cause=STREAK), "-1", streak=3)
    assert (third.phase, third.until, third.reason) == (
        Phase.OPEN, NOW + 2 * DAY, "3 losses in a row.",
    )  # fmt: skip


def test_a_loss_without_an_r_counts_in_the_streak():
    assert closed_trade(Breaker(cause=STREAK), None, streak=3).phase is Phase.OPEN


def test_a_win_during_the_pause_does_not_shorten_it():
    paused = is_open(STREAK, until=NOW + 9 * DAY)
    assert closed_trade(paused, "5") == paused


def test_a_loss_during_the_pause_lengthens_it():
    paused = is_open(STREAK, until=NOW + DAY)
    assert closed_trade(paused, "-1", streak=4).until == NOW + 2 * DAY


@pytest.mark.parametrize("cause", sorted(set(Cause) - {STREAK}))
def test_a_closed_trade_moves_no_other_cause(cause):
    assert closed_trade(is_open(cause), "-1", streak=9) == is_open(cause)
