"""What an exchange says beside a symbol's listing: limits of the account, and execution rules.

The multipliers and the calculation are those of Binance's documentation (rest-api.md, "Query
Execution Rules", "Query Reference Price Calculation").
"""

import pytest

from risk.listing import CALCULATION, EXCHANGE_FILTERS, EXECUTION_RULES, read_symbol
from risk.symbols import UNLIMITED
from tests.risk.builders import D
from tests.risk.test_symbols import listing

RANGE = {
    "ruleType": "PRICE_RANGE", "bidLimitMultUp": "1.1000", "bidLimitMultDown": "0.5000",
    "askLimitMultUp": "2.0000", "askLimitMultDown": "0.9000",
}  # fmt: skip
MEAN = {"calculationType": "ARITHMETIC_MEAN", "bucketCount": 300, "bucketWidthMs": 1000}


def ruled(*rules, calculation=MEAN, **changes):
    return read_symbol(
        {**listing(**changes), EXECUTION_RULES: list(rules), CALCULATION: calculation}
    )


# Of an account, over all symbols.


def test_what_an_account_may_have_open_over_all_symbols_is_read():
    filters = [
        {"filterType": "EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders": 1000},
        {"filterType": "EXCHANGE_MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 200},
        {"filterType": "EXCHANGE_MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 0},
        {"filterType": "EXCHANGE_MAX_NUM_ICEBERG_ORDERS", "maxNumIcebergOrders": 10},
    ]
    symbol = read_symbol({**listing(), EXCHANGE_FILTERS: filters})
    assert symbol.exchange_max_orders == 1000
    assert symbol.exchange_max_algo_orders == 200
    assert symbol.exchange_max_order_lists == 0
    assert (symbol.max_orders, symbol.max_algo_orders, symbol.max_order_lists) == (200, 5, 20)


def test_an_exchange_without_such_filters_limits_no_account():
    symbol = read_symbol(listing())
    assert symbol.exchange_max_orders is None
    assert symbol.exchange_max_algo_orders is None
    assert symbol.exchange_max_order_lists is None


@pytest.mark.parametrize("wrong", ["5", -1, True, 1.5])
def test_a_malformed_limit_of_the_exchange_is_refused_by_name(wrong):
    broken = {"filterType": "EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders": wrong}
    with pytest.raises(ValueError, match=r"The exchange: EXCHANGE_MAX_NUM_ORDERS\.maxNumOrders"):
        read_symbol({**listing(), EXCHANGE_FILTERS: [broken]})


# PRICE_RANGE.


def test_the_price_range_is_read_side_by_side():
    found = ruled(RANGE).price_range
    assert (found.buy_down, found.buy_up) == (D("0.5"), D("1.1"))
    assert (found.sell_down, found.sell_up) == (D("0.9"), D(2))


def test_a_multiplier_that_is_not_set_binds_nothing():
    found = ruled({"ruleType": "PRICE_RANGE", "askLimitMultDown": "0.9", "bidLimitMultUp": None})
    assert (found.price_range.buy_down, found.price_range.buy_up) == (0, UNLIMITED)
    assert (found.price_range.sell_down, found.price_range.sell_up) == (D("0.9"), UNLIMITED)


@pytest.mark.parametrize(
    ("rules", "calculation"),
    [
        ([], MEAN),
        ([{"ruleType": "OF_NEXT_YEAR"}], MEAN),
        ([RANGE], None),  # it has no reference price: the exchange enforces nothing
        ([RANGE], {"calculationType": "EXTERNAL", "externalCalculationId": 42}),  # none we know
    ],
    ids=["no rule", "another rule", "no reference price", "external"],
)
def test_where_nothing_can_be_known_there_is_no_price_range(rules, calculation):
    found = ruled(*rules, calculation=calculation)
    assert (found.price_range, found.average_minutes) == (None, 5)

    last = [{"filterType": "PERCENT_PRICE", "multiplierUp": "2", "avgPriceMins": 0}]
    found = ruled(*rules, calculation=calculation, filters=last)
    assert (found.price_range, found.average_minutes) == (None, 0)


def test_the_longest_of_the_averages_windows_counts():
    assert ruled(RANGE).average_minutes == 5
    longer = {**MEAN, "bucketCount": 301}
    assert ruled(RANGE, calculation=longer).average_minutes == 6  # a part of a minute is whole
    longer = {**MEAN, "bucketCount": 300_001, "bucketWidthMs": 1}
    assert ruled(RANGE, calculation=longer).average_minutes == 6
    assert ruled(RANGE, calculation={**MEAN, "bucketCount": 10}).average_minutes == 5
    assert ruled(RANGE, calculation={**MEAN, "bucketCount": 120}, filters=[]).average_minutes == 5


@pytest.mark.parametrize(
    ("rule", "calculation", "named"),
    [
        ({**RANGE, "askLimitMultDown": "NaN"}, MEAN, r"PRICE_RANGE\.askLimitMultDown is 'NaN'"),
        ({**RANGE, "bidLimitMultUp": 1.1}, MEAN, r"PRICE_RANGE\.bidLimitMultUp is 1\.1"),
        ({"bidLimitMultUp": "1.1"}, MEAN, "without a ruleType"),
        (RANGE, {**MEAN, "bucketCount": 0}, "bucketWidthMs"),
        (RANGE, {**MEAN, "bucketWidthMs": "1000"}, r"bucketWidthMs is '1000'"),
        (RANGE, {"calculationType": "ARITHMETIC_MEAN"}, "not a window"),
        (RANGE, [1], "not an object"),
    ],
)
def test_a_malformed_execution_rule_is_refused_by_name(rule, calculation, named):
    with pytest.raises(ValueError, match=f"BTCUSDT: .*{named}"):
        ruled(rule, calculation=calculation)
