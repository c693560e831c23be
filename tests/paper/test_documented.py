"""Single sentences of Binance's documentation, each held against the paper exchange.

Sources: binance-spot-api-docs, rest-api.md, CHANGELOG.md (2026). Filters, liquidity and the table
of faults are in test_documented_engine.py.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.feed.market import NOON, ask, market
from tests.paper.scripted import BTC, Bench, Trader
from trading.exchange.paper.values import to_e8


def weight(trader: Trader, method: str, path: str, **params: Any) -> int:
    """What a request adds to the used weight of its address."""
    limits, bench = trader.bench.exchange.limits, trader.bench
    before = limits.used_weight("127.0.0.1", bench.now_ms)
    trader.call(method, path, **params)
    return limits.used_weight("127.0.0.1", bench.now_ms) - before


# -- general information --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["allOrders", "myTrades", "myAllocations", "allOrderList"]
)  # "Timestamp parameters … can be passed in milliseconds or microseconds"
def test_a_time_window_may_be_sent_in_microseconds(trader: Trader, path: str) -> None:
    trader.bracket("opoco")
    named = {} if path == "allOrderList" else {"symbol": BTC}
    now = trader.bench.now_ms
    window = {"startTime": now - 60_000, "endTime": now + 60_000}
    in_ms = trader.ok("GET", f"/api/v3/{path}", **named, **window)
    micros = {name: value * 1000 for name, value in window.items()}
    assert trader.ok("GET", f"/api/v3/{path}", **named, **micros) == in_ms
    assert in_ms or path == "myAllocations"
    early = {"startTime": (now - 60_000) * 1000, "endTime": (now - 1) * 1000}
    assert trader.ok("GET", f"/api/v3/{path}", **named, **early) == []


@pytest.mark.parametrize(
    ("path", "more"),
    [("klines", {"interval": "1m"}), ("uiKlines", {"interval": "1m"}), ("aggTrades", {})],
)
def test_market_data_of_a_window_in_microseconds(path: str, more: dict[str, str]) -> None:
    window = {"startTime": NOON - 600_000, "endTime": NOON}
    micros = {name: value * 1000 for name, value in window.items()}
    told = ask(market(), path, symbol=BTC, **more, **window)
    assert told
    assert ask(market(), path, symbol=BTC, **more, **micros) == told


def test_a_window_in_microseconds_is_bound_to_24_hours_as_well(trader: Trader) -> None:
    now = trader.bench.now_ms
    day = {"startTime": (now - 86_400_000) * 1000, "endTime": now * 1000}
    assert trader.ok("GET", "/api/v3/allOrders", symbol=BTC, **day) == []
    day["startTime"] -= 1000  # one millisecond more
    code, _ = trader.refused("GET", "/api/v3/allOrders", symbol=BTC, **day)
    assert code == -1127


@pytest.mark.parametrize("sent", ["abc", "-1", "1.5"])
def test_a_timestamp_that_is_no_number_is_told_its_legal_range(trader: Trader, sent: str) -> None:
    code, text = trader.refused("GET", "/api/v3/account", timestamp=sent)
    assert code == -1100
    assert text.endswith("parameter 'timestamp'; legal range is '^[0-9]{1,20}$'.")


# -- weights: CHANGELOG 2026-03-27 and 2026-04-02 -------------------------------------------------


def test_cancelling_weighs_nothing_when_it_succeeds_and_one_when_it_fails(trader: Trader) -> None:
    placed = trader.limit("BUY", "59000", "0.01")
    one = {"symbol": BTC, "orderId": placed["orderId"]}
    assert weight(trader, "DELETE", "/api/v3/order", **one) == 0
    assert weight(trader, "DELETE", "/api/v3/order", **one) == 1
    trader.limit("BUY", "59000", "0.01")
    assert weight(trader, "DELETE", "/api/v3/openOrders", symbol=BTC) == 0
    assert weight(trader, "DELETE", "/api/v3/openOrders", symbol=BTC) == 1
    listed = {"symbol": BTC, "orderListId": trader.bracket()["orderListId"]}
    assert weight(trader, "DELETE", "/api/v3/orderList", **listed) == 0
    assert weight(trader, "DELETE", "/api/v3/orderList", **listed) == 1


def test_an_amended_order_that_stays_open_and_a_test_order_keep_their_weight(
    trader: Trader,
) -> None:
    wanted = {
        "symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
        "price": "59000", "quantity": "0.02",
    }  # fmt: skip
    assert weight(trader, "POST", "/api/v3/order/test", **wanted) == 1
    rated = wanted | {"computeCommissionRates": "true"}
    assert weight(trader, "POST", "/api/v3/order/test", **rated) == 20
    placed = trader.ok("POST", "/api/v3/order", **wanted)
    amend = {"symbol": BTC, "orderId": placed["orderId"], "newQty": "0.01"}
    assert weight(trader, "PUT", "/api/v3/order/amend/keepPriority", **amend) == 4


# -- order lists ----------------------------------------------------------------------------------


def test_a_list_named_twice_is_cancelled_only_where_both_names_agree(trader: Trader) -> None:
    number = trader.bracket()["orderListId"]
    wrong = {"symbol": BTC, "orderListId": number, "listClientOrderId": "another"}
    code, text = trader.refused("DELETE", "/api/v3/orderList", **wrong)
    assert (code, text) == (-2011, "Unknown order list sent.")
    assert len(trader.ok("GET", "/api/v3/openOrderList")) == 1
    ended = trader.ok("DELETE", "/api/v3/orderList", **wrong | {"listClientOrderId": "L1"})
    assert ended["listOrderStatus"] == "ALL_DONE"


def test_a_list_asked_for_by_two_names_that_disagree_does_not_exist(trader: Trader) -> None:
    number = trader.bracket()["orderListId"]
    both = {"orderListId": number, "origClientOrderId": "L1"}
    assert trader.ok("GET", "/api/v3/orderList", **both)["listClientOrderId"] == "L1"
    code, _ = trader.refused("GET", "/api/v3/orderList", **both | {"orderListId": number + 1})
    assert code == -2018


@pytest.mark.parametrize("time", ["startTime", "endTime"])
def test_all_lists_are_asked_for_by_id_or_by_time_but_not_by_both(
    trader: Trader, time: str
) -> None:
    params = {"fromId": 0, time: trader.bench.now_ms}
    code, text = trader.refused("GET", "/api/v3/allOrderList", **params)
    assert (code, text) == (-1128, "Combination of optional parameters invalid.")


@pytest.mark.parametrize("kind", ["oco", "otoco", "opoco", "old"])
def test_the_stop_is_numbered_and_told_before_its_sibling(trader: Trader, kind: str) -> None:
    """As in every example of rest-api.md, whichever side it is on."""
    if kind in ("oco", "old"):
        trader.order("BUY", "MARKET", quantity="0.1")
        pair = {"symbol": BTC, "side": "SELL", "quantity": "0.05"}
        new = {"aboveType": "LIMIT_MAKER", "abovePrice": "62000"}
        new |= {"belowType": "STOP_LOSS", "belowStopPrice": "59000"}
        old = {"price": "62000", "stopPrice": "59000"}
        path, rest = ("order/oco", old) if kind == "old" else ("orderList/oco", new)
        placed = trader.ok("POST", f"/api/v3/{path}", **pair, **rest)
    else:
        placed = trader.bracket(kind)
    legs = placed["orderReports"][-2:]
    assert [leg["type"] == "STOP_LOSS" for leg in legs] == [True, False]
    assert legs[0]["orderId"] < legs[1]["orderId"]
    named = [leg["orderId"] for leg in placed["orders"]]
    assert named == [leg["orderId"] for leg in placed["orderReports"]]


# -- the wallet -----------------------------------------------------------------------------------


def test_deposits_and_withdrawals_are_sifted_as_asked(bench: Bench, trader: Trader) -> None:
    bench.exchange.deposit(trader.account.id, "BTC", to_e8("1"))
    bench.exchange.deposit(trader.account.id, "BTC", -to_e8("0.4"))
    came = trader.ok("GET", "/sapi/v1/capital/deposit/hisrec", coin="BTC")
    assert [one["amount"] for one in came] == ["1.00000000"]
    for found, sift in (
        (1, {"status": 1}),
        (0, {"status": 0}),
        (1, {"txId": came[0]["txId"]}),
        (0, {"txId": "another"}),
        (0, {"offset": 1}),
    ):
        path = "/sapi/v1/capital/deposit/hisrec"
        assert len(trader.ok("GET", path, coin="BTC", **sift)) == found, sift
    (went,) = trader.ok("GET", "/sapi/v1/capital/withdraw/history")
    assert went["amount"] == "0.40000000"
    for found, sift in (
        (1, {"status": 6}),
        (0, {"status": 4}),
        (1, {"idList": f"x,{went['id']}"}),
        (0, {"idList": "x"}),
        (0, {"withdrawOrderId": "mine"}),
    ):
        path = "/sapi/v1/capital/withdraw/history"
        assert len(trader.ok("GET", path, **sift)) == found, sift


def test_the_wallets_histories_look_back_90_days_at_once(trader: Trader) -> None:
    now, day = trader.bench.now_ms, 86_400_000
    for path in ("deposit/hisrec", "withdraw/history"):
        window = {"startTime": now - 90 * day, "endTime": now}
        trader.ok("GET", f"/sapi/v1/capital/{path}", **window)
        window["startTime"] -= 1
        refused = trader.refused("GET", f"/sapi/v1/capital/{path}", **window)
        assert refused == (-4047, "Time interval must be within 0-90 days")


# -- exchange information -------------------------------------------------------------------------


def test_a_symbol_named_twice_in_a_list_is_refused(trader: Trader) -> None:
    for path in ("exchangeInfo", "executionRules"):
        refused = trader.refused("GET", f"/api/v3/{path}", symbols='["BTCUSDT","BTCUSDT"]')
        assert refused == (-1151, "Symbol is present multiple times in the list.")


def test_permission_sets_are_left_out_on_demand_and_nothing_else_is_understood(
    trader: Trader,
) -> None:
    def sets(**params: str) -> Any:
        (symbol,) = trader.ok("GET", "/api/v3/exchangeInfo", symbol=BTC, **params)["symbols"]
        return symbol["permissionSets"]

    assert sets() == sets(showPermissionSets="true") == [["SPOT"]]
    assert sets(showPermissionSets="false") == []
    code, _ = trader.refused("GET", "/api/v3/exchangeInfo", showPermissionSets="perhaps")
    assert code == -1130


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "historicalBlockTrades"), ("POST", "sor/order")]
)
def test_what_is_not_offered_says_so(trader: Trader, method: str, path: str) -> None:
    refused = trader.refused(method, f"/api/v3/{path}", symbol=BTC)
    assert refused == (-1020, "This operation is not supported.")


def test_an_account_without_trading_neither_places_nor_cancels(
    bench: Bench, trader: Trader
) -> None:
    """errors.md: the same words with -2010 for an order and with -2011 for a cancel."""
    one = {"symbol": BTC, "orderId": trader.limit("BUY", "59000", "0.01")["orderId"]}
    bench.exchange.set_account(trader.account.id, frozen=True)
    text = "This account may not place or cancel orders."
    assert trader.refused("DELETE", "/api/v3/order", **one) == (-2011, text)
    assert trader.refused("DELETE", "/api/v3/openOrders", symbol=BTC) == (-2011, text)
    assert trader.refused("POST", "/api/v3/order", symbol=BTC) == (-2010, text)
    assert trader.ok("GET", "/api/v3/order", **one)["status"] == "NEW"
    assert trader.ok("GET", "/api/v3/account")["canTrade"] is False


def test_allocations_are_asked_for_by_number_or_by_time_but_not_by_both(trader: Trader) -> None:
    path, now = "/api/v3/myAllocations", trader.bench.now_ms
    for alone in ({}, {"orderId": 1, "fromAllocationId": 1}, {"startTime": now}):
        assert trader.ok("GET", path, symbol=BTC, **alone) == []
    for both in ({"orderId": 1, "startTime": now}, {"fromAllocationId": 1, "endTime": now}):
        assert trader.refused("GET", path, symbol=BTC, **both)[0] == -1128
