"""Filters at their very edge: what just passes, what just fails, and what a refusal suggests."""

import pytest

from risk.bounds import _smaller
from risk.costs import Costs
from risk.exits import exit_quantity, largest_entry, why_unplaceable
from risk.listing import read_asset_limits, read_symbol
from risk.symbols import UNLIMITED
from tests.risk.builders import FREE, IN_COIN, D, size, symbol
from tests.risk.test_symbols import listing

FINE = {"step": D("0.1"), "market_step": D("0.1"), "min_notional": D(0), "costs": FREE}
HUNDRED = {"entry": "100", "stop": "90", "target": "130"}


def why(quantity, *, budget="1000", cash="100000", most="9000", costs=FREE, **rules):
    facts = {"step": D("0.1"), "market_step": D("0.1"), "min_notional": D(0), **rules}
    return why_unplaceable(
        direction="long", quantity=D(quantity), budget=D(budget), cash=D(cash),
        worst_entry=D(100), stop=D(90), target=D(130), costs=costs, symbol=symbol(**facts),
        most=D(most),
    )  # fmt: skip


# Minimums.


def test_an_entry_worth_exactly_the_least_passes():
    rules = {"min_notional": D(100), "min_notional_for_market": False}
    assert why("1", **rules) is None
    assert why("0.9", **rules).code == "notional"


def test_exits_worth_exactly_the_least_pass():
    assert why("1", min_notional=D(90)) is None
    assert why("1", min_notional=D("90.01")).code == "stop_notional"


def test_a_target_below_the_least_is_named():
    refused = why_unplaceable(
        direction="short", quantity=D(1), budget=D(1000), cash=D(1000), worst_entry=D(100),
        stop=D(110), target=D(70), costs=FREE, most=D(100),
        symbol=symbol(step=D("0.1"), market_step=D("0.1"), min_notional=D(80)),
    )  # fmt: skip
    assert refused.code == "target_notional"
    assert refused.quantity == D("1.2")


def test_exactly_the_least_quantity_passes():
    assert why("0.5", min_quantity=D("0.5")) is None
    assert why("0.4", min_quantity=D("0.5")).code == "lot_size"
    assert why("0.5", market_min_quantity=D("0.5")) is None
    assert why("0.4", market_min_quantity=D("0.5")).code == "market_lot_size"


def test_what_a_fee_in_the_coin_leaves_must_still_be_the_least_quantity():
    refused = why("0.5", min_quantity=D("0.5"), costs=IN_COIN)  # 0.4995 is 0.4 in whole steps
    assert refused.code == "exit_lot_size"
    assert refused.quantity == D("0.6")
    assert "After fees 0.4 BTC" in refused.message


# What a refusal suggests.


def test_the_smallest_entry_is_a_whole_step_above_the_least_worth():
    """Market exits are not bound here: the entry alone must be worth 100.5."""
    refused = why("0.9", min_notional=D("100.5"), min_notional_for_market=False)
    assert (refused.code, refused.quantity) == ("notional", D("1.1"))


def test_a_way_out_is_named_only_where_it_is_missing():
    rules = {"min_quantity": D(1)}
    enough = why("0.5", budget="10", cash="100", **rules)
    assert (enough.budget, enough.cash, enough.quantity) == (D("10.00"), D("100.00"), D(1))
    assert "Risk at least" not in enough.message
    assert "Free at least" not in enough.message
    assert "Ask the size model" not in enough.message
    poor = why("0.5", budget="9.99", cash="99.99", **rules)
    assert "Risk at least 10.00 USDT" in poor.message
    assert "Free at least 100.00 USDT" in poor.message


def test_amounts_to_find_are_rounded_up_to_the_cent():
    fee = Costs(D("0.00001"), D("0.00001"))
    refused = why("0.5", budget="1", cash="1", min_quantity=D(1), costs=fee)
    assert (refused.budget, refused.cash) == (D("10.01"), D("100.01"))  # 10.0019 and 100.001


def test_the_least_may_be_all_that_is_allowed_and_no_more():
    assert why("0.5", min_quantity=D(1), most="1").quantity == 1
    beyond = why("0.5", min_quantity=D(1), most="0.9")
    assert (beyond.quantity, beyond.budget, beyond.cash) == (None, None, None)
    assert "Choose another symbol" in beyond.message


# Maximums and the steps of exits.


def test_an_exit_is_whole_in_both_steps():
    rules = symbol(step=D("0.1"), market_step=D("0.5"))
    assert rules.exit_step == D("0.5")
    assert symbol(step=D("0.4"), market_step=D("0.6")).exit_step == D("1.2")
    assert symbol(step=D("0.01"), market_step=D("0.001")).exit_step == D("0.01")
    assert exit_quantity("long", D("1.9"), FREE, D("0.5")) == D("1.5")
    assert exit_quantity("short", D("1.9"), FREE, D("0.5")) == D("2.0")


def test_a_short_sells_only_what_one_order_can_buy_back():
    assert largest_entry("short", D("100.5"), FREE, D(1)) == 100
    assert largest_entry("short", D("100.5"), IN_COIN, D(1)) == D("99.9")
    assert largest_entry("long", D("100.5"), IN_COIN, D(1)) == D("100.5")
    assert largest_entry("short", UNLIMITED, IN_COIN, D(1)) == UNLIMITED


