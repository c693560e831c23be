"""Trailing stops: they trigger where Binance's own scenarios say (faqs/trailing-stop-faq.md)."""

from __future__ import annotations

from typing import Any

import pytest

from trading.exchange.paper.store import Store
from trading.exchange.paper.values import to_e8

from .scripted import BTC, Bench, ScriptedFeed, set_rules

SCENARIOS = [
    # A: stop loss limit, buy: ignores the fall, starts at 44000, follows down to 42000, 5 %
    (
        "BUY",
        "STOP_LOSS_LIMIT",
        "44000",
        500,
        "45000",
        ["37000", "44000", "46000", "42000"],
        "44100",
    ),
    # B: stop loss limit, sell
    (
        "SELL",
        "STOP_LOSS_LIMIT",
        "39000",
        1000,
        "38000",
        ["41500", "39000", "37000", "41000"],
        "36900",
    ),
    # C: take profit limit, buy
    (
        "BUY",
        "TAKE_PROFIT_LIMIT",
        "38000",
        850,
        "38500",
        ["42000", "38000", "37000", "39000"],
        "40145",
    ),
    # D: take profit limit, sell
    (
        "SELL",
        "TAKE_PROFIT_LIMIT",
        "42000",
        750,
        "41000",
        ["39000", "45000", "44000", "46500"],
        "43012.5",
    ),
    # E: no stop price
    ("SELL", "STOP_LOSS_LIMIT", None, 700, "39000", ["42000", "39500", "45500"], "42315"),
]


@pytest.mark.parametrize(("side", "kind", "stop", "delta", "price", "path", "last"), SCENARIOS)
def test_a_trailing_order_triggers_where_binances_own_scenario_says(
    side: str, kind: str, stop: str | None, delta: int, price: str, path: list[str], last: str
) -> None:
    bench = Bench(feed=ScriptedFeed({BTC: "40000"}))
    set_rules(bench, price_range=False)
    trader = bench.trader(USDT="60000", BTC="1")
    wanted = {"trailingDelta": delta, "price": price, "timeInForce": "GTC", "quantity": "0.1"}
    if stop:
        wanted["stopPrice"] = stop
    trader.order(side, kind, newClientOrderId="A", **wanted)
    tracking = stop is None
    for step in path:
        bench.print(step, "0.00001")
        order = trader.find("A")
        assert order["isWorking"] is False, step
        tracking = tracking or order["trailingTime"] > 0
    assert tracking
    nearly = to_e8(last) + (to_e8("0.01") if side == "SELL" else -to_e8("0.01"))
    bench.print(f"{nearly / 10**8:.2f}", "0.00001")
    assert trader.find("A")["isWorking"] is False
    bench.print(last, "0.00001")
    assert trader.find("A")["isWorking"] is True
    assert bench.conserved()


def test_a_trailing_order_survives_a_restart_with_what_it_has_seen(tmp_path: Any) -> None:
    bench = Bench(Store(tmp_path / "state.sqlite3"))
    trader = bench.trader(BTC="1")
    trader.order("SELL", "STOP_LOSS", quantity="0.1", trailingDelta=100, newClientOrderId="A")
    bench.print("61000", "0.00001")
    bench.exchange.close()
    again = Bench(Store(tmp_path / "state.sqlite3"), bench.feed)
    again.now_ms = bench.now_ms
    trader.bench = again
    again.print("60391", "0.00001")
    assert trader.find("A")["status"] == "NEW"
    again.print("60390", "0.00001")
    assert trader.find("A")["status"] == "FILLED"


def test_a_trailing_stop_in_a_pair_expires_the_target(bench: Bench) -> None:
    trader = bench.trader(BTC="1")
    trader.ok(
        "POST",
        "/api/v3/orderList/oco",
        symbol=BTC,
        side="SELL",
        quantity="0.5",
        aboveType="LIMIT_MAKER",
        abovePrice="62000",
        aboveClientOrderId="T",
        belowType="STOP_LOSS",
        belowTrailingDelta=100,
        belowClientOrderId="S",
    )
    bench.print("61000", "0.00001", buyer_is_maker=False)
    bench.print("60390", "0.00001")
    assert trader.find("S")["status"] == "FILLED"
    assert trader.find("T")["expiryReason"] == "OCO_TRIGGER"
    assert bench.conserved()


@pytest.mark.parametrize("delta", ["9", "2001"])
def test_a_trailing_delta_out_of_range_is_refused(bench: Bench, delta: str) -> None:
    refused = bench.trader(BTC="1").refused(
        "POST",
        "/api/v3/order",
        symbol=BTC,
        side="SELL",
        type="STOP_LOSS",
        quantity="0.1",
        trailingDelta=delta,
    )
    assert refused == (-1013, "Filter failure: TRAILING_DELTA")
