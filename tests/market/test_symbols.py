"""Symbol rules: what a venue lists, kept as it said it, read as the sizer needs it."""

from decimal import Decimal

import pytest

from trading.exchange.paper.symbols import SYMBOLS
from trading.market import symbols
from trading.market.models import SymbolRules
from trading.market.symbols import UnknownSymbol, listed, rules, store_rules

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
