"""Whatever traders and the market do: money is conserved, and the same story is told again."""

import json
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.paper.scripted import BTC, ETH, START_MS, Bench, ScriptedFeed, Trader, bracket
from trading.exchange.paper.store import Store
from trading.exchange.paper.synthetic import SyntheticFeed

PRICES = st.integers(58_000, 62_500).map(str)
AMOUNTS = st.integers(1, 30_000).map(lambda steps: f"{steps / 100_000:.5f}")
SIDES = st.sampled_from(["BUY", "SELL"])
ACTIONS = st.one_of(
    st.tuples(st.just("market"), SIDES, AMOUNTS),
    st.tuples(st.just("limit"), SIDES, AMOUNTS, PRICES, st.sampled_from(["GTC", "IOC", "FOK"])),
    st.tuples(
        st.just("waiting"), SIDES, AMOUNTS, PRICES, st.sampled_from(["STOP_LOSS", "TAKE_PROFIT"])
    ),
    st.tuples(
        st.just("list"),
        st.sampled_from(["oco", "oto", "otoco", "opo", "opoco"]),
        SIDES,
        AMOUNTS,
        PRICES,
        st.sampled_from(["GTC", "IOC", "FOK"]),
        st.booleans(),
    ),
    st.tuples(st.just("cancel"), st.integers(0, 20)),
    st.tuples(st.just("print"), PRICES, AMOUNTS),
    st.tuples(st.just("book"), PRICES, AMOUNTS),
)


def _act(bench: Bench, trader: Trader, action: tuple[Any, ...]) -> None:
    match action:
        case ("market", side, quantity):
            _post(trader, "order", side=side, type="MARKET", quantity=quantity)
        case ("limit", side, quantity, price, in_force):
            wanted = {"price": price, "quantity": quantity, "timeInForce": in_force}
            _post(trader, "order", side=side, type="LIMIT", **wanted)
        case ("waiting", side, quantity, price, kind):
            _post(trader, "order", side=side, type=kind, quantity=quantity, stopPrice=price)
        case ("list", kind, side, quantity, price, in_force, maker):
            _post(
                trader, f"orderList/{kind}", **_list(kind, side, quantity, price, in_force, maker)
            )
        case ("cancel", number):
            trader.call("DELETE", "/api/v3/order", symbol=BTC, orderId=number)
        case ("print", price, quantity):
            bench.print(price, quantity)
        case ("book", price, quantity):
            bench.feed.set_book(BTC, price, quantity)


def _post(trader: Trader, path: str, **wanted: str) -> None:
    response = trader.call("POST", f"/api/v3/{path}", symbol=BTC, **wanted)
    assert response.status in (200, 400), response.body


def _list(kind: str, side: str, quantity: str, price: str, in_force: str, maker: bool) -> Any:
    if kind == "oco":
        target, stop = ("above", "below") if side == "SELL" else ("below", "above")
        low, high = str(int(price) - 900), str(int(price) + 900)
        wanted = {"side": side, "quantity": quantity}
        wanted |= {f"{stop}Type": "STOP_LOSS", f"{stop}StopPrice": low if stop == "below" else high}
        if maker:
            return wanted | {
                f"{target}Type": "LIMIT_MAKER",
                f"{target}Price": high if target == "above" else low,
            }
        return wanted | {
            f"{target}Type": "TAKE_PROFIT",
            f"{target}StopPrice": high if target == "above" else low,
        }
    wanted = {
        name: value
        for name, value in bracket(kind, entry=price, quantity=quantity).items()
        if "ClientOrderId" not in name and name != "symbol"
    }
    wanted["workingTimeInForce"] = in_force
    if kind in ("oto", "opo"):
        wanted = {name: v for name, v in wanted.items() if not name.startswith("pendingA")}
        wanted = {name: v for name, v in wanted.items() if not name.startswith("pendingB")}
        wanted |= {"pendingType": "LIMIT", "pendingPrice": "61000", "pendingTimeInForce": "GTC"}
        wanted.pop("pendingQuantity", None)
        if kind == "oto":
            wanted["pendingQuantity"] = quantity
    return wanted


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), ACTIONS), min_size=5, max_size=40))
def test_money_is_conserved_and_no_balance_is_negative(
    story: list[tuple[int, tuple[Any, ...]]],
) -> None:
    bench = Bench()
    traders = [bench.trader(USDT="20000", BTC="0.3"), bench.trader(USDT="500", BTC="0.0001")]

    for who, action in story:
        _act(bench, traders[who], action)

        assert bench.conserved()
        engine = bench.exchange.engine
        for assets in engine.ledger.balances.values():
            assert all(held.free >= 0 and held.locked >= 0 for held in assets.values())
    _locks_belong_to_open_orders(bench)
    for trader in traders:
        if trader.ok("GET", "/api/v3/openOrders", symbol=BTC):
            trader.ok("DELETE", "/api/v3/openOrders", symbol=BTC)
        assert trader.balance("BTC")[1] == "0.00000000"
        assert trader.balance("USDT")[1] == "0.00000000"


