"""The loss breakers: who may end one, all of them together, and the way back in words."""

from datetime import timedelta

import pytest

from risk.breaker import (
    HALTING,
    TITLES,
    Breaker,
    Cause,
    MayNotClose,
    Phase,
    closed_by_a_person,
    settled,
    trading_state,
    way_back,
)
from risk.protocol import DEFAULTS
from tests.risk.breakers import DAY, HOUR, STREAK, half_open, is_open
from tests.risk.builders import NOW, D, book

# By a person.


def test_a_drawdown_is_released_after_a_day_with_a_reason():
    halted = is_open(Cause.DRAWDOWN)
    with pytest.raises(MayNotClose, match="Resume from 2026-11-24 12:00 UTC with your password"):
        closed_by_a_person(halted, now=NOW + DAY - timedelta(seconds=1), reason="rested")
    with pytest.raises(MayNotClose, match="Give a reason"):
        closed_by_a_person(halted, now=NOW + DAY, reason=" ")
    released = closed_by_a_person(halted, now=NOW + DAY, reason="rested")
    assert released == Breaker(cause=Cause.DRAWDOWN)


@pytest.mark.parametrize("cause", [Cause.CHAIN, Cause.OPERATOR])
def test_an_operators_stop_ends_with_a_reason(cause):
    assert closed_by_a_person(is_open(cause), now=NOW, reason="repaired") == Breaker(cause=cause)
    with pytest.raises(MayNotClose, match="Give a reason"):
        closed_by_a_person(is_open(cause), now=NOW, reason="")


@pytest.mark.parametrize("cause", sorted(set(Cause) - HALTING))
def test_nobody_talks_a_limit_away(cause):
    with pytest.raises(MayNotClose, match=r"again|pause"):
        closed_by_a_person(is_open(cause), now=NOW + 9 * DAY, reason="please")


def test_closing_a_closed_one_does_nothing():
    for cause in Cause:
        shut = Breaker(cause=cause)
        assert closed_by_a_person(shut, now=NOW, reason="") == shut


# All together, and in words.


def test_settling_opens_what_is_measured_and_is_stable():
    bad = book(equity=D(9600), losing_streak=3, streak_until=NOW + HOUR, drawdown=D("0.2"))
    began = {"day_began": NOW - HOUR, "week_began": NOW - HOUR}
    once = settled({}, bad, DEFAULTS, **began)
    assert set(once) == set(Cause)
    assert {c for c, b in once.items() if b.phase is Phase.OPEN} == {
        Cause.DAY_LOSS, STREAK, Cause.DRAWDOWN,
    }  # fmt: skip
    assert settled(once, bad, DEFAULTS, **began) == once
    assert trading_state(once.values()) == "halted"


def test_a_streak_found_after_its_day_goes_to_half_size_at_once():
    late = book(losing_streak=3, streak_until=NOW - HOUR)
    found = settled({}, late, DEFAULTS, day_began=NOW - HOUR, week_began=NOW - HOUR)
    assert found[STREAK].phase is Phase.HALF_OPEN


def test_a_loss_that_goes_on_after_the_reset_is_a_new_opening():
    yesterday = {Cause.DAY_LOSS: is_open(Cause.DAY_LOSS, at=NOW - DAY)}
    bad = book(equity=D(9600))
    found = settled(yesterday, bad, DEFAULTS, day_began=NOW - HOUR, week_began=NOW - 3 * DAY)
    assert found[Cause.DAY_LOSS].opened_at == NOW


def test_a_half_open_streak_is_not_opened_by_its_old_losses():
    proving = {STREAK: half_open()}
    old = book(losing_streak=3, streak_until=NOW - HOUR, half_size=True)
    found = settled(proving, old, DEFAULTS, day_began=NOW - HOUR, week_began=NOW - HOUR)
    assert found[STREAK] == half_open()


@pytest.mark.parametrize(
    ("breakers", "state"),
    [
        ([], "active"),
        ([half_open()], "active"),
        ([is_open(Cause.HEAT)], "reducing"),
        ([is_open(Cause.HEAT), is_open(Cause.OPERATOR)], "halted"),
        ([Breaker(cause=Cause.DRAWDOWN)], "active"),
    ],
)
def test_the_trading_state_follows_from_the_breakers(breakers, state):
    assert trading_state(breakers) == state


@pytest.mark.parametrize("cause", list(Cause))
def test_every_open_breaker_tells_the_way_back_and_that_exits_go_on(cause):
    assert TITLES[cause]
    told = way_back(is_open(cause, until=NOW + HOUR))
    assert told.endswith("Exits, tighter stops and cancels of entries go on.")
    assert len(told) > 80
    assert way_back(is_open(cause)) != ""
    assert way_back(Breaker(cause=cause)) == ""


def test_half_open_tells_how_much_is_still_to_prove():
    told = way_back(half_open("0.4", 1))
    assert "until they have made 0.6R more, or until one more trade kept to the plan" in told
    assert "until 2 trades" in way_back(half_open())
