"""The life of a WebSocket by the clock: pings, pongs, how much a second, how long a day."""

from __future__ import annotations

import pytest

from trading.exchange.paper.socket_life import LIFE_MS, Pulse, Rate, shutdown_event, stage


def test_a_ping_goes_out_every_twenty_seconds() -> None:
    pulse = Pulse(0)
    assert pulse.ping(19.9) is None
    first = pulse.ping(20)
    assert first is not None
    assert pulse.ping(39.9) is None
    assert pulse.ping(40) not in (None, first)


def test_a_peer_that_does_not_answer_for_a_minute_is_gone() -> None:
    pulse = Pulse(0)
    pulse.ping(20)
    pulse.ping(40)
    assert not pulse.is_gone(79.9)
    assert pulse.is_gone(80)


def test_only_a_pong_that_copies_a_ping_counts() -> None:
    pulse = Pulse(0)
    payload = pulse.ping(20)
    assert payload
    pulse.pong(b"")  # unsolicited: allowed, and no help
    assert pulse.is_gone(80)
    pulse.pong(payload)
    assert not pulse.is_gone(80)


def test_a_late_answer_to_an_older_ping_is_an_answer() -> None:
    pulse = Pulse(0)
    first = pulse.ping(20)
    assert first
    pulse.ping(40)
    pulse.pong(first)
    assert not pulse.is_gone(200)


def test_so_many_frames_in_any_second_and_not_one_more() -> None:
    rate = Rate(5)
    assert all(rate.allows(0.1 * n) for n in range(5))
    assert not rate.allows(0.99)
    assert rate.allows(1.0)  # the first one is a second ago


def test_a_rate_of_zero_is_none() -> None:
    rate = Rate(0)
    assert all(rate.allows(0) for _ in range(1000))


@pytest.mark.parametrize(
    ("age_ms", "expected"),
    [
        (0, "young"),
        (LIFE_MS - 600_001, "young"),
        (LIFE_MS - 600_000, "warn"),
        (LIFE_MS - 1, "warn"),
        (LIFE_MS, "over"),
    ],
)
def test_a_connection_is_warned_ten_minutes_before_its_day_is_over(
    age_ms: int, expected: str
) -> None:
    assert stage(1000, 1000 + age_ms) == expected


def test_the_warning_is_binances_event() -> None:
    assert shutdown_event(7) == {"e": "serverShutdown", "E": 7}
