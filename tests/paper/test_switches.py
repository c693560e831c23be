"""Undocumented behaviour is a named switch, tested both ways."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from trading.exchange.paper.faults_desk import FaultDesk
from trading.exchange.paper.switches import Switches, named
from trading.exchange.paper.ws_api import Session

from .scripted import BTC, Bench, Trader, bracket
from .sessions import answer, signed


def switch(bench: Bench, **changed: Any) -> None:
    """Set switches of a running exchange."""
    bench.exchange.engine.switches = replace(bench.exchange.engine.switches, **changed)


def test_with_its_switch_off_the_opo_fee_always_comes_from_the_bought_coin(bench: Bench) -> None:
    switch(bench, opo_fee_from_free=False)
    holder = bench.trader(USDT="10000", BTC="0.01")

    holder.bracket(quantity="0.1")

    assert holder.find("S1")["origQty"] == "0.09990000"
    assert holder.balance("BTC") == ("0.01000000", "0.09990000")


@pytest.mark.parametrize(("binds", "code"), [(True, -1013), (False, None)])
def test_whether_the_market_lot_size_binds_a_stop_is_a_switch(
    bench: Bench, binds: bool, code: int | None
) -> None:
    switch(bench, market_lot_on_triggers=binds)
    whale = bench.trader(BTC="200")
    wanted = {"symbol": BTC, "side": "SELL", "type": "STOP_LOSS", "stopPrice": "59000"}

    response = whale.call("POST", "/api/v3/order", quantity="121", **wanted)

    assert response.json().get("code") == code


def test_a_switch_sets_the_funds_of_oto_legs_aside_at_placement(bench: Bench) -> None:
    trader = bench.trader(USDT="10000", BTC="0.05")
    switch(bench, oto_locks_legs=True)
    wanted = bracket("otoco", entry="59900") | {"workingTimeInForce": "GTC"}
    refused = trader.refused("POST", "/api/v3/orderList/otoco", **wanted)
    assert refused[0] == -2010
    assert trader.balance("USDT") == ("10000.00000000", "0.00000000")
    trader.ok("POST", "/api/v3/orderList/otoco", **(wanted | {"pendingQuantity": "0.05"}))
    assert trader.balance("BTC") == ("0.00000000", "0.05000000")
    bench.print("59900", "1")
    bench.print("59000", "1")
    assert trader.find("S1")["status"] == "FILLED"
    assert bench.conserved()


@pytest.mark.parametrize("on", [True, False])
def test_the_price_range_rule_can_be_switched_off(bench: Bench, on: bool) -> None:
    switch(bench, price_range=on)
    whale = bench.trader(USDT="1000000")
    bench.feed.set_book(BTC, "60000", "1", step="5000", n=2)
    answer = whale.order("BUY", "MARKET", quantity="2")
    assert answer["status"] == ("EXPIRED" if on else "FILLED")


@pytest.mark.parametrize("first", [True, False])
def test_a_list_is_told_of_before_or_after_its_orders(
    bench: Bench, trader: Trader, first: bool
) -> None:
    switch(bench, list_before_orders=first)
    trader.bracket()
    told = [event["e"] for event in trader.events() if event["e"] != "outboundAccountPosition"]
    orders, listed = ["executionReport"], ["listStatus"]
    placed = listed + orders * 3 if first else orders * 3 + listed
    released = listed + orders * 2 if first else orders * 2 + listed
    assert told == placed + orders + released  # between them, the entry's fill


@pytest.mark.parametrize("status", [401, 403])
def test_the_status_of_a_refused_key_over_rest_is_a_switch(
    bench: Bench, trader: Trader, status: int
) -> None:
    switch(bench, rejected_key_status=status)
    assert trader.call("GET", "/api/v3/account").status == 200
    bench.exchange.set_key(trader.key.key, revoked=1)
    assert trader.call("GET", "/api/v3/account").status == status
    session = Session(bench.exchange, bench.now_ms)
    assert answer(session, "account.status", **signed(trader))["status"] == 401  # documented


@pytest.mark.parametrize("status", [504, 408])
async def test_the_status_of_an_unknown_outcome_is_a_switch(
    bench: Bench, trader: Trader, status: int
) -> None:
    switch(bench, unknown_status=status)
    desk = FaultDesk(
        bench.exchange, deliver=lambda e: None, forget=lambda a: None, revoke=lambda a: None
    )
    for code in (-1006, -1007):
        desk.arm(f"unknown:code={code}")
        session = Session(bench.exchange, bench.now_ms)
        frame = json.dumps({"id": 1, "method": "account.status", "params": signed(trader)})

        async def run(text: str = frame, session: Session = session) -> dict[str, Any]:
            return session.answer(text)

        refusals: list[tuple[int, int]] = []

        def told_of(status: int, code: int, refusals: list[Any] = refusals) -> None:
            refusals.append((status, code))

        said = await desk.wire.frame(frame, None, run, abort=fail, refused=told_of)
        told = json.loads(said or "")
        assert (told["status"], told["error"]["code"]) == (status, code)
        assert refusals == [(status, code)]


def fail() -> None:
    raise AssertionError("nothing is broken off here")


def test_switches_are_set_by_name() -> None:
    made = named(["oto_locks_legs=on", "price_range=off", "unknown_status=500", "ws_messages=5"])
    assert made == replace(
        Switches(), oto_locks_legs=True, price_range=False, unknown_status=500, ws_messages=5
    )
    assert named([]) == Switches()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bogus=on", "no switch 'bogus'. Choose from market_lot_on_triggers, "),
        ("price_range", "price_range is on or off"),
        ("price_range=1", "price_range is on or off"),
        ("unknown_status=200", "a whole number from 400 to 599"),
        ("unknown_status=٥٠٤", "a whole number from 400 to 599"),
        ("ws_messages=-1", "a whole number from 0 to"),
        ("ws_messages=5.5", "a whole number from 0 to"),
    ],
)
def test_a_switch_that_is_none_is_refused_with_the_way_out(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        named([text])


def test_every_switch_is_documented_with_its_default() -> None:
    page = (Path(__file__).parents[2] / "docs" / "paper-exchange.md").read_text()
    for one in fields(Switches):
        default = one.default
        if isinstance(default, bool):
            default = "on" if default else "off"
        assert f"| `{one.name}` | {default} |" in page, one.name
