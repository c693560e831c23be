"""Single sentences of Binance's documentation: filters, liquidity, and the table of faults.

Sources: binance-spot-api-docs, filters.md, errors.md, CHANGELOG.md (2026).
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.paper.scripted import BTC, Bench, Trader, set_rules
from trading.exchange.paper import faults
from trading.exchange.paper.market_channels import Touch
from trading.exchange.paper.values import Level, to_e8

# -- filters.md -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quantity", "fits"), [("0.002", True), ("0.0015", False), ("0.0025", False), ("0.004", True)]
)
def test_a_quantity_is_a_multiple_of_the_step_and_not_of_what_is_above_the_least(
    bench: Bench, trader: Trader, quantity: str, fits: bool
) -> None:
    """Since 2023-03-13: `quantity % stepSize == 0`."""
    set_rules(bench, min_quantity=to_e8("0.0005"), step=to_e8("0.002"))
    wanted = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    wanted |= {"price": "59000", "quantity": quantity}
    answer = trader.call("POST", "/api/v3/order/test", **wanted)
    assert (answer.status == 200) == fits
    assert fits or answer.json()["msg"] == "Filter failure: LOT_SIZE"


def test_a_market_quantity_is_a_multiple_of_the_market_step(bench: Bench, trader: Trader) -> None:
    set_rules(bench, min_market_quantity=to_e8("0.0005"), market_step=to_e8("0.002"))
    wanted = {"symbol": BTC, "side": "BUY", "type": "MARKET"}
    trader.ok("POST", "/api/v3/order/test", **wanted, quantity="0.004")
    refused = trader.refused("POST", "/api/v3/order/test", **wanted, quantity="0.0025")
    assert refused == (-1013, "Filter failure: MARKET_LOT_SIZE")


def test_a_price_is_a_multiple_of_the_tick(bench: Bench, trader: Trader) -> None:
    set_rules(bench, min_price=to_e8("0.05"), tick=to_e8("0.10"))
    wanted = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    trader.ok("POST", "/api/v3/order/test", **wanted, price="59000.1", quantity="0.01")
    refused = trader.refused(
        "POST", "/api/v3/order/test", **wanted, price="59000.15", quantity="0.01"
    )
    assert refused == (-1013, "Filter failure: PRICE_FILTER")


def test_prices_are_held_against_the_reference_price_not_the_last_trade(
    bench: Bench, trader: Trader
) -> None:
    """Since 2026-05-06 for PERCENT_PRICE(_BY_SIDE), and for NOTIONAL of a market order."""
    set_rules(bench, bid_multiplier_up=to_e8("1.04"))
    bench.print("60000")
    bench.print("66000")  # the mean of the prices seen is below the last one
    told = trader.ok("GET", "/api/v3/referencePrice", symbol=BTC)
    middle = to_e8(told["referencePrice"])
    assert to_e8("60000") < middle < to_e8("66000")
    highest = middle * 104 // 100 // 10**6 * 10**6
    wanted = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    wanted |= {"quantity": "0.01"}
    trader.ok("POST", "/api/v3/order/test", **wanted, price=f"{highest / 10**8:.2f}")
    refused = trader.refused("POST", "/api/v3/order/test", **wanted, price="66000")
    assert refused == (-1013, "Filter failure: PERCENT_PRICE_BY_SIDE")


# -- an empty side of the book --------------------------------------------------------------------


def test_a_market_without_sellers_is_no_fault_of_the_exchange(bench: Bench, trader: Trader) -> None:
    """Once a taker has eaten one side, quotes say zero and orders are answered as ever."""
    bench.feed.asks[BTC] = []
    wanted = {"symbol": BTC, "side": "BUY", "quantity": "0.01"}
    maker = trader.order(type="LIMIT_MAKER", price="60010", **wanted, newOrderRespType="RESULT")
    assert maker["status"] == "NEW"
    ended = trader.order(type="MARKET", **wanted)
    assert (ended["status"], ended["expiryReason"]) == ("EXPIRED", "INSUFFICIENT_LIQUIDITY")
    touch = trader.ok("GET", "/api/v3/ticker/bookTicker", symbol=BTC)
    assert (touch["askPrice"], touch["askQty"]) == ("0.00000000", "0.00000000")
    code, text = trader.refused(
        "POST", "/api/v3/order", symbol=BTC, side="BUY", type="MARKET", quoteOrderQty="100"
    )
    assert (code, text) == (-2010, "Order book liquidity is less than symbol minimum quantity.")


def test_the_best_prices_are_told_while_one_side_of_the_book_is_empty(bench: Bench) -> None:
    touch = Touch(bench.feed, BTC)
    bench.feed.asks[BTC] = []
    (told,) = touch.due(bench.now_ms)
    assert (told["b"], told["a"], told["A"]) == ("59999.00000000", "0.00000000", "0.00000000")
    assert touch.due(bench.now_ms) == []


# -- market orders by quoteOrderQty ---------------------------------------------------------------


def by_quote(side: str, amount: str) -> dict[str, str]:
    return {"symbol": BTC, "side": side, "type": "MARKET", "quoteOrderQty": amount}


def test_a_quote_quantity_larger_than_the_book_ends_expired(bench: Bench, trader: Trader) -> None:
    """CHANGELOG 2023-03-13: FILLED only if it was completely filled."""
    bench.feed.asks[BTC] = [Level(to_e8("60000"), to_e8("0.01"))]
    ended = trader.ok("POST", "/api/v3/order", **by_quote("BUY", "1000"))
    assert (ended["status"], ended["executedQty"]) == ("EXPIRED", "0.01000000")
    assert ended["expiryReason"] == "INSUFFICIENT_LIQUIDITY"
    assert ended["cummulativeQuoteQty"] == "600.00000000"
    assert trader.balance("USDT") == ("9400.00000000", "0.00000000")


def test_a_quote_quantity_that_just_empties_the_book_is_filled(
    bench: Bench, trader: Trader
) -> None:
    bench.feed.asks[BTC] = [Level(to_e8("60000"), to_e8("0.01"))]
    ended = trader.ok("POST", "/api/v3/order", **by_quote("BUY", "600"))
    assert (ended["status"], ended["origQty"]) == ("FILLED", "0.01000000")


@pytest.mark.parametrize(
    ("offered", "rules", "whose"),
    [
        ("0", {}, "symbol"),
        ("0.001", {"min_quantity": "0.002"}, "`LOT_SIZE` filter"),
        ("0.003", {"min_market_quantity": "0.004"}, "`MARKET_LOT_SIZE` filter"),
    ],
)
def test_a_quote_quantity_is_refused_where_the_book_has_less_than_the_least_quantity(
    bench: Bench, trader: Trader, offered: str, rules: dict[str, str], whose: str
) -> None:
    set_rules(bench, **{name: to_e8(value) for name, value in rules.items()})
    bench.feed.asks[BTC] = [Level(to_e8("60000"), to_e8(offered))] if offered != "0" else []
    refused = trader.refused("POST", "/api/v3/order", **by_quote("BUY", "1000"))
    text = f"Order book liquidity is less than {whose} minimum quantity."
    assert refused == (-2010, text)
    assert trader.balance("USDT") == ("10000.00000000", "0.00000000")
    assert bench.conserved()


# -- the races of the fault table -----------------------------------------------------------------


def test_a_cancel_that_comes_after_the_fill_finds_nothing(bench: Bench, trader: Trader) -> None:
    placed = trader.limit("BUY", "59000", "0.01")
    bench.print("58999")
    one = {"symbol": BTC, "orderId": placed["orderId"]}
    assert trader.refused("DELETE", "/api/v3/order", **one) == (-2011, "Unknown order sent.")
    assert trader.ok("GET", "/api/v3/order", **one)["status"] == "FILLED"


def test_a_list_is_cancelled_and_the_one_to_replace_it_refused(
    bench: Bench, trader: Trader
) -> None:
    """What is left then are free coins without any protection."""
    trader.order("BUY", "MARKET", quantity="0.1")
    pair = {"symbol": BTC, "side": "SELL", "quantity": "0.05", "belowType": "STOP_LOSS"}
    pair |= {"aboveType": "LIMIT_MAKER", "abovePrice": "62000"}
    placed = trader.ok("POST", "/api/v3/orderList/oco", **pair, belowStopPrice="59000")
    ended = {"symbol": BTC, "orderListId": placed["orderListId"]}
    trader.ok("DELETE", "/api/v3/orderList", **ended)
    code, _ = trader.refused("POST", "/api/v3/orderList/oco", **pair, belowStopPrice="61000")
    assert code == -2010
    assert trader.ok("GET", "/api/v3/openOrders", symbol=BTC) == []
    assert trader.balance("BTC")[1] == "0.00000000"


ROOT = Path(__file__).resolve().parent.parent.parent


def test_every_fault_of_the_table_can_be_armed_and_is_shown_by_a_test() -> None:
    page = (ROOT / "docs" / "paper-exchange.md").read_text("utf-8")
    table = page.split("### From the catalogues to the switch")[1].split("\n## ")[0]
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", path.read_text("utf-8"))
    }
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")][2:]
    named, armed = set(), set()
    for _, how, shown in rows:
        named |= set(re.findall(r"`(test_\w+)`", shown))
        switches = re.findall(r"`([a-z]+(?:-[a-z]+)*(?::[^`]+)?)`", how)
        armed |= {faults.parse(text)[0].name for text in switches}
    assert named - there == set()
    assert armed == faults.CATALOGUE.keys()
