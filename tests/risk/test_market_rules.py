"""The rules about the drawing and the market under it."""

from dataclasses import replace
from datetime import timedelta

import pytest

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


def test_a_stop_that_no_distance_clears_is_told_to_go_elsewhere():
    """Three spreads are more than 15 % of the entry."""
    v = verdict("stop_distance", plan(bid="55000", stop="57000", target="90000", costs=FREE))
    assert "no stop is far enough: trade another symbol, or wait" in v.message


# Spread and slippage.


def test_a_spread_of_more_than_a_tenth_of_the_stop_distance_is_refused():
    assert verdict("spread", plan(bid="59940", ask="60000")).ok
    v = verdict("spread", plan(bid="59939.99", ask="60000"))
    assert (v.ok, v.measured, v.limit) == (False, D("60.01"), 60)
    assert "more than 10 % of the distance to the stop. Wait until it narrows" in v.message
    nearest = v.message.split("move the stop to ")[1].split(" ")[0]
    assert nearest == "59399.9"
    wider = {"bid": "59939.99", "ask": "60000", "target": "63000"}
    assert verdict("spread", plan(stop=nearest, **wider)).ok
    assert not verdict("spread", plan(stop="59399.91", **wider)).ok


def test_a_spread_that_the_furthest_stop_just_bears_names_that_stop():
    """A tenth of 15 % of the entry."""
    v = verdict("spread", plan(bid="59100", ask="60000"))
    assert v.message.endswith("or move the stop to 51000 or further away.")


def test_a_spread_no_stop_could_bear_asks_to_wait_only():
    v = verdict("spread", plan(bid="59000", ask="60000"))
    assert v.message.endswith("Wait until it narrows.")


def test_a_shorts_stop_moves_up_for_the_spread():
    v = verdict("spread", plan(direction="short", stop="60600", target="58000", bid="59939.99"))
    assert "move the stop to 60600.1 or further away" in v.message


def test_the_spread_is_the_traders_to_tighten():
    wide = plan(bid="59970", ask="60000")
    assert verdict("spread", wide).ok
    assert not verdict("spread", wide, None, limits(max_spread_share=D("0.04"))).ok


@pytest.mark.parametrize(("worst", "ok"), [("60060", True), ("60060.01", False)])
def test_an_entry_may_slip_by_a_tenth_of_r_from_the_best_price(worst, ok):
    v = verdict("slippage", plan(worst_entry=worst))
    assert (v.ok, v.limit) == (ok, 60)
    assert ok or "more than 0.1 R. Move the entry to 60000, or" in v.message


def test_a_shorts_slippage_is_below_the_best_bid():
    short = {"direction": "short", "stop": "60600", "target": "58000", "bid": "60000"}
    assert verdict("slippage", plan(worst_entry="59940", **short)).ok
    assert not verdict("slippage", plan(worst_entry="59939.99", **short)).ok


def test_an_entry_that_rests_below_the_market_slips_nowhere():
    v = verdict("slippage", plan(bid="60499.99", ask="60500"))
    assert (v.ok, v.measured) == (True, 0)


def test_an_entry_that_waits_for_a_breakout_slips_from_its_line_not_from_the_market():
    """Even where the market is beyond its stop: it is sent once the best price is on the line."""
    far = {"bid": "59299.99", "ask": "59300"}
    v = verdict("slippage", plan(**far, worst_entry="60060"))
    assert (v.ok, v.measured, v.limit) == (True, D(60), D(60))
    assert not verdict("slippage", plan(**far, worst_entry="60060.01")).ok


# Exchange and market.


def test_a_plan_larger_than_the_cash_is_refused():
    v = verdict("cash", None, book(cash=D(5000)))
    assert not v.ok
    assert "of free cash is missing" in v.message


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
