"""Reading an exchange's filters, and rounding to its ticks and steps."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.listing import read_symbol
from risk.symbols import (
    FINEST,
    UNLIMITED,
    Symbol,
    ceil_to_tick,
    floor_to_step,
    floor_to_tick,
    is_on_tick,
    nearest_ticks,
)
from tests.risk.builders import D

BTCUSDT = {
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "TAKE_PROFIT"],
    "ocoAllowed": True,
    "otoAllowed": True,
    "opoAllowed": True,
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "0.01000000", "maxPrice": "1000000.00000000",
         "tickSize": "0.01000000"},
        {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00000000",
         "stepSize": "0.00001000"},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0.00000000", "maxQty": "71.23456789",
         "stepSize": "0.00000000"},
        {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True,
         "maxNotional": "9000000.00000000", "applyMaxToMarket": False, "avgPriceMins": 5},
        {"filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": "5", "bidMultiplierDown": "0.2",
         "askMultiplierUp": "4", "askMultiplierDown": "0.3", "avgPriceMins": 5},
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
        {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 20},
        {"filterType": "MAX_POSITION", "maxPosition": "12.5"},
        {"filterType": "FROM_NEXT_YEAR", "anything": None},
    ],
}  # fmt: skip


def listing(**changes):
    return {**copy.deepcopy(BTCUSDT), **changes}


def without(*kinds):
    return listing(filters=[f for f in BTCUSDT["filters"] if f["filterType"] not in kinds])


def test_a_listing_is_read_whole_and_unknown_filters_are_ignored():
    symbol = read_symbol(BTCUSDT)
    assert (symbol.name, symbol.base, symbol.quote) == ("BTCUSDT", "BTC", "USDT")
    assert (symbol.tick, symbol.step) == (D("0.01"), D("0.00001"))
    assert (symbol.min_price, symbol.max_price) == (D("0.01"), D(1000000))
    assert (symbol.min_quantity, symbol.max_quantity) == (D("0.00001"), D(9000))
    assert (symbol.min_notional, symbol.max_notional) == (D(5), D(9000000))
    assert (symbol.percent_price.buy_up, symbol.percent_price.sell_down) == (D(5), D("0.3"))
    assert (symbol.max_orders, symbol.max_algo_orders, symbol.max_order_lists) == (200, 5, 20)
    assert symbol.max_position == D("12.5")
    assert symbol.opo_allowed
    assert "STOP_LOSS" in symbol.order_types


def test_figures_are_kept_without_trailing_zeros():
    assert str(floor_to_tick(D("60000.017"), read_symbol(BTCUSDT).tick)) == "60000.01"


def test_zeros_of_the_market_lot_size_fall_back_to_the_lot_size():
    symbol = read_symbol(BTCUSDT)
    assert symbol.market_step == D("0.00001")
    assert symbol.market_min_quantity == D("0.00001")
    assert symbol.market_max_quantity == D("71.23456789")


def test_missing_filters_are_off():
    symbol = read_symbol(listing(filters=[]))
    assert (symbol.tick, symbol.step) == (FINEST, FINEST)
    assert (symbol.max_price, symbol.max_quantity) == (UNLIMITED, UNLIMITED)
    assert symbol.market_max_quantity == UNLIMITED
    assert (symbol.min_notional, symbol.max_notional) == (0, None)
    assert symbol.percent_price is None
    assert symbol.max_algo_orders is None
    assert symbol.max_position is None


def test_a_filter_that_is_off_allows_eight_decimals_and_any_amount_we_can_keep():
    """Binance's finest decimals, and the largest amount the database keeps."""
    assert (D("0.00000001"), D("100000000000000000000")) == (FINEST, UNLIMITED)


def test_a_market_exit_may_not_exceed_the_lot_size_where_there_is_no_market_lot_size():
    assert read_symbol(without("MARKET_LOT_SIZE")).market_max_quantity == 9000


