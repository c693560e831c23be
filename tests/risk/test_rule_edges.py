"""Rules and gauges exactly at their edges: found by faults planted one at a time."""

from dataclasses import replace

import pytest

from risk import sizing
from risk.exposure import Totals, gauges, totals_of
from risk.part_targets import PartTarget
from risk.protocol import DEFAULTS
from tests.risk.builders import IN_COIN, D, book, limits, plan, symbol, verdict
from tests.risk.test_exposure import holding

HALF = (PartTarget(D(60900), D("0.5")),)
THIRDS = (PartTarget(D(60900), D("0.3")), PartTarget(D(61200), D("0.3")))


def in_parts(targets, **changes):
    return replace(plan(**changes), targets=targets)


# Totals.


def test_what_is_added_to_the_totals_can_be_taken_off_again():
    one, two = totals_of(holding()), holding(entry=D("60000.5"), quantity=D("0.3"))
    both = one.plus(two)
    assert (both.exposure, both.count) == (24000, 2)
    assert both.minus(two) == one
    assert one.minus(holding()) == Totals()


def test_an_empty_account_that_lost_nothing_has_broken_no_loss_limit():
    empty = book(equity=D(0), cash=D(0), day_start_equity=D(0))
    broken = {one.code: one.broken for one in gauges(empty, DEFAULTS)}
    assert not broken["daily_loss"]
    assert not broken["weekly_loss"]


# What several targets need of the exchange.


def test_as_many_algo_orders_as_the_targets_need_are_enough():
    """Two parts bring four of them: a stop and a target each."""
    assert verdict("exchange_filters", in_parts(HALF, max_algo_orders=4)).ok
    refused = verdict("exchange_filters", in_parts(HALF, max_algo_orders=3))
    assert not refused.ok
    assert (
        "2 targets need 4 such orders of BTCUSDT, and the exchange takes 3 (MAX_NUM_ALGO_ORDERS). "
        "Leave a target out." in refused.message
    )


def test_three_targets_need_six_orders_and_three_lists():
    roomy = {"max_algo_orders": 6, "max_orders": 6, "max_order_lists": 3}
    assert verdict("exchange_filters", in_parts(THIRDS, **roomy)).ok
    for name, needs in (("max_algo_orders", 6), ("max_orders", 6), ("max_order_lists", 3)):
        refused = verdict("exchange_filters", in_parts(THIRDS, **{**roomy, name: needs - 1}))
        assert f"3 targets need {needs} such orders of BTCUSDT" in refused.message


def test_an_exchange_that_counts_nothing_takes_every_target():
    uncounted = {"max_algo_orders": None, "max_orders": None, "max_order_lists": None}
    assert verdict("exchange_filters", in_parts(THIRDS, **uncounted)).ok


def test_with_one_target_there_is_none_to_leave_out():
    full = verdict("exchange_filters", plan(max_algo_orders=1))
    assert "Leave a target out" not in full.message
    assert "Cancel 1 first." in full.message


def test_a_part_too_small_to_sell_is_refused():
    tiny = in_parts((PartTarget(D(60900), D("0.0004")),))
    refused = verdict("exchange_filters", tiny)
    assert not refused.ok
    assert "A part of 0.04 % of" in refused.message


# Loss limits and large risks.


@pytest.mark.parametrize(("budget", "acknowledged"), [("300", False), ("301", True)])
def test_a_risk_of_exactly_three_per_cent_need_not_be_acknowledged(budget, acknowledged):
    large = verdict("large_risk", plan(budget=budget, risk_fraction="0.03"), None, limits())
    assert not large.ok
    assert large.needs_acknowledgement is acknowledged


@pytest.mark.parametrize(
    ("code", "says", "losing"),
    [
        ("daily_loss", "Today's loss limit of", {"day_start_equity": D(10500)}),
        ("weekly_loss", "This week's loss limit of", {"week_start_equity": D(11000)}),
    ],
)
def test_a_loss_limit_is_called_by_its_own_time(code, says, losing):
    refused = verdict(code, None, book(**losing))
    assert not refused.ok
    assert refused.message.startswith(says)


@pytest.mark.parametrize("at_risk", ["open_risk", "pending_risk"])
def test_a_position_or_an_entry_alone_can_be_closed_to_make_room(at_risk):
    full = book(equity=D(9700), **{at_risk: D(1)})
    assert ", or close a position first." in verdict("daily_loss", None, full).message


def test_where_nothing_is_at_risk_there_is_nothing_to_close():
    assert "close a position" not in verdict("daily_loss", None, book(equity=D(9700))).message


def short_in_coin(**changes) -> sizing.Sizing:
    """The fee of what is bought back is taken in the coin: losses are divided by what is left."""
    facts = {
        "direction": "short", "entry": D(60000), "worst_entry": D(60000), "stop": D(60700),
        "target": D(58200), "cash": D(10**8), "costs": IN_COIN, "symbol": symbol(),
    }  # fmt: skip
    return sizing.size(**{**facts, **changes})


def test_a_ceiling_gives_what_a_budget_of_as_much_would():
    asked = short_in_coin(budget=D(40000))
    capped = short_in_coin(budget=D(50000), ceiling=D(40000))
    assert (capped.bound, capped.quantity) == ("ceiling", asked.quantity)


def test_losses_that_do_not_come_out_even_are_kept_to_eighteen_decimals():
    sized = short_in_coin(budget=D(1000), wanted=(D(1), D(3)))
    for loss in (sized.worst_loss, sized.wanted_loss):
        assert loss.as_tuple().exponent == -18
