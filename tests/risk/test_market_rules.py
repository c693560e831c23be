"""The rules about the drawing, the market under it and the exchange's filters."""

from dataclasses import replace
from datetime import timedelta

import pytest

from risk.symbols import PercentPrice
from tests.risk.builders import FREE, IN_COIN, IN_QUOTE, D, book, limits, plan, verdict

# Stop and target.


@pytest.mark.parametrize(
    ("stop", "costs", "floor", "nearest"),
    [
        ("59950", FREE, "0.1 % of the entry", "59940"),
        ("59900", IN_QUOTE, "the fees of getting in and out", "59880.11"),
    ],
)
def test_a_stop_too_close_is_refused_naming_what_it_must_clear(stop, costs, floor, nearest):
    v = verdict("stop_distance", plan(stop=stop, costs=costs, target="63000"))
    assert not v.ok
    assert floor in v.message
    assert f"Move it to {nearest} or further away." in v.message
    assert verdict("stop_distance", plan(stop=nearest, costs=costs, target="63000")).ok


def test_a_stop_within_three_spreads_is_refused():
    wide = plan(bid="59950", ask="60000", stop="59880", costs=FREE)
    assert "3 spreads" in verdict("stop_distance", wide).message


def test_a_stop_within_three_ticks_is_refused():
    cheap = plan(
        entry="1", stop="0.98", target="1.2", bid="0.99", ask="1", price="1", costs=FREE,
        tick=D("0.01"), min_notional=D(0),
    )  # fmt: skip
    near = replace(cheap, bid=D(1))
    v = verdict("stop_distance", near)
    assert "3 ticks" in v.message
    assert "Move it to 0.97" in v.message


def test_a_stop_more_than_fifteen_percent_away_is_refused():
    v = verdict("stop_distance", plan(stop="50999.99", target="90000"))
    assert not v.ok
    assert v.limit == 9000
    assert "Move it to 51000 or closer" in v.message
    assert verdict("stop_distance", plan(stop="51000", target="90000")).ok


@pytest.mark.parametrize("costs", [FREE, IN_QUOTE, IN_COIN])
def test_too_little_reward_names_the_target_that_passes(costs):
    v = verdict("reward_to_risk", plan(target="61000", costs=costs))
    assert not v.ok
    target = v.message.split("Move the target to ")[1].split(",")[0]
    assert verdict("reward_to_risk", plan(target=target, costs=costs)).ok
    tick_less = str(D(target) - D("0.01"))
    assert not verdict("reward_to_risk", plan(target=tick_less, costs=costs)).ok


@pytest.mark.parametrize("stop", [60100, 60000])
def test_the_stop_side_is_judged_too(stop):
    v = verdict("stop_side", replace(plan(), stop=D(stop)))
    assert not v.ok
    assert "below 60000" in v.message


@pytest.mark.parametrize(
    ("changes", "least"),
    [
        ({"bid": "59960", "stop": "59880", "costs": FREE}, "120"),  # 3 spreads of 40
        ({"stop": "59940", "costs": FREE}, "60"),  # 0.1 %
        (
            {"entry": "1", "stop": "0.97", "target": "1.2", "bid": "1", "ask": "1", "price": "1",
             "costs": FREE, "tick": D("0.01"), "min_notional": D(0)},
            "0.03",  # 3 ticks
        ),
    ],
)  # fmt: skip
def test_a_stop_exactly_at_the_least_distance_is_far_enough(changes, least):
    v = verdict("stop_distance", plan(**{"target": "63000", **changes}))
    assert v.ok
    assert (v.limit, v.margin) == (D(least), 0)


def test_a_shorts_stop_inside_its_fees_names_the_nearest_that_clears_them():
    short = {"direction": "short", "target": "57000", "costs": IN_QUOTE}
    v = verdict("stop_distance", plan(stop="60100", **short))
    nearest = v.message.split("Move it to ")[1].split(" ")[0]
    assert verdict("stop_distance", plan(stop=nearest, **short)).ok
    tick_closer = str(D(nearest) - D("0.01"))
    assert not verdict("stop_distance", plan(stop=tick_closer, **short)).ok


def test_a_shorts_stop_too_far_away_is_refused():
    far = plan(direction="short", stop="69000.01", target="40000")
    assert "Move it to 69000 or closer" in verdict("stop_distance", far).message


def test_too_little_reward_of_a_short_names_the_target_that_passes():
    short = {"direction": "short", "stop": "60600"}
    v = verdict("reward_to_risk", plan(target="59500", **short))
    target = v.message.split("Move the target to ")[1].split(",")[0]
    assert verdict("reward_to_risk", plan(target=target, **short)).ok
    assert not verdict("reward_to_risk", plan(target=str(D(target) + D("0.01")), **short)).ok


def test_a_short_that_cannot_win_enough_is_told_to_move_the_stop():
    hopeless = plan(direction="short", stop="68000", target="100", entry="60000")
    v = verdict("reward_to_risk", hopeless, None, limits(min_reward_to_risk=D(50)))
    assert "Move the stop closer." in v.message


# Exchange and market.


def test_a_plan_larger_than_the_cash_is_refused():
    v = verdict("cash", None, book(cash=D(5000)))
    assert not v.ok
    assert "of free cash is missing" in v.message


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"status": "HALT"}, "BTCUSDT is HALT at the exchange"),
        ({"oco_allowed": False}, "cannot carry a stop"),
        ({"max_price": D(60500)}, "PRICE_FILTER"),
        ({"max_algo_orders": 1}, "MAX_NUM_ALGO_ORDERS"),
        ({"max_orders": 2}, "MAX_NUM_ORDERS"),
        ({"max_order_lists": 0}, "MAX_NUM_ORDER_LISTS"),
        ({"min_quantity": D(1)}, "LOT_SIZE"),
        (
            {"percent_price": PercentPrice(D("0.9"), D("0.999"), D("0.9"), D("1.1"))},
            "PERCENT_PRICE_BY_SIDE",
        ),
    ],
)
def test_a_filter_the_plan_would_break_is_named(changes, named):
    v = verdict("exchange_filters", plan(**changes))
    assert not v.ok
    assert named in v.message


def test_open_brackets_leave_less_room_under_the_exchanges_counts():
    assert verdict("exchange_filters", None, book(algo_orders=3)).ok
    assert not verdict("exchange_filters", None, book(algo_orders=4)).ok


@pytest.mark.parametrize(("age", "ok"), [(5, True), (5.001, False), (None, False)])
def test_prices_older_than_five_seconds_take_no_new_trade(age, ok):
    old = plan(market_age=None if age is None else timedelta(seconds=age))
    v = verdict("market_data", old)
    assert v.ok is ok
    assert ok or "Wait until" in v.message


@pytest.mark.parametrize(("price", "ok"), [("60150", True), ("60150.01", False), ("59849", False)])
def test_a_price_a_quarter_r_away_from_the_quote_asks_for_a_new_review(price, ok):
    v = verdict("price_drift", plan(price=price, quoted_price="60000"))
    assert v.ok is ok
    assert ok or "Review the plan" in v.message


def test_a_preview_has_no_drift():
    v = verdict("price_drift", plan(price="70000"))
    assert v.ok
    assert v.measured == 0
