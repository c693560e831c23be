"""The price range and the rarer filters of a symbol."""

from __future__ import annotations

from typing import Any

import pytest

from trading.exchange.paper.values import to_e8

from .scripted import BTC, Bench, Trader, bracket, set_rules


def test_a_market_order_stops_at_the_edge_of_the_price_range(bench: Bench) -> None:
    trader = bench.trader(USDT="1000000")
    bench.feed.set_book(BTC, "60000", "1", step="5000", n=5)
    answer = trader.order("BUY", "MARKET", quantity="3")
    assert (answer["status"], answer["executedQty"]) == ("EXPIRED", "1.00000000")
    assert answer["expiryReason"] == "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"
    assert bench.conserved()


def test_a_stop_dies_at_the_edge_of_the_price_range(bench: Bench) -> None:
    trader = bench.trader(BTC="1")
    trader.order("SELL", "STOP_LOSS", quantity="0.5", stopPrice="59000", newClientOrderId="S")
    bench.feed.set_book(BTC, "60000", "0.2", step="5500", n=3)
    bench.print("59000", "0.00001")
    stop = trader.find("S")
    assert (stop["status"], stop["executedQty"]) == ("EXPIRED", "0.20000000")
    assert stop["expiryReason"] == "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"


def test_without_the_rule_the_order_goes_on_and_then_lacks_liquidity(bench: Bench) -> None:
    set_rules(bench, price_range=False)
    trader = bench.trader(USDT="1000000")
    bench.feed.set_book(BTC, "60000", "1", step="5000", n=2)
    answer = trader.order("BUY", "MARKET", quantity="3")
    assert (answer["executedQty"], answer["expiryReason"]) == (
        "2.00000000",
        "INSUFFICIENT_LIQUIDITY",
    )


def test_the_execution_rules_and_the_reference_price_are_public(bench: Bench) -> None:
    get = lambda path: bench.exchange.handle("GET", path, "symbol=BTCUSDT", "", {}, bench.now_ms)  # noqa: E731
    rules = get("/api/v3/executionRules").json()["symbolRules"][0]["rules"][0]
    assert rules["ruleType"] == "PRICE_RANGE"
    bench.print("60000", "1")
    bench.print("62000", "1")
    assert get("/api/v3/referencePrice").json()["referencePrice"] == "61000.00000000"


@pytest.mark.parametrize(
    ("rules", "exchange_rules", "assets", "name"),
    [
        ({"max_position": to_e8("0.03")}, {}, {}, "MAX_POSITION"),
        ({"old_min_notional": to_e8("1200")}, {}, {}, "MIN_NOTIONAL"),
        ({"percent_up": to_e8("1.1"), "percent_down": to_e8("0.999")}, {}, {}, "PERCENT_PRICE"),
        ({}, {"EXCHANGE_MAX_NUM_ORDERS": 1}, {}, "EXCHANGE_MAX_NUM_ORDERS"),
        ({}, {}, {"USDT": to_e8("1000")}, "MAX_ASSET"),
        ({}, {}, {"BTC": to_e8("0.01")}, "MAX_ASSET"),
        ({"max_orders": 1}, {}, {}, "MAX_NUM_ORDERS"),
    ],
)
def test_every_other_filter_has_its_name_in_the_refusal(
    bench: Bench, rules: Any, exchange_rules: dict[str, int], assets: dict[str, int], name: str
) -> None:
    trader = bench.trader(USDT="10000", BTC="0.005")
    trader.limit("BUY", "59000", "0.009")
    set_rules(bench, **rules)
    bench.exchange.engine.exchange_rules |= exchange_rules
    bench.exchange.engine.asset_limits |= assets
    refused = trader.refused(
        "POST",
        "/api/v3/order",
        symbol=BTC,
        side="BUY",
        type="LIMIT",
        timeInForce="GTC",
        price="59000",
        quantity="0.02",
    )
    assert refused == (-1013, f"Filter failure: {name}")
    shown = trader.ok("GET", "/api/v3/myFilters", symbol=BTC)
    names = {
        one["filterType"]
        for group in ("exchangeFilters", "symbolFilters", "assetFilters")
        for one in shown[group]
    }
    assert name in names


def test_too_many_lists_are_refused(bench: Bench, trader: Trader) -> None:
    set_rules(bench, max_order_lists=1)
    legs = {"workingTimeInForce": "GTC", "workingPrice": "59500"}
    trader.bracket(quantity="0.01", **legs)
    wanted = bracket(quantity="0.01") | legs | {"listClientOrderId": "L2"}
    wanted |= {name: value + "b" for name, value in wanted.items() if name.endswith("ntOrderId")}
    refused = trader.refused("POST", "/api/v3/orderList/opoco", **wanted)
    assert refused == (-1013, "Filter failure: MAX_NUM_ORDER_LISTS")
