"""What the exchange takes: its filters one by one, in a symbol and of an account."""

from dataclasses import replace

import pytest

from risk.protocol import Effect
from risk.symbols import PercentPrice
from tests.risk.builders import D, book, plan, verdict


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


@pytest.mark.parametrize(
    ("edge", "beyond"),
    [
        ({"min_price": D(59400)}, {"min_price": D("59400.01")}),  # the stop
        ({"max_price": D(61800)}, {"max_price": D("61799.99")}),  # the target
        ({"max_order_lists": 1}, {"max_order_lists": 0}),
        ({"max_orders": 3}, {"max_orders": 2}),
        ({"max_algo_orders": 2}, {"max_algo_orders": 1}),
    ],
)
def test_a_filter_is_kept_to_its_very_edge(edge, beyond):
    assert verdict("exchange_filters", plan(**edge)).ok
    assert not verdict("exchange_filters", plan(**beyond)).ok


@pytest.mark.parametrize(
    ("down", "up", "ok"),
    [("1", "1.1", True), ("1.0001", "1.1", False), ("0.9", "1", True), ("0.9", "0.9999", False)],
)
@pytest.mark.parametrize("direction", ["long", "short"])
def test_an_entry_may_lie_at_the_edge_of_the_exchanges_price_range(direction, down, up, ok):
    """Of the buyer's range for a long, of the seller's for a short."""
    own, other = (D(down), D(up)), (D("0.5"), D(2))
    sides = PercentPrice(*own, *other) if direction == "long" else PercentPrice(*other, *own)
    stop, target = ("59400", "61800") if direction == "long" else ("60600", "58200")
    drawn = plan(direction=direction, stop=stop, target=target, percent_price=sides)
    assert verdict("exchange_filters", drawn).ok is ok


def test_an_entry_must_suit_whatever_average_the_exchange_may_have():
    near = plan(percent_price=PercentPrice(D("0.99"), D("1.01"), D("0.5"), D(2)))
    for low, high, ok in (
        (D("59500"), D("60500"), True),
        (D("59400"), D("60500"), False),  # 59,400 * 1.01 is below 60,000
        (D("59500"), D("60700"), False),  # 60,700 * 0.99 is above it
    ):
        seen = replace(near, average_low=low, average_high=high)
        assert verdict("exchange_filters", seen).ok is ok


# The counts of an account, over all symbols.


@pytest.mark.parametrize(
    ("limit", "count", "name"),
    [
        ({"exchange_max_orders": 20}, {"account_orders": 17}, "EXCHANGE_MAX_NUM_ORDERS"),
        (
            {"exchange_max_algo_orders": 20},
            {"account_algo_orders": 18},
            "EXCHANGE_MAX_NUM_ALGO_ORDERS",
        ),
        (
            {"exchange_max_order_lists": 20},
            {"account_order_lists": 19},
            "EXCHANGE_MAX_NUM_ORDER_LISTS",
        ),
    ],
)
def test_what_is_open_in_all_symbols_fills_the_exchanges_count_of_the_account(limit, count, name):
    """The last bracket that fits brings three orders, two of them algo orders, in one list."""
    assert verdict("exchange_filters", plan(**limit), book(**count)).ok
    full = {which: there + 1 for which, there in count.items()}
    v = verdict("exchange_filters", plan(**limit), book(**full))
    assert (v.ok, v.effect) == (False, Effect.BLOCK)
    assert f"takes 20 ({name})" in v.message
    assert f"The account has {next(iter(full.values()))} such orders open" in v.message
    assert v.message.endswith("cancel entries, so that 1 of them end.")
    two = {which: there + 2 for which, there in count.items()}
    message = verdict("exchange_filters", plan(**limit), book(**two)).message
    assert "so that 2 of them end" in message


def test_an_account_with_room_for_one_bracket_in_all_is_told_to_end_what_it_has():
    v = verdict("exchange_filters", plan(exchange_max_orders=3), book(account_orders=1))
    assert v.message.startswith("The account has 1 such orders open over all symbols")


@pytest.mark.parametrize(
    ("limit", "needs"),
    [("exchange_max_orders", 3), ("exchange_max_algo_orders", 2), ("exchange_max_order_lists", 1)],
)
def test_an_account_that_may_hold_no_bracket_at_all_is_told_to_trade_another(limit, needs):
    v = verdict("exchange_filters", plan(**{limit: needs - 1}))
    assert not v.ok
    assert f"needs {needs}. Trade another account." in v.message
    assert verdict("exchange_filters", plan(**{limit: needs})).ok


def test_the_account_wide_counts_bind_nothing_where_the_exchange_has_none():
    busy = book(account_orders=900, account_algo_orders=600, account_order_lists=300)
    assert verdict("exchange_filters", plan(), busy).ok
