"""Symbol rules: what a venue lists, kept as it said it, read as the sizer needs it."""

from decimal import Decimal

import pytest

from risk.listing import CALCULATION, EXECUTION_RULES
from trading.exchange.paper.symbol_filters import price_range
from trading.exchange.paper.symbols import SYMBOLS
from trading.market import symbols
from trading.market.models import SymbolRules
from trading.market.symbols import (
    UnknownSymbol,
    listed,
    rules,
    store_execution_rules,
    store_rules,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_kept():
    symbols._kept.clear()
    yield
    symbols._kept.clear()


def info(*names: str, **changed: object) -> dict:
    return {"symbols": [{**SYMBOLS[name].info(), **changed} for name in names]}


def test_rules_are_read_as_the_venue_sent_them():
    assert store_rules("paper", info("BTCUSDT", "ETHUSDT")) == 2
    bitcoin = rules("paper", "BTCUSDT")
    assert bitcoin.tick == Decimal("0.01")
    assert bitcoin.step == Decimal("0.00001")
    assert (bitcoin.base, bitcoin.quote) == ("BTC", "USDT")
    assert [each.name for each in listed("paper")] == ["BTCUSDT", "ETHUSDT"]


def test_a_later_answer_replaces_the_earlier_at_once():
    store_rules("paper", info("BTCUSDT"))
    assert rules("paper", "BTCUSDT").status == "TRADING"
    store_rules("paper", info("BTCUSDT", status="HALT"))
    assert rules("paper", "BTCUSDT").status == "HALT"
    assert SymbolRules.objects.count() == 1


def test_rules_are_kept_for_a_minute_without_asking_the_database(django_assert_num_queries):
    store_rules("paper", info("BTCUSDT"))
    rules("paper", "BTCUSDT")
    with django_assert_num_queries(0):
        rules("paper", "BTCUSDT")


def test_an_unlisted_symbol_is_refused_naming_what_is_listed():
    store_rules("paper", info("BTCUSDT"))
    with pytest.raises(UnknownSymbol, match="BTCUSDT"):
        rules("paper", "DOGEUSDT")
    with pytest.raises(UnknownSymbol):
        rules("binance", "BTCUSDT")


# What is said beside the listing.

FOR_ALL = [{"filterType": "EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders": 1000}]
MEAN = {"calculationType": "ARITHMETIC_MEAN", "bucketCount": 300, "bucketWidthMs": 1000}


def execution(name: str) -> dict:
    return {name: {EXECUTION_RULES: price_range(SYMBOLS[name]), CALCULATION: MEAN}}


def test_what_binds_an_account_over_all_symbols_binds_it_in_each():
    store_rules("paper", info("BTCUSDT", "ETHUSDT") | {"exchangeFilters": FOR_ALL})
    assert [each.exchange_max_orders for each in listed("paper")] == [1000, 1000]
    store_rules("paper", info("BTCUSDT", "ETHUSDT"))  # the exchange dropped it
    assert [each.exchange_max_orders for each in listed("paper")] == [None, None]


def test_execution_rules_act_at_once_and_outlast_the_next_listing():
    store_rules("paper", info("BTCUSDT", "ETHUSDT"))
    assert rules("paper", "BTCUSDT").price_range is None
    assert store_execution_rules("paper", execution("BTCUSDT")) == 1
    assert rules("paper", "BTCUSDT").price_range.sell_down == Decimal("0.9")
    assert rules("paper", "ETHUSDT").price_range is None
    store_rules("paper", info("BTCUSDT", "ETHUSDT", status="HALT"))
    bitcoin = rules("paper", "BTCUSDT")
    assert (bitcoin.status, bitcoin.price_range.buy_up) == ("HALT", Decimal("1.1"))


def test_a_rule_the_venue_no_longer_names_is_gone():
    store_rules("paper", info("BTCUSDT"))
    store_execution_rules("paper", execution("BTCUSDT"))
    assert store_execution_rules("paper", {}) == 0
    assert rules("paper", "BTCUSDT").price_range is None


def test_the_rules_of_one_venue_are_not_anothers():
    for venue in ("paper", "binance"):
        store_rules(venue, info("BTCUSDT"))
    store_execution_rules("binance", execution("BTCUSDT"))
    assert rules("paper", "BTCUSDT").price_range is None
    assert rules("binance", "BTCUSDT").price_range is not None