def _locks_belong_to_open_orders(bench: Bench) -> None:
    """What is locked is exactly what open orders and open lists hold."""
    engine = bench.exchange.engine
    expected: dict[tuple[int, str], int] = {}
    for order in engine.orders.values():
        asset = engine.symbols[order.symbol].pays(order.side)
        expected[order.account, asset] = expected.get((order.account, asset), 0) + order.locked
    for listed in engine.lists.values():
        symbol = engine.symbols[listed.symbol]
        asset = symbol.base if listed.kind in ("OPO", "OPOCO") else symbol.pays(listed.leg_side)
        expected[listed.account, asset] = expected.get((listed.account, asset), 0) + listed.locked
    for account, assets in engine.ledger.balances.items():
        for asset, held in assets.items():
            assert held.locked == expected.get((account, asset), 0), (account, asset)


def test_the_books_survive_a_reload_to_the_last_digit(tmp_path: Any) -> None:
    path = tmp_path / "state.sqlite3"
    bench = Bench(Store(path))
    trader = bench.trader(USDT="20000", BTC="0.3")
    sides = random.Random(7)
    for n in range(60):
        side = sides.choice(["BUY", "SELL"])
        trader.call("POST", "/api/v3/order", symbol=BTC, side=side, type="MARKET", quantity="0.01")
        if n % 9 == 0:
            bench.feed.set_book(BTC, "60000", "50")
    trader.bracket(quantity="0.05", entry="60500")
    trader.limit("BUY", "50000", "0.01", newClientOrderId="rest")
    before = trader.ok("GET", "/api/v3/account")
    trades = trader.ok("GET", "/api/v3/myTrades", symbol=BTC)
    bench.exchange.close()

    again = Bench(Store(path), feed=bench.feed)

    reader = Trader(again, trader.account, trader.key)
    assert reader.ok("GET", "/api/v3/account") == before
    assert reader.ok("GET", "/api/v3/myTrades", symbol=BTC) == trades
    assert {o["clientOrderId"] for o in reader.ok("GET", "/api/v3/openOrders")} == {
        "S1",
        "T1",
        "rest",
    }
    assert again.conserved()
    again.feed.set_book(BTC, "58900", "50")
    again.print("58950")
    assert reader.find("S1")["status"] == "FILLED"
    assert reader.find("T1")["expiryReason"] == "OCO_TRIGGER"


def test_a_print_told_again_after_a_restart_fills_nothing_twice(tmp_path: Any) -> None:
    path = tmp_path / "state.sqlite3"
    bench = Bench(Store(path))
    trader = bench.trader()
    trader.limit("BUY", "59900", "0.1", newClientOrderId="a")
    bench.print("59900", "0.04")
    bench.exchange.close()

    again = Bench(Store(path), feed=ScriptedFeed())
    again.feed.ids[BTC] = 0  # as a feed whose own state is older than the books
    again.print("59900", "0.04")

    reader = Trader(again, trader.account, trader.key)
    assert reader.find("a")["executedQty"] == "0.04000000"
    again.print("59900", "0.04")
    assert reader.find("a")["executedQty"] == "0.08000000"


def _story(seed: int) -> bytes:
    """An hour of brackets and orders on the synthetic market, as told to the accounts."""
    feed = SyntheticFeed((BTC, ETH), seed=seed, now_ms=START_MS)
    bench = Bench(feed=feed, seed=seed)
    traders = [bench.trader(USDT="100000") for _ in range(3)]
    dice = random.Random(seed)
    for _ in range(60):
        trader, symbol = dice.choice(traders), dice.choice([BTC, ETH])
        last = bench.exchange.engine.last[symbol] // 10**8
        wanted = {
            "symbol": symbol,
            "workingType": "LIMIT",
            "workingSide": "BUY",
            "workingPrice": f"{last * 1.001:.2f}",
            "workingQuantity": "0.05",
            "workingTimeInForce": dice.choice(["FOK", "GTC"]),
            "pendingSide": "SELL",
            "pendingAboveType": "TAKE_PROFIT",
            "pendingAboveStopPrice": f"{last * 1.002:.2f}",
            "pendingBelowType": "STOP_LOSS",
            "pendingBelowStopPrice": f"{last * 0.998:.2f}",
        }
        trader.call("POST", "/api/v3/orderList/opoco", **wanted)
        bench.pass_time(dice.randrange(1000, 120_000))
    assert bench.conserved()
    return json.dumps(bench.events).encode()


def test_the_same_seed_and_calls_tell_the_same_story_byte_for_byte() -> None:
    first = _story(3)

    assert first == _story(3)
    assert first != _story(4)
    assert first.count(b'"TRADE"') > 20
