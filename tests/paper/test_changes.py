"""Changing open orders: cancel-replace and amend keeping priority, with what each may refuse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from .scripted import BTC, Bench, Trader, bracket

REPLACE = "/api/v3/order/cancelReplace"
AMEND = "/api/v3/order/amend/keepPriority"
NEW = {
    "symbol": BTC,
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "price": "59500",
    "quantity": "0.02",
}


def replacement(**changed: Any) -> dict[str, Any]:
    return NEW | {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrigClientOrderId": "A"} | changed


def test_a_replaced_order_is_cancelled_and_the_new_one_stands(trader: Trader) -> None:
    trader.limit("BUY", "59000", "0.01", newClientOrderId="A")
    answer = trader.ok("POST", REPLACE, **replacement(newClientOrderId="B"))
    assert (answer["cancelResult"], answer["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    assert answer["cancelResponse"]["status"] == "CANCELED"
    assert answer["newOrderResponse"]["clientOrderId"] == "B"
    assert answer["newOrderResponse"]["fills"] == []
    assert trader.balance("USDT") == ("8810.00000000", "1190.00000000")


def test_the_id_of_the_cancelled_order_serves_the_new_one(trader: Trader) -> None:
    trader.limit("BUY", "59000", "0.01", newClientOrderId="A")
    assert trader.ok("POST", REPLACE, **replacement(newClientOrderId="A"))


def test_stop_on_failure_places_nothing_where_the_cancel_failed(trader: Trader) -> None:
    answer = trader.call("POST", REPLACE, **replacement())
    assert answer.status == 400
    assert answer.json() == {
        "code": -2022,
        "msg": "Order cancel-replace failed.",
        "data": {
            "cancelResult": "FAILURE",
            "newOrderResult": "NOT_ATTEMPTED",
            "cancelResponse": {"code": -2011, "msg": "Unknown order sent."},
            "newOrderResponse": None,
        },
    }
    assert trader.ok("GET", "/api/v3/openOrders") == []


def test_a_cancel_that_worked_and_an_order_that_did_not_is_409_and_naked(trader: Trader) -> None:
    trader.limit("BUY", "59000", "0.01", newClientOrderId="A")
    changed = {"type": "LIMIT_MAKER", "price": "60001"}
    wanted = {k: v for k, v in replacement(**changed).items() if k != "timeInForce"}
    answer = trader.call("POST", REPLACE, **wanted)
    body = answer.json()
    assert (answer.status, body["code"]) == (409, -2021)
    assert body["data"]["cancelResult"] == "SUCCESS"
    assert body["data"]["newOrderResponse"] == {
        "code": -2010,
        "msg": "Order would immediately match and take.",
    }
    assert trader.find("A")["status"] == "CANCELED"


def test_allow_failure_places_the_order_though_the_cancel_failed(trader: Trader) -> None:
    answer = trader.call("POST", REPLACE, **replacement(cancelReplaceMode="ALLOW_FAILURE"))
    body = answer.json()
    assert (answer.status, body["code"]) == (409, -2021)
    assert body["data"]["newOrderResult"] == "SUCCESS"
    assert len(trader.ok("GET", "/api/v3/openOrders")) == 1


def test_allow_failure_with_two_failures_is_400(trader: Trader) -> None:
    wanted = replacement(cancelReplaceMode="ALLOW_FAILURE", quantity="5")
    answer = trader.call("POST", REPLACE, **wanted)
    assert (answer.status, answer.json()["code"]) == (400, -2022)
    assert answer.json()["data"]["newOrderResult"] == "FAILURE"


def test_filters_are_judged_before_anything_is_cancelled(trader: Trader) -> None:
    trader.limit("BUY", "59000", "0.01", newClientOrderId="A")
    refused = trader.refused("POST", REPLACE, **replacement(price="59500.001"))
    assert refused == (-1013, "Filter failure: PRICE_FILTER")
    assert trader.find("A")["status"] == "NEW"


def test_a_cancel_restriction_holds_in_a_replacement(bench: Bench, trader: Trader) -> None:
    trader.limit("BUY", "59000", "0.01", newClientOrderId="A")
    wanted = replacement(cancelRestrictions="ONLY_PARTIALLY_FILLED")
    body = trader.call("POST", REPLACE, **wanted).json()
    assert body["data"]["cancelResponse"]["code"] == -2011
    assert trader.find("A")["status"] == "NEW"


@pytest.mark.parametrize(
    ("mode", "exceeded", "status", "code", "canceled"),
    [
        ("STOP_ON_FAILURE", "DO_NOTHING", 429, -1015, False),
        ("STOP_ON_FAILURE", "CANCEL_ONLY", 429, -2021, True),
        ("ALLOW_FAILURE", "CANCEL_ONLY", 409, -2021, True),
    ],
)
def test_over_the_order_limit_the_mode_says_whether_the_cancel_still_happens(
    bench: Bench, trader: Trader, mode: str, exceeded: str, status: int, code: int, canceled: bool
) -> None:
    trader.limit("BUY", "59000", "0.01", newClientOrderId="A")
    bench.exchange.limits.count_orders(trader.account.id, 99, bench.now_ms)
    wanted = replacement(cancelReplaceMode=mode, orderRateLimitExceededMode=exceeded)
    answer = trader.call("POST", REPLACE, **wanted)
    assert (answer.status, answer.json()["code"]) == (status, code)
    assert (trader.find("A")["status"] == "CANCELED") is canceled


def test_replacing_a_leg_cancels_its_whole_list(trader: Trader) -> None:
    trader.bracket()
    trader.ok("POST", REPLACE, **replacement(cancelOrigClientOrderId="T1"))
    assert trader.find("S1")["status"] == "CANCELED"


def test_a_reduced_order_keeps_its_place_in_the_queue(bench: Bench) -> None:
    first, second = bench.trader(USDT="10000"), bench.trader(USDT="10000")
    first.limit("BUY", "59000", "0.05", newClientOrderId="A")
    second.limit("BUY", "59000", "0.05", newClientOrderId="A")
    answer = first.ok(
        "PUT", AMEND, symbol=BTC, origClientOrderId="A", newQty="0.02", newClientOrderId="A2"
    )
    shown = answer["amendedOrder"]
    assert (shown["qty"], shown["origClientOrderId"], shown["clientOrderId"]) == (
        "0.02000000",
        "A",
        "A2",
    )
    assert first.balance("USDT") == ("8820.00000000", "1180.00000000")
    event = first.events("executionReport")[-1]
    assert (event["x"], event["X"], event["c"], event["C"]) == ("REPLACED", "NEW", "A2", "A")
    bench.print("58999", "0.03")
    assert first.find("A2")["status"] == "FILLED"
    assert second.find("A")["executedQty"] == "0.01000000"
    assert bench.conserved()


def test_amendments_are_listed(trader: Trader) -> None:
    placed = trader.limit("BUY", "59000", "0.05", newClientOrderId="A")
    ids = {"symbol": BTC, "orderId": placed["orderId"]}
    trader.ok("PUT", AMEND, **ids, newQty="0.04", newClientOrderId="B")
    trader.ok("PUT", AMEND, **ids, newQty="0.03", newClientOrderId="B")
    listed = trader.ok("GET", "/api/v3/order/amendments", **ids)
    assert [(x["origClientOrderId"], x["origQty"], x["newQty"]) for x in listed] == [
        ("A", "0.05000000", "0.04000000"),
        ("B", "0.04000000", "0.03000000"),
    ]
    later = trader.ok(
        "GET", "/api/v3/order/amendments", **ids, fromExecutionId=listed[1]["executionId"]
    )
    assert later == listed[1:]


@pytest.mark.parametrize(
    ("changed", "code", "text"),
    [
        ({"newQty": "0.05"}, -2038, "The requested action would change no state; rejecting"),
        ({"newQty": "0.06"}, -2038, "Order amend (quantity increase) is not supported."),
        ({"newQty": "0.0400001"}, -1013, "Filter failure: LOT_SIZE"),
        ({"newQty": "0.00002"}, -1013, "Filter failure: NOTIONAL"),
        ({"newQty": "0.04", "newClientOrderId": "OTHER"}, -2038, "Duplicate order sent."),
        ({"newQty": "0.04", "origClientOrderId": "NONE"}, -2038, "Unknown order sent."),
        ({}, -1102, "Mandatory parameter 'newQty' was not sent, was empty/null, or malformed."),
    ],
)
def test_an_amendment_that_may_not_be_leaves_the_order_as_it_is(
    trader: Trader, changed: dict[str, str], code: int, text: str
) -> None:
    trader.limit("BUY", "59000", "0.05", newClientOrderId="A")
    trader.limit("BUY", "58000", "0.01", newClientOrderId="OTHER")
    wanted = {"symbol": BTC, "origClientOrderId": "A"} | changed
    assert trader.refused("PUT", AMEND, **wanted) == (code, text)
    assert trader.find("A")["origQty"] == "0.05000000"


def test_two_ids_that_disagree_have_their_own_code(trader: Trader) -> None:
    placed = trader.limit("BUY", "59000", "0.05", newClientOrderId="A")
    both = {"orderId": placed["orderId"], "origClientOrderId": "B"}
    refused = trader.refused("PUT", AMEND, symbol=BTC, newQty="0.04", **both)
    assert refused == (-2039, "Client order ID is not correct for this order ID.")


def test_an_order_is_amended_a_limited_number_of_times(bench: Bench, trader: Trader) -> None:
    rules = bench.exchange.symbols
    rules[BTC] = replace(rules[BTC], max_amends=1)
    ids = {"symbol": BTC, "origClientOrderId": "A", "newClientOrderId": "A"}
    trader.limit("BUY", "59000", "0.05", newClientOrderId="A")
    trader.ok("PUT", AMEND, **ids, newQty="0.04")
    refused = trader.refused("PUT", AMEND, **ids, newQty="0.03")
    assert refused == (-2038, "Filter failure: MAX_NUM_ORDER_AMENDS")


def test_amending_one_leg_of_a_pair_amends_both(bench: Bench) -> None:
    trader = bench.trader(BTC="1")
    legs = {
        "aboveType": "LIMIT_MAKER",
        "abovePrice": "61000",
        "aboveClientOrderId": "T",
        "belowType": "STOP_LOSS",
        "belowStopPrice": "59000",
        "belowClientOrderId": "S",
    }
    trader.ok("POST", "/api/v3/orderList/oco", symbol=BTC, side="SELL", quantity="0.5", **legs)
    trader.events()
    answer = trader.ok(
        "PUT", AMEND, symbol=BTC, origClientOrderId="T", newQty="0.2", newClientOrderId="T2"
    )
    assert [x["clientOrderId"] for x in answer["listStatus"]["orders"]] == ["S", "T2"]
    assert trader.find("S")["origQty"] == "0.20000000"
    assert trader.balance("BTC") == ("0.80000000", "0.20000000")
    told = [(x["e"], x.get("x") or x.get("l")) for x in trader.events()]
    assert told[:3] == [
        ("executionReport", "REPLACED"),
        ("executionReport", "REPLACED"),
        ("listStatus", "UPDATED"),
    ]
    bench.print("59000", "0.1")
    assert trader.find("S")["status"] == "FILLED"
    assert trader.find("T2")["expiryReason"] == "OCO_TRIGGER"
    assert bench.conserved()


def test_the_legs_of_an_opo_are_amended_only_once_they_are_live(
    bench: Bench, trader: Trader
) -> None:
    wanted = bracket(entry="59900") | {"workingTimeInForce": "GTC"}
    trader.ok("POST", "/api/v3/orderList/opoco", **wanted)
    ids = {"symbol": BTC, "origClientOrderId": "S1"}
    refused = trader.refused("PUT", AMEND, **ids, newQty="0.05")
    assert refused == (-2038, "Order amend (pending OPO order) is not supported.")
    bench.print("59900", "1")
    trader.ok("PUT", AMEND, **ids, newQty="0.05", newClientOrderId="S1")
    assert trader.find("T1")["origQty"] == "0.05000000"
    assert trader.balance("BTC") == ("0.04990000", "0.05000000")
    bench.print("58990", "1")
    assert trader.find("S1")["status"] == "FILLED"
    assert bench.conserved()


def test_the_working_and_the_pending_order_of_an_oto_are_amended_apart(
    bench: Bench, trader: Trader
) -> None:
    wanted = bracket("otoco", entry="59900") | {"workingTimeInForce": "GTC"}
    trader.ok("POST", "/api/v3/orderList/otoco", **(wanted | {"pendingQuantity": "0.09"}))
    trader.ok("PUT", AMEND, symbol=BTC, origClientOrderId="S1", newQty="0.05")
    trader.ok("PUT", AMEND, symbol=BTC, origClientOrderId="E1", newQty="0.06")
    bench.print("59900", "1")
    assert [x["origQty"] for x in trader.ok("GET", "/api/v3/openOrders")] == ["0.05000000"] * 2
    assert trader.balance("BTC")[1] == "0.05000000"
    assert bench.conserved()


def test_the_deprecated_oco_still_works(bench: Bench) -> None:
    trader = bench.trader(BTC="1")
    answer = trader.ok(
        "POST",
        "/api/v3/order/oco",
        symbol=BTC,
        side="SELL",
        quantity="0.5",
        price="61000",
        stopPrice="59000",
        stopLimitPrice="58900",
        stopLimitTimeInForce="GTC",
    )
    kinds = {(x["type"], x["price"], x.get("stopPrice")) for x in answer["orderReports"]}
    assert kinds == {
        ("LIMIT_MAKER", "61000.00000000", None),
        ("STOP_LOSS_LIMIT", "58900.00000000", "59000.00000000"),
    }