def test_the_lot_size_is_named_where_it_keeps_a_short_from_buying_back_more():
    turned = {"direction": "short", "entry": "100", "stop": "110", "target": "80"}
    short = size(**turned, **{**FINE, "costs": IN_COIN}, budget="1000", max_quantity=D(10))
    assert (short.bound, short.quantity) == ("max_quantity", D("9.9"))  # 10 bought back, less fee


@pytest.mark.parametrize("market", [True, False])
def test_the_worth_of_a_shorts_stop_counts_where_market_orders_are_bound(market):
    turned = {"direction": "short", "entry": "100", "stop": "110", "target": "80"}
    given_size = size(
        **turned, **FINE, budget="1000", max_notional=D(5000), max_notional_for_market=market
    )
    assert given_size.quantity == (D("45.4") if market else D(50))  # 5000 / 110
    assert given_size.bound == "max_notional"


def test_limit_exits_are_bound_by_the_largest_worth_whatever_market_orders_are():
    only_limits = frozenset({"LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
    given_size = size(
        **HUNDRED, **FINE, budget="1000", max_notional=D(5000), order_types=only_limits
    )
    assert given_size.quantity == D("38.4")  # 5000 / 130


def test_an_asset_limit_counts_what_a_short_buys_back():
    turned = {"direction": "short", "entry": "100", "stop": "110", "target": "80"}
    fee = {**FINE, "costs": IN_COIN}
    assert size(**turned, **fee, budget="1000", max_base_per_order=D(10)).quantity == D("9.9")
    worth = size(**turned, **FINE, budget="1000", max_quote_per_order=D(1100))
    assert (worth.quantity, worth.bound) == (D(10), "max_asset")  # 1100 / 110
    tight = size(
        **turned, **FINE, budget="1000", max_quote_per_order=D(1100), max_base_per_order=D(3)
    )
    assert tight.quantity == 3


def test_a_position_over_its_limit_leaves_no_room_and_less_than_none_is_none():
    assert size(**HUNDRED, **FINE, max_position=D(0)).quantity == 0


# Reading them.


def with_filters(*filters):
    changed = listing()
    kinds = {each["filterType"] for each in filters}
    changed["filters"] = [f for f in changed["filters"] if f["filterType"] not in kinds]
    changed["filters"] += filters
    return read_symbol(changed)


def test_of_two_least_notionals_the_larger_counts():
    old = {"filterType": "MIN_NOTIONAL", "minNotional": "10", "applyToMarket": True}
    new = {"filterType": "NOTIONAL", "minNotional": "5", "applyMinToMarket": False}
    found = with_filters(old, new)
    assert (found.min_notional, found.min_notional_for_market) == (10, True)
    assert not with_filters(new, {**old, "applyToMarket": False}).min_notional_for_market
    assert not with_filters(new, {**old, "minNotional": "0"}).min_notional_for_market


def test_of_two_price_ranges_the_tighter_counts_side_by_side():
    sides = {
        "filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": "5", "bidMultiplierDown": "0.8",
        "askMultiplierUp": "1.1", "askMultiplierDown": "0.2", "avgPriceMins": 3,
    }  # fmt: skip
    plain = {
        "filterType": "PERCENT_PRICE", "multiplierUp": "2", "multiplierDown": "0.5",
        "avgPriceMins": 7,
    }  # fmt: skip
    both = with_filters(sides, plain)
    found = both.percent_price
    assert (found.buy_up, found.buy_down) == (2, D("0.8"))
    assert (found.sell_up, found.sell_down) == (D("1.1"), D("0.5"))
    assert both.average_minutes == 7
    assert with_filters({**sides, "avgPriceMins": 3}).average_minutes == 3
    assert read_symbol(listing(filters=[])).average_minutes == 5


def test_asset_limits_are_read_from_my_filters():
    def limits(*filters):
        return read_asset_limits({"assetFilters": list(filters)}, owner="BTCUSDC")

    usdc = {"filterType": "MAX_ASSET", "asset": "USDC", "limit": "42.00000000"}
    assert limits(usdc, {**usdc, "asset": "BTC", "limit": "2"}) == {"USDC": 42, "BTC": 2}
    assert limits({**usdc, "limit": "50"}, usdc) == {"USDC": 42}
    assert limits({**usdc, "limit": "0"}, {"filterType": "OTHER", "asset": "X"}) == {}
    assert limits({**usdc, "filterType": "OTHER"}, {**usdc, "asset": 5}) == {}
    assert read_asset_limits({}, owner="BTCUSDC") == {}
    with pytest.raises(ValueError, match=r"BTCUSDC: MAX_ASSET\.limit is 'NaN'"):
        limits({**usdc, "limit": "NaN"})
    with pytest.raises(ValueError, match="assetFilters"):
        read_asset_limits({"assetFilters": [1]}, owner="BTCUSDC")


def test_the_smaller_of_two_shares_is_told_without_dividing():
    assert _smaller((D(14), D(4)), (D(6), D(2))) == (D(6), D(2))  # 3.5 and 3
    assert _smaller((D(10), D(4)), (D(6), D(2))) == (D(10), D(4))  # 2.5 and 3
