"""PRICE_RANGE: what of an entry, and of a stop reached at once, the exchange would fill now.

The range is multipliers of the exchange's reference price, an average of the last minutes' trades.
Source: Binance's faqs/price_range_execution_rules.md.
"""

from dataclasses import replace

import pytest

from risk.protocol import Effect
from risk.rules import check, may_proceed
from risk.symbols import UNLIMITED, PercentPrice
from tests.risk.builders import D, book, limits, plan, verdict

# What an entry takes.


@pytest.mark.parametrize("direction", ["long", "short"])
@pytest.mark.parametrize(
    ("down", "up", "ok"),
    [("1", "1.001", True), ("1", "1.0009", False), ("1.0001", "1.1", False), ("0", "1.001", True)],
)
def test_a_buy_must_fill_inside_the_range_from_its_best_to_its_worst_price(direction, down, up, ok):
    """From 60,000 to 60,060, at a reference price of 60,000; a sale from 60,000 to 59,940."""
    if direction == "short":  # mirrored at 1
        down, up = str(2 - D(up)), str(2 - D(down))
    own, other = (D(down), D(up)), (D(5), D(6))  # the other side's range never counts
    sides = PercentPrice(*own, *other) if direction == "long" else PercentPrice(*other, *own)
    lines = {
        "long": {"worst_entry": "60060"},
        "short": {
            "direction": "short", "worst_entry": "59940", "stop": "60600", "target": "57000",
            "bid": "60000", "ask": "60000.01",
        },
    }  # fmt: skip
    v = verdict("exchange_filters", plan(price_range=sides, **lines[direction]))
    assert v.ok is ok
    assert ok or "(PRICE_RANGE)" in v.message


def test_only_where_the_best_price_is_inside_does_a_closer_stop_help():
    near = PercentPrice(D("0.9"), D("1.0005"), D("0.5"), D(2))
    message = verdict("exchange_filters", plan(worst_entry="60060", price_range=near)).message
    assert "could fill from 60000 to 60060" in message
    assert "lets a buy fill from 54000 to 60030 now" in message
    assert "Move the stop closer, or wait until its average of 5 minutes" in message
    gone = replace(plan(worst_entry="60060", price_range=near), average_low=D(59000))
    message = verdict("exchange_filters", gone).message
    assert "Move the stop" not in message
    assert "Wait until its average" in message


def test_an_entry_that_rests_in_the_book_takes_nothing():
    strict = {"price_range": PercentPrice(D(2), D(3), D(2), D(3))}
    assert not verdict("exchange_filters", plan(ask="60000", **strict)).ok
    assert verdict("exchange_filters", plan(ask="60000.01", **strict)).ok
    short = {"direction": "short", "stop": "60600", "target": "57000", **strict}
    assert not verdict("exchange_filters", plan(bid="60000", ask="60000.01", **short)).ok
    assert verdict("exchange_filters", plan(bid="59999.99", **short)).ok


@pytest.mark.parametrize("rule", ["price_range", "percent_price"])
def test_a_breakout_is_held_to_no_average_before_the_market_has_come_to_its_line(rule):
    """The slippage reaches 60 beyond the best price of 60,000: a tenth of the way to the stop."""
    strict = {rule: PercentPrice(D("0.99"), D("1.0005"), D("0.99"), D("1.0005"))}
    lines = {"stop": "59400", "target": "64000", **strict}
    assert not verdict("exchange_filters", plan(entry="60060", worst_entry="60060", **lines)).ok
    assert verdict("exchange_filters", plan(entry="60060.01", worst_entry="60120", **lines)).ok
    lines = {"direction": "short", "stop": "60600", "target": "57000",
             "bid": "60000", "ask": "60000.01", **strict}  # fmt: skip
    lines[rule] = PercentPrice(D("0.9995"), D("1.01"), D("0.9995"), D("1.01"))
    assert not verdict("exchange_filters", plan(entry="59940", worst_entry="59940", **lines)).ok
    assert verdict("exchange_filters", plan(entry="59939.99", worst_entry="59880", **lines)).ok


def test_an_entry_must_be_inside_at_whatever_reference_price_there_may_be():
    taking = plan(price_range=PercentPrice(D("0.99"), D("1.01"), D("0.5"), D(2)))
    for low, high, ok in (
        ("59500", "60500", True),
        ("59400", "60500", False),  # 59,400 * 1.01 is below 60,000
        ("59500", "60700", False),  # 60,700 * 0.99 is above it
    ):
        seen = replace(taking, average_low=D(low), average_high=D(high))
        assert verdict("exchange_filters", seen).ok is ok


def test_an_average_that_may_be_anything_leaves_no_price_for_certain():
    wild = replace(
        plan(price_range=PercentPrice(D("0.99"), D("1.01"), D("0.99"), D("1.01"))),
        average_low=D(50000), average_high=D(70000),
    )  # fmt: skip
    assert "at no price for certain" in verdict("exchange_filters", wild).message
    assert "Wait, or let it be" in verdict("stop_range", wild).message


