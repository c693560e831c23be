"""Requests nobody would send, and some that somebody might: seeded, so that a finding replays."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import trading.exchange.paper.exchange  # noqa: F401  registers every route
from tests.conformance.host import sign
from tests.paper_fuzz.recipes import recipe
from trading.exchange.paper.routes import KEYED, METHODS, ROUTES, SIGNED, Route
from trading.exchange.paper.ws_api import OWN_METHODS

SYMBOLS = ("BTCUSDT", "ETHUSDT")
KINDS = ("LIMIT", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT",
         "LIMIT_MAKER")  # fmt: skip
GARBAGE = (
    "", " ", "0", "-1", "1e5", "1E-9", "NaN", "Infinity", "-0", "+1", "0x10", "1_000", "١٢", "½",
    "true", "null", "[]", "{}", '["BTCUSDT"]', "99999999999999999999999", "-9223372036854775809",
    "0.000000001", "0.123456789012345678", "1" * 400, "a" * 3000, "%00", "\x00", "é\u202e", "🐢",
    "'; DROP TABLE orders;--", "../../etc/passwd", "<script>", "%s%n", "btcusdt", "BTC USDT",
    "\ud7ff", ".", "..5", "1.", ".5", "1,5", "NaN.0", "LIMIT", "9" * 19, "18446744073709551616",
)  # fmt: skip
CHOICES: dict[str, tuple[str, ...]] = {
    "interval": ("1m", "1h", "1d", "1M", "7m"),
    "limit": ("1", "5", "1000", "5001"),
    "newOrderRespType": ("ACK", "RESULT", "FULL"),
    "windowSize": ("1h", "7d", "99d"),
    "cancelReplaceMode": ("STOP_ON_FAILURE", "ALLOW_FAILURE"),
    "selfTradePreventionMode": ("NONE", "EXPIRE_TAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER"),
    "pegPriceType": ("PRIMARY_PEG", "MARKET_PEG", "PRIMARY"),
    "pegOffsetType": ("PRICE_LEVEL",),
}
MARKET_NAMES = frozenset(
    {"symbol", "limit", "startTime", "endTime", "fromId", "interval", "symbols", "type",
     "windowSize"}
)  # fmt: skip
SYMBOL_NAMES = frozenset({"symbol", "symbols"})
MONEY = ("price", "quantity", "qty", "stopprice", "newqty")


@dataclass(frozen=True, slots=True)
class RestCall:
    """One HTTP request, ready for the wire."""

    method: str
    target: str
    body: str
    headers: dict[str, str]


class Generator:
    """Deals requests from one seed. `last` gives a symbol's price, to be near the market."""

    def __init__(
        self,
        seed: int,
        keys: list[tuple[str, str]],
        now_ms: Callable[[], int],
        last: dict[str, float],
    ) -> None:
        self.dice = random.Random(seed)
        self._keys, self._now_ms, self._last = keys, now_ms, last
        self._routes = sorted(ROUTES.values(), key=lambda route: (route.path, route.method))
        self._methods = sorted(METHODS.values(), key=lambda route: route.path)
        self._names = sorted({name for one in self._routes for name in one.accepts or ()})
        self._order = 0

    # -- parameters -------------------------------------------------------------------------------

    def params(self, route: Route) -> dict[str, str]:
        """Parameters of a route: mostly its own, mostly sensible."""
        dice, chosen = self.dice, dict[str, str]()
        known = sorted(route.accepts or MARKET_NAMES)
        sane = dice.random() < 0.6
        for name in known:
            if dice.random() < (0.85 if sane and _usual(name) else 0.15):
                chosen[name] = self.value(name, sane=sane)
        if dice.random() < 0.05:
            chosen[dice.choice(self._names or ["x"])] = self.value("x", sane=False)
        if dice.random() < 0.03:
            chosen[dice.choice(GARBAGE)] = dice.choice(GARBAGE)
        return chosen

    def value(self, name: str, *, sane: bool) -> str:
        """A value for a parameter of that name."""
        dice, low = self.dice, name.lower()
        if not sane and dice.random() < 0.5:
            return dice.choice(GARBAGE)
        if name in CHOICES:
            return dice.choice(CHOICES[name])
        if name == "symbol":
            return dice.choice(SYMBOLS)
        if name == "symbols":
            return json.dumps(dice.sample(SYMBOLS, dice.randint(1, 2)), separators=(",", ":"))
        if low.endswith("price"):
            symbol = dice.choice(SYMBOLS)
            return f"{self._last[symbol] * dice.uniform(0.9, 1.1):.2f}"
        if low.endswith(("quantity", "qty")):
            return f"{dice.choice((0.001, 0.002, 0.01, 0.02, 0.5)):.5f}"
        if low.endswith("side"):
            return dice.choice(("BUY", "SELL"))
        if low.endswith("timeinforce"):
            return dice.choice(("GTC", "GTC", "IOC", "FOK"))
        if low.endswith("type"):
            return dice.choice(KINDS) if "strategy" not in low else "1000000"
        if low.endswith("clientorderid"):
            self._order += 1
            return dice.choice((f"f{self._order}", f"f{dice.randint(1, self._order)}"))
        if low.endswith("id"):
            return str(dice.randint(0, max(1, self._order)))
        if "time" in low:
            return str(self._now_ms() - dice.randint(0, 86_400_000))
        return dice.choice(("1", "true", "false", "10", "100", "GTC"))

    # -- REST -------------------------------------------------------------------------------------

    def rest(self) -> RestCall:
        """One HTTP request."""
        dice = self.dice
        route = dice.choice(self._routes)
        method, path = route.method, route.path
        if dice.random() < 0.03:
            method = dice.choice(("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"))
        if dice.random() < 0.02:
            path = dice.choice(("/api/v3/nothing", "/api/v3//order", "/", "/api/v3/order/../time"))
        params, headers = self.params(route), dict[str, str]()
        if dice.random() < 0.4:
            self._order += 1
            method, name, params = recipe(dice, self._last, self._order)
            path = f"/api/v3/{name}"
            route = ROUTES[method, path]
            if dice.random() < 0.3:
                params[dice.choice(sorted(params))] = dice.choice(GARBAGE)
        pairs = list(params.items())
        if dice.random() < 0.03 and pairs:
            pairs.append(dice.choice(pairs))
        key, secret = dice.choice(self._keys)
        if route.security in KEYED and dice.random() < 0.98:
            headers["X-MBX-APIKEY"] = key if dice.random() < 0.98 else dice.choice(("x", "k" * 64))
        if route.security in SIGNED:
            pairs += self._times()
        dice.shuffle(pairs)
        split = dice.randint(0, len(pairs)) if method != "GET" and dice.random() < 0.5 else None
        query, body = _encode(pairs if split is None else pairs[:split]), ""
        if split is not None:
            body = _encode(pairs[split:])
        if route.security in SIGNED and dice.random() < 0.98:
            signature = sign(secret, query + body)
            if dice.random() < 0.01:
                signature = dice.choice(GARBAGE) or "0"
            added = f"signature={quote(signature)}"
            if body and dice.random() < 0.5:
                body += f"&{added}"
            else:
                query += f"&{added}" if query else added
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if dice.random() < 0.01:
            body = "".join(dice.choice(("&", "=", "%", "ÿ", "a")) for _ in range(40))
        return RestCall(method, f"{path}?{query}" if query else path, body, headers)

    def _times(self) -> list[tuple[str, str]]:
        dice = self.dice
        if dice.random() < 0.02:
            return [("timestamp", dice.choice(GARBAGE))]
        pairs = [("timestamp", str(self._now_ms()))]
        if dice.random() < 0.3:
            pairs.append(("recvWindow", dice.choice(("5000", "10000", "60000", "6000.346"))))
        if dice.random() < 0.02:
            pairs.append(("recvWindow", dice.choice(GARBAGE)))
        return pairs

    # -- WS API and market streams ----------------------------------------------------------------

    def frame(self) -> str:
        """One WS API frame."""
        dice = self.dice
        if dice.random() < 0.06:
            return dice.choice(
                ("", "{", "[]", "null", '{"id":1}', '{"id":{},"method":"ping"}', "\x00", "[" * 5000,
                 '{"id":1,"method":5}', '{"id":1,"method":"time","params":[]}', '"🐢"',
                 '{"id":1,"method":"ping","params":{"a":{"b":[1,2,{"c":null}]}}}',
                 '{"id":1e400,"method":"ping"}', '{"id":"' + "x" * 5000 + '","method":"ping"}')
            )  # fmt: skip
        own = dice.random() < 0.15
        if own:
            name, params, signed = dice.choice(sorted(OWN_METHODS)), dict[str, Any](), True
        else:
            route = dice.choice(self._methods)
            name, signed = route.path, route.security in SIGNED
            params = dict(self.params(route))
        if signed and dice.random() < 0.2:  # trust in the log-on, where there was one
            params["timestamp"] = self._now_ms()
        elif signed and dice.random() < 0.95:
            key, secret = dice.choice(self._keys)
            params |= {"apiKey": key, "timestamp": self._now_ms()}
            payload = "&".join(f"{one}={params[one]}" for one in sorted(params))
            params["signature"] = sign(secret, payload)
        if dice.random() < 0.05:
            odd: list[Any] = [None, True, -1, 1.5, [], {}, "🐢", 10**30]
            params[dice.choice(sorted(params) or ["x"])] = dice.choice(odd)
        request_id = dice.choice((dice.randint(0, 10**6), "a", None))
        return json.dumps({"id": request_id, "method": name, "params": params})

    def subscription(self) -> str:
        """One market stream frame."""
        dice = self.dice
        names = ["btcusdt@trade", "ethusdt@depth", "btcusdt@kline_1m", "nothing@trade", "", "@",
                 "btcusdt@depth9", "!ticker@arr", "x" * 300, "btcusdt@kline_1h@+99:00"]  # fmt: skip
        method = dice.choice(("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY",
                              "GET_PROPERTY", "subscribe", "", 5, None))  # fmt: skip
        params: Any = dice.choice(
            [dice.sample(names, dice.randint(0, 4)), ["combined", True], None, "x", {}, [1], [None]]
        )
        frame = {"method": method, "params": params, "id": dice.choice((1, "a", None, -1, 1.5, []))}
        return json.dumps(frame) if dice.random() < 0.9 else dice.choice(("{", "[]", "", "🐢"))


def _usual(name: str) -> bool:
    """Whether a sensible request has this parameter."""
    low = name.lower()
    return (name in SYMBOL_NAMES and name == "symbol") or (low.endswith(
        ("side", "type", *MONEY, "timeinforce", "interval", "origclientorderid")
    ) and "strategy" not in low and "iceberg" not in low and "peg" not in low)  # fmt: skip


def _encode(pairs: list[tuple[str, str]]) -> str:
    return urlencode(pairs, errors="replace")
