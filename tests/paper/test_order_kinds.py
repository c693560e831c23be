"""Paper orders against each other, and icebergs."""

from __future__ import annotations

from typing import Any

import pytest

from .scripted import BTC, Bench, Trader, set_rules


def test_paper_orders_meet_each_other_before_the_market_where_they_are_better(bench: Bench) -> None:
    seller, buyer = bench.trader(BTC="1"), bench.trader(USDT="60000")
    seller.limit("SELL", "60000.5", "0.1", newClientOrderId="A")
    answer = buyer.limit("BUY", "60001", "0.3")
    prices = [(x["price"], x["qty"]) for x in answer["fills"]]
    assert prices == [("60000.50000000", "0.10000000"), ("60001.00000000", "0.20000000")]
    assert seller.find("A")["status"] == "FILLED"
    made = seller.ok("GET", "/api/v3/myTrades", symbol=BTC)[0]
    assert (made["id"], made["isMaker"]) == (answer["fills"][0]["tradeId"], True)
    assert bench.conserved()


def test_the_cheaper_market_level_goes_before_a_dearer_paper_order(bench: Bench) -> None:
    seller, buyer = bench.trader(BTC="1"), bench.trader(USDT="100000")
    bench.feed.set_book(BTC, "60000", "0.2")
    seller.limit("SELL", "60001.5", "0.1")
    answer = buyer.order("BUY", "MARKET", quantity="0.4")
    prices = [(x["price"], x["qty"]) for x in answer["fills"]]
    assert prices == [
        ("60001.00000000", "0.20000000"),
        ("60001.50000000", "0.10000000"),
        ("60002.00000000", "0.10000000"),
    ]
    assert bench.conserved()


def test_at_one_price_the_older_paper_order_goes_first(bench: Bench) -> None:
    first, second = bench.trader(BTC="1"), bench.trader(BTC="1")
    buyer = bench.trader(USDT="60000")
    first.limit("SELL", "60000.5", "0.1", newClientOrderId="A")
    second.limit("SELL", "60000.5", "0.1", newClientOrderId="A")
    buyer.limit("BUY", "60000.5", "0.15")
    assert first.find("A")["status"] == "FILLED"
    assert second.find("A")["executedQty"] == "0.05000000"


def test_a_limit_maker_would_take_a_paper_order_too(bench: Bench, trader: Trader) -> None:
    bench.trader(BTC="1").limit("SELL", "60000.5", "0.1")
    refused = trader.refused(
        "POST",
        "/api/v3/order",
        symbol=BTC,
        side="BUY",
        type="LIMIT_MAKER",
        price="60000.5",
        quantity="0.01",
    )
    assert refused == (-2010, "Order would immediately match and take.")


def test_a_trade_between_paper_orders_sets_off_the_stops_at_its_price(bench: Bench) -> None:
    holder, seller = bench.trader(BTC="1"), bench.trader(BTC="1")
    holder.order("SELL", "TAKE_PROFIT", quantity="0.1", stopPrice="60000.5", newClientOrderId="T")
    seller.limit("SELL", "60000.5", "0.1")
    bench.trader(USDT="60000").limit("BUY", "60000.5", "0.1")
    assert holder.find("T")["status"] == "FILLED"
    assert bench.conserved()


def test_a_paper_buyer_fills_a_limit_maker_target_in_part_and_the_stop_is_gone(
    bench: Bench,
) -> None:
    holder = bench.trader(BTC="1")
    holder.ok(
        "POST",
        "/api/v3/orderList/oco",
        symbol=BTC,
        side="SELL",
        quantity="0.5",
        aboveType="LIMIT_MAKER",
        abovePrice="60000.5",
        aboveClientOrderId="T",
        belowType="STOP_LOSS",
        belowStopPrice="59000",
        belowClientOrderId="S",
    )
    bench.trader(USDT="60000").limit("BUY", "60000.5", "0.1")
    assert holder.find("T")["status"] == "PARTIALLY_FILLED"
    assert holder.find("S")["expiryReason"] == "OCO_TRIGGER"
    assert bench.conserved()


def test_an_iceberg_shows_a_part_and_goes_to_the_back_for_the_next(bench: Bench) -> None:
    hidden, plain = bench.trader(USDT="60000"), bench.trader(USDT="60000")
    answer = hidden.limit("BUY", "59000", "0.3", icebergQty="0.1", newClientOrderId="A")
    assert answer["icebergQty"] == "0.10000000"
    plain.limit("BUY", "59000", "0.1", newClientOrderId="A")
    bench.print("59000", "0.15")
    assert hidden.find("A")["executedQty"] == "0.10000000"
    assert plain.find("A")["executedQty"] == "0.05000000"
    bench.print("59000", "0.1")
    assert plain.find("A")["status"] == "FILLED"
    assert hidden.find("A")["executedQty"] == "0.15000000"
    bench.print("59000", "1")
    assert hidden.find("A")["status"] == "FILLED"
    assert bench.conserved()


@pytest.mark.parametrize(
    ("changed", "rules", "code", "text"),
    [
        ({"icebergQty": "0.3"}, {}, -2010, "IcebergQty exceeds QTY."),
        ({"icebergQty": "0.1000001"}, {}, -1013, "Filter failure: LOT_SIZE"),
        ({"icebergQty": "0.1"}, {"max_iceberg_parts": 2}, -1013, "Filter failure: ICEBERG_PARTS"),
        (
            {"icebergQty": "0.1"},
            {"iceberg": False},
            -2010,
            "Iceberg orders are not supported for this symbol.",
        ),
        (
            {"icebergQty": "0.1", "timeInForce": "IOC"},
            {},
            -1014,
            "Unsupported order combination.",
        ),
    ],
)
def test_an_iceberg_that_breaks_a_rule_is_refused(
    bench: Bench, changed: dict[str, str], rules: dict[str, Any], code: int, text: str
) -> None:
    trader = bench.trader(USDT="60000")
    set_rules(bench, **rules)
    wanted = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    wanted |= {"price": "59000", "quantity": "0.3"} | changed
    assert trader.refused("POST", "/api/v3/order", **wanted) == (code, text)


def test_only_so_many_icebergs_are_open_at_once(bench: Bench) -> None:
    trader = bench.trader(USDT="60000")
    set_rules(bench, max_iceberg_orders=1)
    trader.limit("BUY", "59000", "0.3", icebergQty="0.1")
    refused = trader.refused(
        "POST",
        "/api/v3/order",
        symbol=BTC,
        side="BUY",
        type="LIMIT",
        timeInForce="GTC",
        price="59000",
        quantity="0.3",
        icebergQty="0.1",
    )
    assert refused == (-1013, "Filter failure: MAX_NUM_ICEBERG_ORDERS")
