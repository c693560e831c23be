"""What is asked of a host, and which documented shape the answer must have. REST."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from typing import Any

from tests.conformance.documented import KLINE_ROW, SHAPES
from tests.conformance.host import Host

Params = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """One check: what was asked, and what is wrong with the answer (nothing: it conforms)."""

    name: str
    problems: list[str] = field(default_factory=list)


def both(symbols: list[str]) -> str:
    return "[" + ",".join(f'"{one}"' for one in symbols) + "]"


def market_reads(symbol: str, symbols: list[str]) -> list[tuple[str, Params, str]]:
    """(path, parameters, shape) of everything public."""
    one, many = {"symbol": symbol}, {"symbols": both(symbols)}
    klines = {**one, "interval": "1m", "limit": 5}
    return [
        ("ping", {}, "EMPTY"),
        ("time", {}, "TIME"),
        ("exchangeInfo", one, "EXCHANGE_INFO"),
        ("exchangeInfo", many, "EXCHANGE_INFO"),
        ("executionRules", one, "EXECUTION_RULES"),
        ("depth", {**one, "limit": 10}, "DEPTH"),
        ("trades", {**one, "limit": 5}, "[TRADE]"),
        ("historicalTrades", {**one, "limit": 5}, "[TRADE]"),
        ("aggTrades", {**one, "limit": 5}, "[AGG_TRADE]"),
        ("klines", klines, f"[{KLINE_ROW}]"),
        ("klines", {**klines, "interval": "1d", "timeZone": "05:45"}, f"[{KLINE_ROW}]"),
        ("uiKlines", klines, f"[{KLINE_ROW}]"),
        ("avgPrice", one, "AVERAGE"),
        ("ticker/24hr", one, "TICKER_24H"),
        ("ticker/24hr", many, "[TICKER_24H]"),
        ("ticker/24hr", {**one, "type": "MINI"}, "MINI_TICKER"),
        ("ticker/tradingDay", one, "TICKER"),
        ("ticker/tradingDay", {**many, "type": "MINI"}, "[MINI_TICKER]"),
        ("ticker/price", one, "PRICE"),
        ("ticker/price", many, "[PRICE]"),
        ("ticker/bookTicker", one, "BOOK_TICKER"),
        ("ticker/bookTicker", many, "[BOOK_TICKER]"),
        ("ticker", {**one, "windowSize": "1h"}, "TICKER"),
        ("ticker", {**many, "windowSize": "4h", "type": "MINI"}, "[MINI_TICKER]"),
        ("referencePrice", one, "REFERENCE"),
        ("referencePrice/calculation", one, "CALCULATION"),
    ]


REFUSALS: list[tuple[str, Params, int]] = [
    ("depth", {"symbol": "NOSUCHCOIN"}, -1121),
    ("depth", {}, -1102),
    ("klines", {"symbol": "BTCUSDT", "interval": "7m"}, -1120),
    ("klines", {"symbol": "BTCUSDT"}, -1102),
    ("ticker/price", {"symbol": "btc usdt"}, -1100),
    ("exchangeInfo", {"symbol": "BTCUSDT", "symbols": '["ETHUSDT"]'}, -1128),
]


def account_reads(symbol: str) -> list[tuple[str, Params, str]]:
    """(path, parameters, shape) of what a key may read."""
    one = {"symbol": symbol}
    return [
        ("account", {}, "ACCOUNT"),
        ("account", {"omitZeroBalances": "true"}, "ACCOUNT"),
        ("account/commission", one, "COMMISSION"),
        ("myFilters", one, "MY_FILTERS"),
        ("rateLimit/order", {}, "[RATE_COUNT]"),
        ("openOrders", {}, "[ORDER]"),
        ("openOrders", one, "[ORDER]"),
        ("allOrders", one, "[ORDER]"),
        ("myTrades", one, "[MY_TRADE]"),
        ("openOrderList", {}, "[LIST]"),
        ("allOrderList", {}, "[LIST]"),
        ("myPreventedMatches", {**one, "orderId": 1}, "[*]"),
        ("myAllocations", one, "[*]"),
    ]


WALLET: list[tuple[str, str]] = [  # (path, shape); Demo Mode has none of these
    ("system/status", "SYSTEM_STATUS"),
    ("account/apiRestrictions", "KEY_RIGHTS"),
    ("asset/tradeFee", "[TRADE_FEE]"),
    ("capital/config/getall", "[COIN]"),
    ("capital/deposit/hisrec", "[DEPOSIT]"),
    ("capital/withdraw/history", "[WITHDRAWAL]"),
    ("margin/allPairs", "[*]"),
    ("margin/isolated/allPairs", "[*]"),
]


def account_refusals(symbol: str, now_ms: int) -> list[tuple[str, str, Params, int, int]]:
    """(method, path, parameters, HTTP status, code) of what a key is refused."""
    one, day = {"symbol": symbol}, 86_400_000
    wide = {"startTime": now_ms - day - 1, "endTime": now_ms}
    order = one | {"side": "BUY", "type": "LIMIT", "quantity": "1", "price": "1"}
    unknown = one | {"orderId": 2**53}
    return [
        ("GET", "order", unknown, 400, -2013),
        ("GET", "order", one, 400, -1102),
        ("DELETE", "order", unknown, 400, -2011),
        ("DELETE", "order", unknown | {"cancelRestrictions": "NEVER"}, 400, -1145),
        ("GET", "orderList", {"orderListId": 2**53}, 400, -2018),
        ("DELETE", "orderList", one | {"orderListId": 2**53}, 400, -2011),
        ("GET", "allOrders", one | wide, 400, -1127),
        ("GET", "myTrades", one | wide, 400, -1127),
        ("GET", "myTrades", one | {"fromId": 0, "startTime": now_ms}, 400, -1128),
        ("GET", "myPreventedMatches", one, 400, -1128),
        ("POST", "order/test", order, 400, -1102),  # no timeInForce
        ("POST", "order/test", order | {"timeInForce": "DAY"}, 400, -1115),
        ("POST", "order/test", order | {"side": "HOLD"}, 400, -1117),
        ("POST", "order/test", order | {"type": "STOP"}, 400, -1116),
        ("POST", "order/test", order | {"timeInForce": "GTC", "stopPrice": "1"}, 400, -1106),
        ("GET", "account", {"recvWindow": 60_001}, 400, -1131),
    ]


def reads(host: Host, symbol: str, symbols: list[str], *, wallet: bool = False) -> Iterator[Result]:
    """Everything that can be read, and some documented refusals."""
    for path, params, shape in market_reads(symbol, symbols):
        yield _asked(host, "GET", path, params, shape, signed=False)[1]
    for path, params, code in REFUSALS:
        reply = host.rest("GET", f"/api/v3/{path}", params)
        wrong = SHAPES.problems(_json(reply), "ERROR")
        if not wrong and (reply.status_code, reply.json()["code"]) != (400, code):
            wrong = [f"400 {code} expected, got {reply.status_code} {reply.text[:200]}"]
        yield Result(f"refusal GET {path} {params}", wrong)
    if host.key:
        for path, params, shape in account_reads(symbol):
            yield _asked(host, "GET", path, params, shape)[1]
        now_ms = host.rest("GET", "/api/v3/time").json()["serverTime"]
        for method, path, params, status, code in account_refusals(symbol, now_ms):
            reply = host.rest(method, f"/api/v3/{path}", params, signed=True)
            wrong = SHAPES.problems(_json(reply), "ERROR")
            if not wrong and (reply.status_code, reply.json()["code"]) != (status, code):
                wrong = [f"{status} {code} expected, got {reply.status_code} {reply.text[:200]}"]
            yield Result(f"refusal {method} {path} {params}", wrong)
        for path, shape in WALLET if wallet else ():
            reply = host.rest("GET", f"/sapi/v1/{path}", signed=path not in UNSIGNED)
            wrong = SHAPES.problems(_json(reply), shape)
            if reply.status_code != 200:
                wrong = [f"{reply.status_code} {reply.text[:200]}"]
            yield Result(f"GET /sapi/v1/{path}", wrong)


UNSIGNED = {"system/status", "margin/allPairs", "margin/isolated/allPairs"}
COUNTED = ("order", "order/oco", "order/cancelReplace")  # and every orderList/…


class Trading:
    """Orders far from the market, and the smallest market order, all cancelled in the end."""

    def __init__(self, host: Host, symbol: str) -> None:
        self.host, self.symbol = host, symbol
        info = host.rest("GET", "/api/v3/exchangeInfo", {"symbol": symbol}).json()["symbols"][0]
        filters = {one["filterType"]: one for one in info["filters"]}
        self.tick = Decimal(filters["PRICE_FILTER"]["tickSize"])
        self.step = Decimal(filters["LOT_SIZE"]["stepSize"])
        least = filters.get("NOTIONAL", filters.get("MIN_NOTIONAL"))
        self.last = Decimal(
            host.rest("GET", "/api/v3/ticker/price", {"symbol": symbol}).json()["price"]
        )
        worth = Decimal(least["minNotional"]) * 3
        self.quantity = self._on(worth / self.last, self.step)

    @staticmethod
    def _on(value: Decimal, grid: Decimal) -> Decimal:
        return ((value / grid).to_integral_value(ROUND_CEILING) * grid).quantize(grid)

    def price(self, factor: str) -> str:
        return f"{self._on(self.last * Decimal(factor), self.tick):f}"

    def size(self, parts: int = 1) -> str:
        return f"{self.quantity * parts:f}"

    def run(self) -> Iterator[Result]:
        """Every way to place, read, change and cancel."""
        limit = {
            "symbol": self.symbol, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
            "quantity": self.size(), "price": self.price("0.9"),
        }  # fmt: skip
        yield self._ask("POST", "order/test", limit, "EMPTY")[1]
        rated = limit | {"computeCommissionRates": "true"}
        yield self._ask("POST", "order/test", rated, "TEST_RATES")[1]
        for shape in ("ACK", "RESULT", "FULL"):
            placed, result = self._ask("POST", "order", limit | {"newOrderRespType": shape}, shape)
            yield result
            one = {"symbol": self.symbol, "orderId": placed.get("orderId")}
            yield self._ask("GET", "order", one, "ORDER")[1]
            yield self._ask("GET", "openOrders", {"symbol": self.symbol}, "[ORDER]")[1]
            yield self._ask("DELETE", "order", one, "CANCELED")[1]
        yield from self._changes(limit)
        bought = {"symbol": self.symbol, "side": "BUY", "type": "MARKET"}
        yield self._ask("POST", "order", bought | {"quantity": self.size(3)}, "FULL")[1]
        yield self._ask("GET", "myTrades", {"symbol": self.symbol}, "[MY_TRADE]")[1]
        yield from self._lists()
        yield self._ask("POST", "order", limit, "FULL")[1]
        yield self._ask(
            "DELETE", "openOrders", {"symbol": self.symbol}, "[CANCELED|CANCELED_LIST]"
        )[1]
        sold = bought | {"side": "SELL", "quantity": self.size(2)}
        yield self._ask("POST", "order", sold, "FULL")[1]
        yield self._ask("GET", "allOrders", {"symbol": self.symbol}, "[ORDER]")[1]
        yield self._ask("GET", "allOrderList", {}, "[LIST]")[1]

    def _changes(self, limit: Params) -> Iterator[Result]:
        placed, result = self._ask("POST", "order", limit | {"quantity": self.size(2)}, "FULL")
        yield result
        replace = limit | {
            "quantity": self.size(2),
            "cancelReplaceMode": "STOP_ON_FAILURE",
            "cancelOrderId": placed.get("orderId"),
        }
        replaced, result = self._ask("POST", "order/cancelReplace", replace, "REPLACED")
        yield result
        new = replaced.get("newOrderResponse", placed) if isinstance(replaced, dict) else placed
        one = {"symbol": self.symbol, "orderId": new.get("orderId")}
        amend = one | {"newQty": self.size(1)}
        yield self._ask("PUT", "order/amend/keepPriority", amend, "AMENDED")[1]
        yield self._ask("GET", "order/amendments", one, "[AMENDMENT]")[1]
        yield self._ask("DELETE", "order", one, "CANCELED")[1]

    def _lists(self) -> Iterator[Result]:
        exits = {"belowType": "STOP_LOSS_LIMIT", "belowStopPrice": self.price("0.9"),
                 "belowPrice": self.price("0.89"), "belowTimeInForce": "GTC",
                 "aboveType": "LIMIT_MAKER", "abovePrice": self.price("1.1")}  # fmt: skip
        pending = {f"pending{name[0].upper()}{name[1:]}": value for name, value in exits.items()}
        entry = {
            "workingType": "LIMIT", "workingSide": "BUY", "workingTimeInForce": "GTC",
            "workingPrice": self.price("0.9"), "workingQuantity": self.size(),
        }  # fmt: skip
        single = {"pendingType": "LIMIT_MAKER", "pendingPrice": self.price("1.1")}
        sell, fixed = {"pendingSide": "SELL"}, {"pendingQuantity": self.size()}
        for kind, params in (
            ("oco", {"side": "SELL", "quantity": self.size(), **exits}),
            ("oto", entry | single | sell | fixed),
            ("otoco", entry | pending | sell | fixed),
            ("opo", entry | single | sell),
            ("opoco", entry | pending | sell),
        ):
            listed = params | {"symbol": self.symbol, "newOrderRespType": "RESULT"}
            placed, result = self._ask("POST", f"orderList/{kind}", listed, "PLACED_LIST")
            yield result
            one = {"orderListId": placed.get("orderListId")}
            yield self._ask("GET", "orderList", one, "LIST")[1]
            yield self._ask("GET", "openOrderList", {}, "[LIST]")[1]
            ended = one | {"symbol": self.symbol}
            yield self._ask("DELETE", "orderList", ended, "CANCELED_LIST")[1]

    def _ask(self, method: str, path: str, params: Params, shape: str) -> tuple[Any, Result]:
        return _asked(self.host, method, path, params, shape)


def _asked(
    host: Host, method: str, path: str, params: Params, shape: str, *, signed: bool = True
) -> tuple[Any, Result]:
    reply = host.rest(method, f"/api/v3/{path}", params, signed=signed)
    name = f"{method} {path} {params if not signed else ''}".strip()
    body = _json(reply)
    if reply.status_code != 200:
        return {}, Result(name, [f"{reply.status_code} {reply.text[:200]}"])
    wrong = SHAPES.problems(body, shape)
    headers = ["X-MBX-USED-WEIGHT-1M"]
    if method == "POST" and (path in COUNTED or path.startswith("orderList/")):
        headers += ["X-MBX-ORDER-COUNT-10S", "X-MBX-ORDER-COUNT-1D"]
    for header in headers:
        if not reply.headers.get(header, "").isdigit():
            wrong.append(f"header {header} is missing")
    return body if isinstance(body, dict) else {}, Result(name, wrong)


def _json(reply: Any) -> Any:
    try:
        return reply.json()
    except ValueError:
        return math.nan  # fits no shape
