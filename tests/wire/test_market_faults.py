"""Faults of the exchange itself: its clock, its rules, and what becomes of orders."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.wire.conftest import BTC, Faulty


def _info(faulty: Faulty) -> dict[str, Any]:
    reply = faulty.host.rest("GET", "/api/v3/exchangeInfo", {"symbol": BTC})
    return reply.json()["symbols"][0]


def _filter(faulty: Faulty, name: str) -> dict[str, Any]:
    return next(one for one in _info(faulty)["filters"] if one["filterType"] == name)


@pytest.mark.parametrize(("ms", "said"), [(6000, "outside of the recvWindow"), (-2000, "ahead of")])
def test_the_servers_clock_is_off_until_the_client_asks_it(
    faulty: Faulty, ms: int, said: str
) -> None:
    faulty.host.offset_ms = -5000 if ms > 0 else 0  # with the 10 s window: too old at +6 s
    faulty.arm(f"clock-skew:ms={ms}", everyone=True)
    reply = faulty.get("account")
    assert (reply.status_code, reply.json()["code"]) == (400, -1021)
    assert said in reply.json()["msg"]
    server = faulty.host.rest("GET", "/api/v3/time").json()["serverTime"]
    assert abs(server - time.time_ns() // 1_000_000 - ms) < 900
    faulty.host.learn_time()
    assert faulty.get("account").status_code == 200
    faulty.disarm()
    faulty.host.learn_time()
    assert faulty.get("account").status_code == 200


def test_the_tick_changes_in_mid_flight_and_back(faulty: Faulty) -> None:
    faulty.arm(f"filters:symbol={BTC},tick=10,step=0.01", everyone=True)
    assert float(_filter(faulty, "PRICE_FILTER")["tickSize"]) == 10
    price = f"{faulty.last * 0.9 // 10 * 10 + 1:.2f}"
    refused = faulty.place("off", price=price)
    assert refused.json() == {"code": -1013, "msg": "Filter failure: PRICE_FILTER"}
    on = f"{faulty.last * 0.9 // 10 * 10:.2f}"
    assert faulty.place("on", price=on).status_code == 200
    small = faulty.place("small", price=on, quantity="0.015")
    assert small.json()["msg"] == "Filter failure: LOT_SIZE"
    faulty.disarm()
    assert faulty.place("off", price=price).status_code == 200


@pytest.mark.parametrize("status", ["HALT", "BREAK", "CANCEL_ONLY"])
def test_a_symbol_stops_trading_and_orders_can_still_be_cancelled(
    faulty: Faulty, status: str
) -> None:
    faulty.place("resting")
    faulty.arm(f"symbol-status:symbol={BTC},status={status}", everyone=True)
    assert _info(faulty)["status"] == status
    refused = faulty.place("new")
    assert refused.json()["code"] in (-1013, -2010)
    assert "Market is closed" in refused.json()["msg"]
    query = {"symbol": BTC, "origClientOrderId": "resting"}
    cancelled = faulty.host.rest("DELETE", "/api/v3/order", query, signed=True)
    assert cancelled.json()["status"] == "CANCELED"
    faulty.disarm()
    assert faulty.place("new").status_code == 200


def _bracket(faulty: Faulty) -> dict[str, Any]:
    last = faulty.last
    return {
        "symbol": BTC, "listClientOrderId": "L", "workingType": "LIMIT", "workingSide": "BUY",
        "workingClientOrderId": "E", "workingPrice": f"{last * 1.01:.2f}",
        "workingQuantity": "0.01", "workingTimeInForce": "GTC", "pendingSide": "SELL",
        "pendingAboveType": "TAKE_PROFIT", "pendingAboveStopPrice": f"{last * 1.1:.2f}",
        "pendingAboveClientOrderId": "T", "pendingBelowType": "STOP_LOSS",
        "pendingBelowStopPrice": f"{last * 0.9:.2f}", "pendingBelowClientOrderId": "S",
    }  # fmt: skip


def _state(faulty: Faulty, name: str) -> dict[str, Any]:
    return faulty.get("order", symbol=BTC, origClientOrderId=name).json()


def test_the_legs_are_rejected_at_their_release_and_the_position_is_naked(faulty: Faulty) -> None:
    faulty.arm("reject-legs")
    placed = faulty.host.rest("POST", "/api/v3/orderList/opoco", _bracket(faulty), signed=True)
    assert placed.status_code == 200, placed.text
    assert _state(faulty, "E")["status"] == "FILLED"
    for leg in ("S", "T"):
        assert (_state(faulty, leg)["status"], _state(faulty, leg)["expiryReason"]) == (
            "EXPIRED",
            "REJECTED",
        )
    assert faulty.struck[-1] == "reject-legs"


def test_an_entry_fills_in_part_and_then_never_again(faulty: Faulty) -> None:
    faulty.arm("partial-entry:fraction=0.4")
    bracket = _bracket(faulty)
    faulty.host.rest("POST", "/api/v3/orderList/opoco", bracket, signed=True)
    entry = _state(faulty, "E")
    assert (entry["status"], entry["executedQty"]) == ("PARTIALLY_FILLED", "0.00400000")
    low = float(bracket["workingPrice"]) * 0.985  # the market trades far below its price
    faulty.process.admin("move", symbol=BTC, price=f"{low:.2f}", over_ms=200)
    while faulty.last > low * 1.002:
        time.sleep(0.05)
    time.sleep(0.3)  # several ticks more: nothing may come of them
    assert _state(faulty, "E")["executedQty"] == "0.00400000"
    assert _state(faulty, "S")["status"] == "PENDING_NEW"
    query = {"symbol": BTC, "orderId": entry["orderId"]}
    assert faulty.host.rest("DELETE", "/api/v3/order", query, signed=True).status_code == 200
    assert _state(faulty, "E")["status"] == "CANCELED"


def test_a_resting_maker_gets_a_part_when_the_market_comes_and_then_never_more(
    faulty: Faulty,
) -> None:
    faulty.arm("partial-entry:fraction=0.4")
    bracket = _bracket(faulty)
    resting = f"{float(bracket['workingPrice']) * 0.99:.2f}"
    bracket |= {"workingType": "LIMIT_MAKER", "workingPrice": resting}
    del bracket["workingTimeInForce"]
    placed = faulty.host.rest("POST", "/api/v3/orderList/opoco", bracket, signed=True)
    assert placed.status_code == 200, placed.text
    assert _state(faulty, "E")["executedQty"] == "0.00000000"
    low = float(resting) * 0.995
    faulty.process.admin("move", symbol=BTC, price=f"{low:.2f}", over_ms=200)
    while faulty.last > low * 1.002:
        time.sleep(0.05)
    entry = _state(faulty, "E")
    assert (entry["status"], entry["executedQty"]) == ("PARTIALLY_FILLED", "0.00400000")
    assert _state(faulty, "S")["status"] == "PENDING_NEW"
    query = {"symbol": BTC, "orderId": entry["orderId"]}
    assert faulty.host.rest("DELETE", "/api/v3/order", query, signed=True).status_code == 200
    assert _state(faulty, "E")["status"] == "CANCELED"


def test_a_market_order_meets_a_thin_book(faulty: Faulty) -> None:
    faulty.arm("thin-book:fraction=0.5")
    sold = faulty.place("thin", type="MARKET", side="SELL", price=None, timeInForce=None)
    assert (sold.json()["status"], sold.json()["executedQty"]) == ("EXPIRED", "0.00500000")


def test_a_fault_ends_by_itself_when_its_time_is_over(faulty: Faulty) -> None:
    faulty.arm(f"symbol-status:symbol={BTC},status=HALT,for=1", everyone=True)
    assert _info(faulty)["status"] == "HALT"
    started = time.monotonic()
    while _info(faulty)["status"] == "HALT":
        assert time.monotonic() - started < 5
        time.sleep(0.05)
    assert faulty.process.admin("faults")["armed"] == []


def test_everything_starts_anew(faulty: Faulty) -> None:
    faulty.place("gone")
    faulty.arm("reset:usdt=500")
    assert faulty.open_names() == []
    held = faulty.get("account", omitZeroBalances="true").json()["balances"]
    assert held == [{"asset": "USDT", "free": "500.00000000", "locked": "0.00000000"}]
