"""Candles: stored once, corrected when the venue corrects itself, rolled up exactly."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import DataError, IntegrityError

from testudo import clock
from trading.market.candles import (
    INTERVALS,
    Minute,
    count_candles,
    newest_candle,
    read_candles,
    upsert_candles,
)
from trading.market.models import Candle

pytestmark = pytest.mark.django_db

MIDNIGHT = clock.to_ms(datetime(2026, 11, 20, tzinfo=UTC))
MINUTE = 60_000


def minute(number: int, price: str = "100", **figures: str) -> Minute:
    base = {"open": price, "high": price, "low": price, "close": price, "volume": "1"}
    return Minute(MIDNIGHT + number * MINUTE, **{**base, **figures})


def store(*minutes: Minute) -> int:
    return upsert_candles("paper", "BTCUSDT", minutes)


def read(interval: str, **bounds) -> list:
    return read_candles("paper", "BTCUSDT", interval, **{"end": MIDNIGHT + 2 * 86_400_000} | bounds)


def test_storing_the_same_candles_again_writes_nothing():
    candles = [minute(n, f"{100 + n}.5") for n in range(1000)]
    assert store(*candles) == 1000
    assert store(*candles) == 0
    assert store(candles[0]._replace(volume="2"), *candles[1:]) == 1
    assert Candle.objects.get(pk=("paper", "BTCUSDT", clock.from_ms(MIDNIGHT))).volume == 2
    assert store() == 0


def test_of_two_words_on_one_minute_in_one_batch_one_is_kept():
    assert store(minute(0), minute(0)) == 1


@pytest.mark.parametrize(
    "bad",
    [
        {"close": "NaN"},
        {"high": "NaN"},
        {"volume": "NaN"},
        {"volume": "-1"},
        {"low": "0"},
        {"high": "99"},
        {"low": "101"},
        {"high": "1e20"},
        {"open": "Infinity"},
        {"open": "dear"},
    ],
    ids=str,
)
def test_a_candle_that_is_no_candle_is_refused_with_its_whole_batch(bad, transactional_db):
    with pytest.raises((IntegrityError, DataError)):
        store(minute(0), minute(1, **bad))
    assert not Candle.objects.exists()


@pytest.mark.parametrize("interval", INTERVALS)
def test_larger_candles_are_exactly_their_minutes(interval):
    figures = [(n, 50_000 + (n * 7919) % 997) for n in range(0, 2 * 1440, 1)]
    store(
        *(
            minute(n, str(p), high=f"{p + n % 5}.25", low=f"{p - n % 3 - 1}.75", volume="0.001")
            for n, p in figures
        )
    )
    size = INTERVALS[interval] // 60
    candles = read(interval, limit=5000)
    assert len(candles) == 2 * 1440 // size
    for candle in candles:
        first = (candle[0] * 1000 - MIDNIGHT) // MINUTE
        own = figures[first : first + size]
        assert Decimal(candle[1]) == own[0][1]
        assert Decimal(candle[2]) == max(p + n % 5 for n, p in own) + Decimal("0.25")
        assert Decimal(candle[3]) == min(p - n % 3 - 1 for n, p in own) + Decimal("0.75")
        assert Decimal(candle[4]) == own[-1][1]
        assert Decimal(candle[5]) == Decimal("0.001") * size
        assert "E" not in "".join(candle[1:])


def test_the_newest_are_served_up_to_the_limit_oldest_first():
    store(*(minute(n) for n in range(30)))
    seconds = [row[0] for row in read("1m", limit=3, end=MIDNIGHT + 30 * MINUTE)]
    assert seconds == [(MIDNIGHT + n * MINUTE) // 1000 for n in (27, 28, 29)]


@pytest.mark.parametrize("seconds", [0, 1, 59])
def test_the_minute_under_way_takes_no_closed_ones_place(seconds):
    store(*(minute(n) for n in range(10)))
    with clock.use(clock.VirtualClock(clock.from_ms(MIDNIGHT + 10 * MINUTE + seconds * 1000))):
        for limit in (1, 3):
            rows = read_candles("paper", "BTCUSDT", "1m", limit=limit)
            assert [row[0] for row in rows][-1] == (MIDNIGHT + 9 * MINUTE) // 1000
            assert len(rows) == limit


def test_a_start_within_a_candle_does_not_serve_half_of_it():
    store(*(minute(n, str(100 + n)) for n in range(15)))
    first = read("5m", start=MIDNIGHT + 2 * MINUTE, end=MIDNIGHT + 15 * MINUTE)[0]
    assert first[0] == MIDNIGHT // 1000 + 300
    assert first[1] == "105"


def test_venues_and_symbols_do_not_mix():
    store(minute(0))
    upsert_candles("binance", "BTCUSDT", [minute(0, "7")])
    upsert_candles("paper", "ETHUSDT", [minute(0, "8")])
    assert [row[4] for row in read("1d")] == ["100"]
    assert newest_candle("paper", "SOLUSDT") is None


def test_what_is_stored_can_be_counted_and_the_newest_found():
    store(minute(0), minute(5), minute(7))
    assert newest_candle("paper", "BTCUSDT") == clock.from_ms(MIDNIGHT + 7 * MINUTE)
    assert count_candles("paper", "BTCUSDT", clock.from_ms(MIDNIGHT + 5 * MINUTE)) == 2


def test_an_unknown_interval_is_a_mistake_of_the_caller():
    with pytest.raises(KeyError):
        read("7m")
