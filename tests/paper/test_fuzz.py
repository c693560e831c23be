"""Thousands of generated requests, seeded: never a 500, never a lost unit of money.

`PAPER_FUZZ=50000` makes it the long run of issue 3.
"""

from __future__ import annotations

import json
import os
import random
from typing import Any

import pytest

from trading.exchange.paper.orders import STP_MODES
from trading.exchange.paper.parsing import ORDER_PARTS
from trading.exchange.paper.routes import METHODS, ROUTES, SIGNED
from trading.exchange.paper.values import Level, to_e8
from trading.exchange.paper.ws_api import OWN_METHODS, Session

from .scripted import BTC, ETH, Bench, Trader

REQUESTS = int(os.environ.get("PAPER_FUZZ", "4000"))
PRICES = ["59000", "59900", "59999.5", "60000", "60000.5", "60001", "60100", "61000", "3000"]
PRICES += ["0", "-1", "1e5", "abc", "60000.001", "99999999999999999999", "", "0.01"]
QUANTITIES = ["0.001", "0.01", "0.05", "0.1", "0.5", "2", "0", "0.00001", "0.000001", "x", "9001"]
KINDS = ["LIMIT", "MARKET", "LIMIT_MAKER", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT"]
KINDS += ["TAKE_PROFIT_LIMIT", "ICEBERG"]
WORDS: dict[str, list[Any]] = {
    "symbol": [BTC] * 8 + [ETH, "BTC", "", "btcusdt", "§"],
    "side": ["BUY", "SELL", "BUY", "SELL", "HOLD"],
    "type": KINDS,
    "timeInForce": ["GTC", "GTC", "IOC", "FOK", "GTX"],
    "quantity": QUANTITIES,
    "icebergQty": QUANTITIES,
    "quoteOrderQty": ["100", "1000", "1", "x"],
    "price": PRICES,
    "stopPrice": PRICES,
    "trailingDelta": ["10", "100", "2000", "5", "x"],
    "clientOrderId": [f"c{n}" for n in range(12)] + ["ü", "a" * 37],
    "strategyId": ["1", "x"],
    "strategyType": ["1000000", "5"],
    "newOrderRespType": ["ACK", "RESULT", "FULL", "ALL"],
    "selfTradePreventionMode": [*STP_MODES, "?"],
    "cancelReplaceMode": ["STOP_ON_FAILURE", "ALLOW_FAILURE", "?"],
    "cancelRestrictions": ["ONLY_NEW", "ONLY_PARTIALLY_FILLED", "?"],
    "orderRateLimitExceededMode": ["DO_NOTHING", "CANCEL_ONLY", "?"],
    "id": [str(n) for n in range(1, 60)] + ["x", "-1", "99999999999999999999"],
    "limit": ["1", "5", "1000", "0", "x"],
    "time": ["0", "1795000000000", "1795000090000", "x"],
    "flag": ["true", "false", "maybe"],
}
# The scripted market has no candles; market data has its own tests.
MINE = sorted(key for key, one in ROUTES.items() if "market" not in one.handler.__module__)
METHODS_MINE = sorted(
    name for name, one in METHODS.items() if "market" not in one.handler.__module__
) + sorted(OWN_METHODS.keys() - {"session.logon"})
ORDER_PLACING = [
    key
    for key in ROUTES
    if key[0] in ("POST", "PUT", "DELETE") and key[1].startswith("/api/v3/order")
]


def value_for(name: str, dice: random.Random) -> str:
    """A value that may fit a parameter of this name."""
    low = name.lower()
    for end, pool in (
        ("clientorderid", "clientOrderId"),
        ("id", "id"),
        ("stopprice", "stopPrice"),
        ("price", "price"),
        ("icebergqty", "icebergQty"),
        ("qty", "quantity"),
        ("quantity", "quantity"),
        ("type", "type"),
        ("side", "side"),
        ("timeinforce", "timeInForce"),
        ("trailingdelta", "trailingDelta"),
        ("time", "time"),
    ):
        if name in WORDS:
            return str(dice.choice(WORDS[name]))
        if low.endswith(end):
            return str(dice.choice(WORDS[pool]))
    return str(dice.choice(WORDS["flag"]))


def parameters(accepts: frozenset[str] | None, dice: random.Random) -> dict[str, str]:
    """Some of what a call accepts, with a leaning to what makes orders."""
    names = sorted(accepts or {"symbol", "limit"})
    core = {"symbol", "side", "quantity", "type", "newQty", "cancelReplaceMode"}
    core |= {
        name for name in names if name.endswith(("Type", "Quantity", "Side")) and "gy" not in name
    }
    parts = tuple(part for part in ORDER_PARTS if part not in ("Type", "Quantity", "Side"))
    chosen = [
        name
        for name in names
        if dice.random()
        < (0.97 if name in core else 0.6 if name.endswith(parts) or name in WORDS else 0.25)
    ]
    return {name: value_for(name, dice) for name in chosen}


def leg(prefix: str, side: str, dice: random.Random) -> dict[str, str]:
    """An order that could be right, under the names of a list's leg (or of a single order)."""

    def of(name: str) -> str:
        return prefix + name if prefix else name[0].lower() + name[1:]

    above = prefix.lower().endswith("above") or (
        not prefix.lower().endswith("below") and side == "SELL"
    )
    kinds = KINDS[:1] * 3 + KINDS[:7] if not prefix else KINDS[2:7]
    kind = dice.choice(KINDS[:1] if prefix == "working" else kinds)
    away = dice.choice((0.5, 1, 5, 50, 300)) * (1 if above else -1)
    made = {of("Type"): kind}
    if kind in ("LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"):
        made[of("TimeInForce")] = dice.choice(("GTC", "GTC", "GTC", "IOC", "FOK"))
    if kind in ("LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"):
        made[of("Price")] = f"{60000 + away + dice.choice((-2, 0, 0, 2)):.2f}"
    if "STOP" in kind or "TAKE" in kind:
        if dice.random() < 0.25:
            made[of("TrailingDelta")] = dice.choice(("10", "50", "200"))
        if of("TrailingDelta") not in made or dice.random() < 0.5:
            made[of("StopPrice")] = f"{60000 + away:.2f}"
    return made


def sensible(dice: random.Random) -> tuple[tuple[str, str], dict[str, str]]:
    """A request that could well succeed."""
    side = dice.choice(("BUY", "SELL"))
    other = "SELL" if side == "BUY" else "BUY"
    quantity = dice.choice(("0.01", "0.05", "0.1", "0.3"))
    base = {"symbol": BTC, "selfTradePreventionMode": dice.choice(STP_MODES[:5])}
    what = dice.choice(
        ("order",) * 6 + ("replace", "amend", "cancel", "oco", "oto", "otoco", "opoco")
    )
    if what == "oco":
        legs = leg("above", side, dice) | leg("below", side, dice)
        return ("POST", "/api/v3/orderList/oco"), base | legs | {"side": side, "quantity": quantity}
    if what in ("oto", "otoco", "opoco"):
        work = "BUY" if what == "opoco" else side
        legs = leg("working", work, dice) | {"workingSide": work, "workingQuantity": quantity}
        legs["pendingSide"] = pending = "SELL" if what == "opoco" else other
        if what != "opoco":
            legs["pendingQuantity"] = dice.choice((quantity, "0.009"))
        names = ("pending",) if what == "oto" else ("pendingAbove", "pendingBelow")
        for name in names:
            legs |= leg(name, pending, dice)
        return ("POST", f"/api/v3/orderList/{what}"), base | legs
    ids = {"symbol": BTC, "orderId": str(dice.randrange(1, 400))}
    if what == "amend":
        return ("PUT", "/api/v3/order/amend/keepPriority"), ids | {
            "newQty": dice.choice(("0.006", "0.01", "0.04"))
        }
    if what == "cancel":
        return ("DELETE", "/api/v3/order"), ids
    single = base | leg("", side, dice) | {"side": side, "quantity": quantity}
    if single["type"] == "LIMIT" and single["timeInForce"] == "GTC" and dice.random() < 0.3:
        single["icebergQty"] = "0.005"
    if what == "replace":
        mode = dice.choice(("STOP_ON_FAILURE", "ALLOW_FAILURE"))
        single |= {"cancelReplaceMode": mode, "cancelOrderId": ids["orderId"]}
        return ("POST", "/api/v3/order/cancelReplace"), single
    return ("POST", "/api/v3/order"), single


@pytest.mark.parametrize("seed", [1, 2])
def test_generated_requests_never_break_the_exchange_or_lose_money(
    seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    dice = random.Random(seed)
    bench = Bench(seed=seed)
    bench.feed.set_book(BTC, "60000", "0.7")
    traders = [bench.trader(USDT="100000", BTC="2", BNB="1") for _ in range(3)]
    bench.exchange.set_account(traders[0].account.id, pays_bnb=1)
    sessions = [Session(bench.exchange, bench.now_ms, f"10.1.0.{n}") for n in range(3)]
    placed = 0
    for number in range(REQUESTS):
        if number % 40 == 0:
            bench.pass_time(60_000)  # the limits begin anew
        what = dice.random()
        trader = dice.choice(traders)
        if what < 0.15:
            bench.feed.bids[BTC] = [
                Level(to_e8("59999") - n * 10**8, to_e8("0.7")) for n in range(5)
            ]
            bench.feed.asks[BTC] = [
                Level(to_e8("60001") + n * 10**8, to_e8("0.7")) for n in range(5)
            ]
            price = f"{60000 + dice.gauss(0, 400):.2f}"
            bench.print(price, dice.choice(QUANTITIES[:6]), buyer_is_maker=dice.random() < 0.5)
        elif what < 0.9:
            if dice.random() < 0.6:
                key, params = sensible(dice)
                if dice.random() < 0.1:  # one value gone wrong
                    name = dice.choice(sorted(params))
                    params[name] = value_for(name, dice)
            else:
                key = dice.choice(ORDER_PLACING if dice.random() < 0.6 else MINE)
                params = parameters(ROUTES[key].accepts, dice)
            answer = trader.call(*key, **params)
            assert answer.status != 500, (number, key, params)
            placed += answer.status == 200
        else:
            _ask(bench, dice, dice.choice(sessions), trader)
        if number % 25 == 0:
            assert bench.exchange.discrepancies() == {}, number
    assert bench.exchange.discrepancies() == {}
    assert placed > REQUESTS / 8
    assert not [record for record in caplog.records if record.exc_info]


def _ask(bench: Bench, dice: random.Random, session: Session, trader: Trader) -> None:
    """One frame of the WS API, as a trader logged on."""
    session.key = trader.key
    name = dice.choice(METHODS_MINE)
    found = METHODS.get(name)
    params: dict[str, Any] = dict(parameters(found.accepts if found else None, dice))
    if found and found.security in SIGNED:
        params["timestamp"] = bench.now_ms
    answer = session.answer(json.dumps({"id": 1, "method": name, "params": params}))
    assert answer["status"] != 500, (name, params)
