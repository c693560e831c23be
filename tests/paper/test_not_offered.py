"""What is not offered is refused as Binance refuses it, on every path: pegs, STP modes, lists."""

from __future__ import annotations

from typing import Any

import pytest

from trading.exchange.paper.orders import STP_MODES

from .scripted import BTC, Bench, Trader, bracket, set_rules
from .sessions import answer, logged_on

ORDER = {
    "symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "59000",
    "quantity": "0.01",
}  # fmt: skip
PAIR = {
    "symbol": BTC, "side": "SELL", "quantity": "0.05", "aboveType": "LIMIT_MAKER",
    "abovePrice": "62000", "belowType": "STOP_LOSS_LIMIT", "belowStopPrice": "59000",
    "belowPrice": "58900", "belowTimeInForce": "GTC",
}  # fmt: skip
LIMIT_LEG = {
    "pendingType": "LIMIT", "pendingPrice": "62000", "pendingTimeInForce": "GTC",
    "pendingSide": "SELL",
}  # fmt: skip
WORKING = {name: value for name, value in bracket().items() if not name.startswith("pending")}
REPLACE = {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrigClientOrderId": "resting"}
# (REST path, WS API method, a request that would be accepted, the prefixes of its orders)
PATHS: list[tuple[str, str, dict[str, str], tuple[str, ...]]] = [
    ("order", "order.place", ORDER, ("",)),
    ("order/test", "order.test", ORDER, ("",)),
    ("order/cancelReplace", "order.cancelReplace", ORDER | REPLACE, ("",)),
    ("orderList/oco", "orderList.place.oco", PAIR, ("above", "below")),
    (
        "orderList/oto",
        "orderList.place.oto",
        WORKING | LIMIT_LEG | {"pendingQuantity": "0.01"},
        ("working", "pending"),
    ),
    (
        "orderList/otoco",
        "orderList.place.otoco",
        bracket("otoco", quantity="0.01"),
        ("working", "pendingAbove", "pendingBelow"),
    ),
    ("orderList/opo", "orderList.place.opo", WORKING | LIMIT_LEG, ("working", "pending")),
    (
        "orderList/opoco",
        "orderList.place.opoco",
        bracket("opoco", quantity="0.01"),
        ("working", "pendingAbove", "pendingBelow"),
    ),
]  # fmt: skip
EVERY_ORDER = [(*one[:3], prefix) for one in PATHS for prefix in one[3]]
NO_PEGS = {"code": -2010, "msg": "Pegged orders are not supported for this symbol."}
NO_SUCH_MODE = {
    "code": -1013,
    "msg": "This symbol does not allow the specified self-trade prevention mode.",
}


@pytest.fixture
def holder(bench: Bench) -> Trader:
    """Money, coins, and an order to replace."""
    trader = bench.trader(USDT="10000", BTC="0.1")
    trader.limit("BUY", "58000", "0.01", newClientOrderId="resting")
    return trader


def refusals(bench: Bench, trader: Trader, path: str, method: str, wanted: Any) -> list[Any]:
    """The refusals of one request over REST and over the WS API; nothing may have happened."""
    before = trader.ok("GET", "/api/v3/allOrders", symbol=BTC)
    rest = trader.call("POST", f"/api/v3/{path}", **wanted)
    frame = answer(logged_on(bench, trader), method, timestamp=bench.now_ms, **wanted)
    assert trader.ok("GET", "/api/v3/allOrders", symbol=BTC) == before
    assert (rest.status, frame["status"]) == (400, 400)
    return [rest.json(), frame["error"]]


def named(prefix: str, name: str) -> str:
    return prefix + name if prefix else name[0].lower() + name[1:]


def test_no_symbol_says_that_it_takes_pegs(bench: Bench) -> None:
    info = bench.exchange.handle("GET", "/api/v3/exchangeInfo", "", "", {}, bench.now_ms).json()
    assert {one["pegInstructionsAllowed"] for one in info["symbols"]} == {False}


@pytest.mark.parametrize(("path", "method", "wanted", "prefix"), EVERY_ORDER)
def test_a_pegged_order_is_refused_on_every_path(
    bench: Bench, holder: Trader, path: str, method: str, wanted: dict[str, str], prefix: str
) -> None:
    peg = {named(prefix, "PegPriceType"): "PRIMARY_PEG"}
    assert refusals(bench, holder, path, method, wanted | peg) == [NO_PEGS] * 2
    peg |= {named(prefix, "PegOffsetType"): "PRICE_LEVEL", named(prefix, "PegOffsetValue"): "3"}
    assert refusals(bench, holder, path, method, wanted | peg) == [NO_PEGS] * 2


def test_a_peg_stands_in_for_the_price_and_is_refused_all_the_same(holder: Trader) -> None:
    wanted = {name: value for name, value in ORDER.items() if name != "price"}
    refused = holder.refused("POST", "/api/v3/order", pegPriceType="MARKET_PEG", **wanted)
    assert refused == (-2010, NO_PEGS["msg"])


@pytest.mark.parametrize(
    ("peg", "code"),
    [
        ({"pegPriceType": "BEST"}, -1130),
        ({"pegOffsetType": "PRICE_LEVEL"}, -1128),
        ({"pegPriceType": "PRIMARY_PEG", "pegOffsetValue": "1"}, -1128),
        ({"pegPriceType": "PRIMARY_PEG", "pegOffsetType": "TICKS", "pegOffsetValue": "1"}, -1130),
        (
            {"pegPriceType": "PRIMARY_PEG", "pegOffsetType": "PRICE_LEVEL", "pegOffsetValue": "x"},
            -1100,
        ),
        (
            {
                "pegPriceType": "PRIMARY_PEG",
                "pegOffsetType": "PRICE_LEVEL",
                "pegOffsetValue": "101",
            },
            -1130,
        ),
    ],
)
def test_a_peg_that_is_none_is_refused_for_that(
    holder: Trader, peg: dict[str, str], code: int
) -> None:
    assert holder.refused("POST", "/api/v3/order", **(ORDER | peg))[0] == code


@pytest.mark.parametrize(("path", "method", "wanted", "prefixes"), PATHS)
def test_a_prevention_mode_the_symbol_does_not_list_is_refused_on_every_path(
    bench: Bench,
    holder: Trader,
    path: str,
    method: str,
    wanted: dict[str, str],
    prefixes: tuple[str, ...],
) -> None:
    info = bench.exchange.handle("GET", "/api/v3/exchangeInfo", "", "", {}, bench.now_ms).json()
    assert info["symbols"][0]["allowedSelfTradePreventionModes"] == list(STP_MODES)
    set_rules(bench, stp_modes=("NONE",))
    for mode in ("DECREMENT", "TRANSFER"):
        asked = wanted | {"selfTradePreventionMode": mode}
        assert refusals(bench, holder, path, method, asked) == [NO_SUCH_MODE] * 2
    unknown = wanted | {"selfTradePreventionMode": "EXPIRE_ALL"}
    assert {one["code"] for one in refusals(bench, holder, path, method, unknown)} == {-1130}


@pytest.mark.parametrize(
    ("rules", "kinds", "text"),
    [
        ({"oco": False}, ("oco", "otoco", "opoco"), "OCO orders are not supported for this symbol"),
        (
            {"oto": False},
            ("oto", "otoco", "opo", "opoco"),
            "OTO orders are not supported for this symbol.",
        ),
        ({"opo": False}, ("opo", "opoco"), "OPO orders are not supported for this symbol."),
    ],
)
def test_a_list_the_symbol_does_not_offer_is_refused(
    bench: Bench, holder: Trader, rules: dict[str, bool], kinds: tuple[str, ...], text: str
) -> None:
    set_rules(bench, **rules)
    for path, method, wanted, _ in PATHS:
        kind = path.rpartition("/")[2]
        if kind in kinds:
            refused = refusals(bench, holder, path, method, wanted)
            assert refused == [{"code": -2010, "msg": text}] * 2
        else:
            assert text not in str(holder.call("POST", f"/api/v3/{path}", **wanted).json())
