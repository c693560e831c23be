"""What we know and may do just now: the unknown is never taken for good."""

from datetime import timedelta

import pytest

from tests.risk.builders import NOW, book, verdict


def ms(count: float) -> timedelta:
    return timedelta(milliseconds=count)


@pytest.mark.parametrize("state", ["reducing", "halted"])
def test_a_held_back_account_says_why_until_when_and_that_exits_go_on(state):
    held = book(state=state, state_reason="3 losses in a row.", state_until=NOW)
    v = verdict("trading_state", None, held)
    assert not v.ok
    assert "3 losses in a row. No new risk for now. Wait until 2026-11-23 12:00 UTC." in v.message
    assert "Exits, tighter stops and cancels of entries go on." in v.message


def test_a_halt_without_an_end_points_to_the_page_that_tells_the_way_back():
    v = verdict("trading_state", None, book(state="halted"))
    assert "This account is halted. No new risk for now. The risk page says how" in v.message


def test_nothing_new_before_the_account_agrees_with_the_exchange():
    v = verdict("reconciliation", None, book(reconciled=False))
    assert not v.ok
    assert "Try again in a moment. Exits" in v.message


@pytest.mark.parametrize(
    ("age", "ok"), [(30, True), (30.0001, False), (31, False), (None, False), (-1, True)]
)
def test_an_account_not_heard_of_for_thirty_seconds_takes_no_new_trade(age, ok):
    known = None if age is None else timedelta(seconds=age)
    v = verdict("account_data", None, book(account_age=known))
    assert v.ok is ok
    assert v.margin >= 0 if ok else v.margin < 0
    assert ok or "Wait until" in v.message or "Try again" in v.message


@pytest.mark.parametrize(
    ("uncertainty", "jump", "ok"),
    [
        (ms(250), ms(0), True),
        (ms(250.5), ms(0), False),
        (ms(0), ms(250), True),
        (ms(0), ms(-251), False),
        (ms(0), ms(251), False),
        (None, ms(0), False),
    ],
)
def test_an_uncertain_or_jumping_clock_holds_new_risk(uncertainty, jump, ok):
    v = verdict("clock", None, book(clock_uncertainty=uncertainty, clock_jump=jump))
    assert v.ok is ok
    assert ok or ("Wait until it has been compared again" in v.message and "Exits" in v.message)


def test_a_jump_is_told_apart_from_an_uncertain_clock():
    jumped = verdict("clock", None, book(clock_jump=ms(400), clock_uncertainty=ms(300)))
    assert "jumped by 400 ms" in jumped.message
    assert "known to 300 ms only" in verdict("clock", None, book(clock_uncertainty=ms(300))).message


@pytest.mark.parametrize("breaker", ["open", "half_open"])
def test_an_exchange_that_fails_takes_no_entries_while_stops_keep_trying(breaker):
    v = verdict("exchange_health", None, book(exchange_breaker=breaker, exchange_retry_at=NOW))
    assert not v.ok
    assert "Wait until 2026-11-23 12:00 UTC" in v.message
    assert "Stops and exits keep trying" in v.message


@pytest.mark.parametrize(("room", "ok"), [(3, True), (2, False), (0, False), (None, True)])
def test_a_bracket_needs_room_for_three_orders_in_the_exchanges_window(room, ok):
    v = verdict("order_rate", None, book(order_room=room))
    assert v.ok is ok
    assert ok or "Wait a few seconds" in v.message


def test_what_is_either_so_or_not_measures_one_of_one_or_none_of_it():
    on = verdict("reconciliation")
    off = verdict("reconciliation", None, book(reconciled=False))
    assert (on.measured, on.limit, on.margin) == (1, 1, 0)
    assert (off.measured, off.limit, off.margin) == (0, 1, -1)