def test_what_a_listing_does_not_say_is_taken_as_binance_documents_it():
    """No order lists unless allowed; minimums bind market orders unless told, maximums do not."""
    silent = without("NOTIONAL")
    for flag in ("ocoAllowed", "otoAllowed", "opoAllowed"):
        del silent[flag]
    bare = read_symbol(silent)
    assert (bare.oco_allowed, bare.oto_allowed, bare.opo_allowed) == (False, False, False)
    for kind in ("NOTIONAL", "MIN_NOTIONAL"):
        figures = {"filterType": kind, "minNotional": "5", "maxNotional": "100"}
        found = read_symbol({**silent, "filters": [*silent["filters"], figures]})
        assert (found.min_notional_for_market, found.max_notional_for_market) == (True, False)


def test_a_symbol_known_by_name_only_carries_no_lists():
    bare = Symbol(name="BTCUSDT", base="BTC", quote="USDT")
    assert (bare.oto_allowed, bare.oco_allowed, bare.opo_allowed) == (False, False, False)
    assert (bare.max_notional_for_market, bare.average_minutes) == (False, 5)


def test_the_old_filters_are_read_too():
    old = without("NOTIONAL", "PERCENT_PRICE_BY_SIDE")
    old["filters"] += [
        {"filterType": "MIN_NOTIONAL", "minNotional": "10", "applyToMarket": False},
        {"filterType": "PERCENT_PRICE", "multiplierUp": "1.2", "multiplierDown": "0.8"},
    ]
    symbol = read_symbol(old)
    assert (symbol.min_notional, symbol.min_notional_for_market) == (D(10), False)
    assert (symbol.percent_price.buy_down, symbol.percent_price.sell_up) == (D("0.8"), D("1.2"))


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("PRICE_FILTER", "tickSize", "NaN"),
        ("PRICE_FILTER", "tickSize", "1E-2"),
        ("PRICE_FILTER", "tickSize", 0.01),
        ("LOT_SIZE", "stepSize", "-0.1"),
        ("LOT_SIZE", "minQty", "١"),
        ("NOTIONAL", "minNotional", ["5"]),
        ("NOTIONAL", "applyMinToMarket", "yes"),
        ("MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders", "5"),
        ("MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders", -1),
        ("MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders", True),
    ],
)
def test_a_malformed_filter_is_refused_by_name(kind, key, value):
    broken = listing()
    next(f for f in broken["filters"] if f["filterType"] == kind)[key] = value
    with pytest.raises(ValueError, match=f"BTCUSDT: {kind}.{key} is"):
        read_symbol(broken)


@pytest.mark.parametrize(
    "changes",
    [
        {"symbol": None},
        {"status": 1},
        {"filters": None},
        {"filters": [1]},
        {"orderTypes": "LIMIT"},
        {"orderTypes": ["LIMIT", 1]},
    ],
)
def test_a_malformed_listing_is_refused(changes):
    with pytest.raises(ValueError, match=r"is |without"):
        read_symbol(listing(**changes))


def test_prices_go_to_the_tick_below_and_above():
    assert nearest_ticks(D("60000.004"), D("0.01")) == (D("60000.00"), D("60000.01"))
    assert nearest_ticks(D("60000.01"), D("0.01")) == (D("60000.01"), D("60000.01"))
    assert is_on_tick(D("60000.010"), D("0.01"))
    assert not is_on_tick(D("60000.001"), D("0.01"))


def test_quantities_go_down_to_the_step():
    assert floor_to_step(D("0.139999"), D("0.001")) == D("0.139")


def test_a_grid_of_zero_is_refused():
    with pytest.raises(ValueError, match="no grid"):
        floor_to_tick(D(1), D(0))


@given(
    value=st.decimals(min_value=D("-1e12"), max_value=D("1e12"), places=18),
    grid=st.sampled_from(["0.00000001", "0.01", "0.05", "0.25", "3"]).map(D),
)
def test_rounding_to_a_grid_moves_less_than_one_tick_in_the_named_direction(value, grid):
    below, above = floor_to_tick(value, grid), ceil_to_tick(value, grid)
    assert below <= value <= above
    assert above - below in (0, grid)
    assert below % grid == 0
    assert above % grid == 0