def test_a_range_without_an_upper_end_is_said_so():
    open_end = PercentPrice(D(2), UNLIMITED, D(2), UNLIMITED)
    for tick in ("0.01", "0.03"):  # nothing without an end is a multiple of 0.03
        floor = plan(price_range=open_end, tick=D(tick))
        assert "fill from 120000 up now" in verdict("exchange_filters", floor).message
        assert "fill from 120000 up now" in verdict("stop_range", floor).message
    cheap = replace(plan(percent_price=open_end), average_low=D("0.001"), average_high=D(60000))
    assert "takes entries from 120000 up (PERCENT" in verdict("exchange_filters", cheap).message


def test_prices_named_are_valid_ones_inside_the_range():
    odd = replace(
        plan(worst_entry="60060", price_range=PercentPrice(D(0), D("1.0005"), D("0.995"), D(2))),
        average_low=D("60000.01"), average_high=D("60000.01"),
    )  # fmt: skip
    assert "from 0 to 60030.01 now" in verdict("exchange_filters", odd).message  # 60,030.010005
    assert "Move the stop to 59700.01 or closer" in verdict("stop_range", odd).message  # .00995


def test_a_range_of_one_price_is_a_range():
    one = PercentPrice(D(1), D(1), D("0.99"), D("0.99"))
    assert verdict("stop_range", plan(stop="59400", price_range=one)).ok
    message = verdict("stop_range", plan(stop="59300", price_range=one)).message
    assert "fill from 59400 to 59400 now" in message
    assert "Move the stop to 59400 or closer" in message


@pytest.mark.parametrize(
    ("sides", "lines"),
    [
        (PercentPrice(D(1), D("1.0005"), D(0), D(2)), {"worst_entry": "60060"}),
        (
            PercentPrice(D(0), D(2), D("0.9995"), D(1)),
            {"direction": "short", "worst_entry": "59940", "stop": "60600", "target": "57000",
             "bid": "60000", "ask": "60000.01"},
        ),
    ],
    ids=["long", "short"],
)  # fmt: skip
def test_a_best_price_at_the_very_edge_is_inside_and_a_closer_stop_helps(sides, lines):
    message = verdict("exchange_filters", plan(price_range=sides, **lines)).message
    assert "Move the stop closer, or wait" in message


# What a market stop takes, were it reached at once.


def test_a_stop_further_away_than_the_range_is_advised_against_and_never_refused():
    tenth = PercentPrice(D("0.5"), D("1.1"), D("0.9"), D(2))
    far = {"target": "90000", "price_range": tenth}
    assert verdict("stop_range", plan(stop="54000", **far)).ok
    v = verdict("stop_range", plan(stop="53999.99", **far))
    assert (v.ok, v.effect, v.needs_acknowledgement) == (False, Effect.ADVISE, False)
    assert (v.measured, v.limit, v.unit) == (D("0.01"), 0, "USDT")
    assert "lets a sale fill from 54000 to 120000 now (PRICE_RANGE)" in v.message
    assert v.message.endswith(
        "Move the stop to 54000 or closer, or let it be: that range follows the price within "
        "5 minutes."
    )
    assert may_proceed(check(plan(stop="53999.99", **far), book(), limits()), acknowledged=())


def test_a_shorts_stop_buys():
    tenth = PercentPrice(D("0.5"), D("1.1"), D(5), D(6))
    short = {"direction": "short", "target": "30000", "price_range": tenth}
    assert verdict("stop_range", plan(stop="66000", **short)).ok
    v = verdict("stop_range", plan(stop="66000.01", **short))
    assert not v.ok
    assert "lets a buy fill from 30000 to 66000 now" in v.message
    assert "Move the stop to 66000 or closer" in v.message


def test_a_stop_too_near_the_market_to_be_inside_belongs_further_away():
    """The price ran away from its average: even below it a sale would fill above the range."""
    ran = replace(
        plan(price_range=PercentPrice(D("0.5"), D(2), D("0.5"), D("1.01"))),
        average_low=D(58000), average_high=D(60000),
    )  # fmt: skip
    assert "Move the stop to 58580 or further away" in verdict("stop_range", ran).message
    short = replace(
        plan(
            direction="short", stop="60600", target="57000", ask="60000.01",
            price_range=PercentPrice(D("0.99"), D(2), D("0.5"), D(2)),
        ),
        average_low=D(60000), average_high=D(62000),
    )  # fmt: skip
    assert "Move the stop to 61380 or further away" in verdict("stop_range", short).message


def test_no_stop_is_named_that_lies_beyond_the_entry():
    steep = PercentPrice(D("0.5"), D(2), D(1), D(2))  # no sale below the average
    assert "Wait, or let it be" in verdict("stop_range", plan(price_range=steep)).message
    steep = PercentPrice(D("0.5"), D(1), D("0.5"), D(2))  # no buy above it
    short = plan(direction="short", stop="60600", target="57000", price_range=steep)
    assert "Wait, or let it be" in verdict("stop_range", short).message


def test_where_the_exchange_has_no_such_rule_nothing_is_measured():
    v = verdict("stop_range")
    assert (v.ok, v.measured, v.limit) == (True, 0, 0)
    assert v.message == "The exchange sets no price range for BTCUSDT that could be known."
