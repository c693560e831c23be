"""A market that does exactly what a test says: `ScriptedFeed`, and a bench of an exchange on it."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from trading.exchange.paper.accounts import Account, ApiKey
from trading.exchange.paper.exchange import PaperExchange
from trading.exchange.paper.rest import Response
from trading.exchange.paper.store import Store
from trading.exchange.paper.values import Book, Fill, Kline, Level, Print, to_e8

START_MS = 1_795_000_000_000
BTC, ETH = "BTCUSDT", "ETHUSDT"


class ScriptedFeed:
    """Implements `values.Feed`. The book stands as set; prints come when told."""

    def __init__(self, prices: dict[str, str] | None = None) -> None:
        self.prices = {s: to_e8(p) for s, p in (prices or {BTC: "60000", ETH: "3000"}).items()}
        self.asks: dict[str, list[Level]] = {}
        self.bids: dict[str, list[Level]] = {}
        self.queued: list[tuple[str, int, int, bool]] = []
        self.ids = dict.fromkeys(self.prices, 0)
        self.now = START_MS
        for symbol, price in self.prices.items():
            self.set_book(symbol, str(price // 10**8), "50")

    @property
    def symbols(self) -> Sequence[str]:
        return tuple(self.prices)

    def grid(self, symbol: str) -> tuple[int, int]:
        return to_e8("0.01"), to_e8("0.00001") if symbol == BTC else to_e8("0.0001")

    def set_book(self, symbol: str, price: str, quantity: str, step: str = "1", n: int = 5) -> None:
        """`n` levels of `quantity` on each side, the best one `step` away from `price`."""
        middle, apart, each = to_e8(price), to_e8(step), to_e8(quantity)
        self.asks[symbol] = [Level(middle + apart * i, each) for i in range(1, n + 1)]
        self.bids[symbol] = [Level(middle - apart * i, each) for i in range(1, n + 1)]

    def trade(self, symbol: str, price: str, quantity: str, *, buyer_is_maker: bool = True) -> None:
        """One market trade, told at the next advance."""
        self.queued.append((symbol, to_e8(price), to_e8(quantity), buyer_is_maker))

    def advance(self, to_ms: int) -> list[Print]:
        self.now = max(self.now, to_ms)
        told = []
        for symbol, price, quantity, buyer_is_maker in self.queued:
            self.ids[symbol] += 1
            self.prices[symbol] = price
            told.append(Print(symbol, self.ids[symbol], price, quantity, self.now, buyer_is_maker))
        self.queued.clear()
        return told

    def book(self, symbol: str, depth: int = 20) -> Book:
        return Book(symbol, 1, tuple(self.bids[symbol][:depth]), tuple(self.asks[symbol][:depth]))

    def last(self, symbol: str) -> Print:
        return Print(symbol, self.ids[symbol], self.prices[symbol], 1, self.now, True)

    def klines(
        self,
        symbol: str,
        interval: str,
        start_ms: int | None,
        end_ms: int | None,
        limit: int,
        offset_ms: int = 0,
    ) -> list[Kline]:
        return []

    def recent(self, symbol: str, limit: int) -> list[Print]:
        return [self.last(symbol)]

    def history(
        self,
        symbol: str,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        from_id: int | None = None,
        limit: int,
    ) -> list[Print]:
        return [self.last(symbol)]

    def move(self, symbol: str, price: int, *, at_ms: int, over_ms: int) -> None:
        self.queued.append((symbol, price, to_e8("1"), True))

    def take(
        self, symbol: str, side: str, limit: int | None, quantity: int, at_ms: int
    ) -> list[Fill]:
        levels = self.asks[symbol] if side == "BUY" else self.bids[symbol]
        fills = []
        while levels and quantity:
            best = levels[0]
            if limit is not None and (best.price > limit if side == "BUY" else best.price < limit):
                break
            part = min(best.quantity, quantity)
            quantity -= part
            fills.append(Fill(at_ms, best.price, part, side == "SELL"))
            if part == best.quantity:
                levels.pop(0)
            else:
                levels[0] = Level(best.price, best.quantity - part)
        return fills

    def cross(
        self, symbol: str, price: int, quantity: int, *, buyer_is_maker: bool, at_ms: int
    ) -> int:
        return at_ms

    def state(self) -> dict[str, Any]:
        return {"ids": self.ids, "prices": self.prices}

    def recover(self, symbol: str, fills: Iterable[Fill]) -> None:
        """The book is what a test says: nothing to make good."""

    def restore(self, state: dict[str, Any]) -> None:
        self.ids, self.prices = state["ids"], state["prices"]


class Trader:
    """Signs requests to an exchange in this process, as a client would."""

    def __init__(self, bench: Bench, account: Account, key: ApiKey) -> None:
        self.bench, self.account, self.key = bench, account, key

    def call(self, method: str, path: str, **params: Any) -> Response:
        """The raw answer of a signed request."""
        params.setdefault("timestamp", self.bench.now_ms)
        text = urlencode({name: str(value) for name, value in params.items()})
        made = hmac.new(self.key.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        text += f"&signature={made}"
        query, body = (text, "") if method == "GET" else ("", text)
        headers = {"X-MBX-APIKEY": self.key.key}
        return self.bench.exchange.handle(method, path, query, body, headers, self.bench.now_ms)

    def ok(self, method: str, path: str, **params: Any) -> Any:
        """The answer, which must be a success."""
        response = self.call(method, path, **params)
        assert response.status == 200, response.body
        return response.json()

    def refused(self, method: str, path: str, **params: Any) -> tuple[int, str]:
        """(code, msg) of an answer that must be a refusal."""
        response = self.call(method, path, **params)
        assert response.status >= 400, response.body
        return response.json()["code"], response.json()["msg"]

    def order(self, side: str, type: str, **params: Any) -> Any:
        params.setdefault("symbol", BTC)
        return self.ok("POST", "/api/v3/order", side=side, type=type, **params)

    def limit(self, side: str, price: str, quantity: str, **params: Any) -> Any:
        params.setdefault("timeInForce", "GTC")
        return self.order(side, "LIMIT", price=price, quantity=quantity, **params)

    def bracket(
        self, kind: str = "opoco", *, entry: str = "60001", quantity: str = "0.1", **params: Any
    ) -> Any:
        """A long bracket around 60000: stop 59000, target 62000, entry fill-or-kill."""
        wanted = bracket(kind, entry=entry, quantity=quantity) | params
        return self.ok("POST", f"/api/v3/orderList/{kind}", **wanted)

    def find(self, client_id: str, symbol: str = BTC) -> Any:
        return self.ok("GET", "/api/v3/order", symbol=symbol, origClientOrderId=client_id)

    def balance(self, asset: str) -> tuple[str, str]:
        """(free, locked)."""
        for held in self.ok("GET", "/api/v3/account")["balances"]:
            if held["asset"] == asset:
                return held["free"], held["locked"]
        raise AssertionError(f"no {asset}")

    def events(self, name: str | None = None) -> list[dict[str, Any]]:
        """What this account was told since the last call, oldest first."""
        mine = [event for account, event in self.bench.events if account == self.account.id]
        self.bench.events[:] = [one for one in self.bench.events if one[0] != self.account.id]
        return [event for event in mine if name in (None, event["e"])]


def set_rules(bench: Bench, **changed: Any) -> None:
    """Other rules for BTCUSDT from now on."""
    bench.exchange.symbols[BTC] = replace(bench.exchange.symbols[BTC], **changed)


def bracket(kind: str = "opoco", *, entry: str = "60001", quantity: str = "0.1") -> dict[str, str]:
    """The parameters of a long bracket."""
    wanted = {
        "symbol": BTC,
        "listClientOrderId": "L1",
        "workingType": "LIMIT",
        "workingSide": "BUY",
        "workingClientOrderId": "E1",
        "workingPrice": entry,
        "workingQuantity": quantity,
        "workingTimeInForce": "FOK",
        "pendingSide": "SELL",
        "pendingAboveType": "TAKE_PROFIT",
        "pendingAboveClientOrderId": "T1",
        "pendingAboveStopPrice": "62000",
        "pendingBelowType": "STOP_LOSS",
        "pendingBelowClientOrderId": "S1",
        "pendingBelowStopPrice": "59000",
    }
    return wanted if kind == "opoco" else wanted | {"pendingQuantity": quantity}


class Bench:
    """An exchange on a scripted market, its clock, and what it told its accounts."""

    def __init__(self, store: Store | None = None, feed: Any = None, *, seed: int = 1) -> None:
        self.feed = feed or ScriptedFeed()
        self.now_ms = START_MS
        self.exchange = PaperExchange(self.feed, store or Store(), now_ms=self.now_ms, seed=seed)
        self.events: list[tuple[int, dict[str, Any]]] = []
        self.exchange.event_listeners.append(self.events.extend)

    def trader(self, **balances: str) -> Trader:
        account, key = self.exchange.open_account(
            {asset: to_e8(amount) for asset, amount in (balances or {"USDT": "10000"}).items()}
        )
        self.events.clear()
        return Trader(self, account, key)

    def print(self, price: str, quantity: str = "1", symbol: str = BTC, **how: Any) -> None:
        """A market trade happens now."""
        self.feed.trade(symbol, price, quantity, **how)
        self.pass_time(1)

    def pass_time(self, ms: int) -> None:
        self.now_ms += ms
        self.exchange.tick(self.now_ms)

    def conserved(self) -> bool:
        return not self.exchange.engine.ledger.discrepancies()


def wait_for(check: Any, seconds: float = 10) -> Any:
    """The first true answer of `check`. Fails the test when there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{check} did not come true within {seconds} s")
