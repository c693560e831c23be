"""What is asked over sockets: market streams, the WS API and the user events of a few orders."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp

from tests.conformance.checks import Result, Trading
from tests.conformance.documented import KLINE_ROW, SHAPES
from tests.conformance.host import Host

PATIENCE = 20.0  # seconds for a stream's first event; a quiet market may need them


def streams(symbol: str) -> dict[str, str]:
    """Stream name → shape of its events."""
    s = symbol.lower()
    return {
        f"{s}@trade": "TRADE_EVENT",
        f"{s}@aggTrade": "AGG_EVENT",
        f"{s}@kline_1m": "KLINE_EVENT",
        f"{s}@kline_1h@+08:00": "KLINE_EVENT",
        f"{s}@miniTicker": "MINI_EVENT",
        "!miniTicker@arr": "[MINI_EVENT]",
        f"{s}@ticker": "TICKER_EVENT",
        f"{s}@ticker_1h": "ROLLING_EVENT",
        "!ticker_1h@arr": "[ROLLING_EVENT]",
        f"{s}@bookTicker": "BOOK_EVENT",
        f"{s}@avgPrice": "AVERAGE_EVENT",
        f"{s}@depth": "DEPTH_EVENT",
        f"{s}@depth@100ms": "DEPTH_EVENT",
        f"{s}@depth5": "DEPTH",
        f"{s}@depth20@100ms": "DEPTH",
        f"{s}@referencePrice": "REFERENCE_EVENT",
    }


def requests(symbol: str, *, signed: bool) -> list[tuple[str, dict[str, Any], str]]:
    """(method, parameters, shape of the result) of the WS API."""
    one = {"symbol": symbol}
    public = [
        ("ping", {}, "EMPTY"),
        ("time", {}, "TIME"),
        ("exchangeInfo", one, "EXCHANGE_INFO"),
        ("depth", {**one, "limit": 5}, "DEPTH"),
        ("trades.recent", {**one, "limit": 5}, "[TRADE]"),
        ("trades.historical", {**one, "limit": 5}, "[TRADE]"),
        ("trades.aggregate", {**one, "limit": 5}, "[AGG_TRADE]"),
        ("klines", {**one, "interval": "1m", "limit": 3}, f"[{KLINE_ROW}]"),
        ("uiKlines", {**one, "interval": "1m", "limit": 3}, f"[{KLINE_ROW}]"),
        ("avgPrice", one, "AVERAGE"),
        ("ticker.24hr", one, "TICKER_24H"),
        ("ticker.tradingDay", one, "TICKER"),
        ("ticker", {**one, "windowSize": "1h"}, "TICKER"),
        ("ticker.price", one, "PRICE"),
        ("ticker.book", one, "BOOK_TICKER"),
        ("executionRules", one, "EXECUTION_RULES"),
        ("referencePrice", one, "REFERENCE"),
        ("session.status", {}, "SESSION"),
        ("session.subscriptions", {}, "[SUBSCRIBED]"),
    ]
    keyed = [
        ("account.status", {}, "ACCOUNT"),
        ("account.commission", one, "COMMISSION"),
        ("account.rateLimits.orders", {}, "[RATE_COUNT]"),
        ("openOrders.status", one, "[ORDER]"),
        ("openOrderLists.status", {}, "[LIST]"),
        ("allOrders", one, "[ORDER]"),
        ("allOrderLists", {}, "[LIST]"),
        ("myTrades", one, "[MY_TRADE]"),
        ("myFilters", one, "MY_FILTERS"),
    ]
    return public + (keyed if signed else [])


async def market(http: aiohttp.ClientSession, host: Host, symbol: str) -> AsyncIterator[Result]:
    """The first event of every stream; a stream that stays silent does not conform."""
    wanted = streams(symbol)
    heard: dict[str, list[str]] = {}
    async with http.ws_connect(f"{host.stream_url}/stream") as socket:
        frame = {"method": "SUBSCRIBE", "params": list(wanted), "id": 1}
        await socket.send_json(frame)
        answer: Any = None
        try:
            async with asyncio.timeout(PATIENCE):
                while len(heard) < len(wanted):
                    message = await socket.receive_json()
                    if "stream" in message:
                        name = message["stream"]
                        heard.setdefault(name, SHAPES.problems(message["data"], wanted[name]))
                    else:
                        answer = message
        except TimeoutError:
            pass
        right = answer == {"result": None, "id": 1}
        yield Result("SUBSCRIBE", [] if right else [f"answered {answer}"])
    for name in wanted:
        yield Result(f"stream {name}", heard.get(name, ["silent"]))


class Socket:
    """A WS API connection: requests by number, user events aside."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, host: Host) -> None:
        self.socket, self.host, self.events = socket, host, list[dict[str, Any]]()
        self._number = 0

    async def ask(self, method: str, params: dict[str, Any], *, signed: bool) -> dict[str, Any]:
        self._number += 1
        if signed:
            params = self.host.signed_params(params)
        await self.socket.send_json({"id": self._number, "method": method, "params": params})
        async with asyncio.timeout(PATIENCE):
            while True:
                message: dict[str, Any] = await self.socket.receive_json()
                if "event" not in message:
                    return message
                self.events.append(message)

    async def listen(self, seconds: float) -> None:
        """Collect events until it is silent for that long."""
        while True:
            try:
                async with asyncio.timeout(seconds):
                    message = await self.socket.receive()
            except TimeoutError:
                return
            if message.type is not aiohttp.WSMsgType.TEXT:
                return
            self.events.append(json.loads(message.data))


async def api(
    http: aiohttp.ClientSession, host: Host, symbol: str, *, trade: bool
) -> AsyncIterator[Result]:
    """Every readable method; with `trade` orders too, and the user events they cause."""
    async with http.ws_connect(host.ws_url) as raw:
        socket = Socket(raw, host)
        for method, params, shape in requests(symbol, signed=bool(host.key)):
            signed = method.split(".")[0] in {
                "account", "openOrders", "openOrderLists", "allOrders", "allOrderLists",
                "myTrades", "myFilters",
            }  # fmt: skip
            answer = await socket.ask(method, params, signed=signed)
            yield Result(f"ws {method}", _problems(answer, shape))
        if trade:
            async for result in _user_events(socket, host, symbol):
                yield result


ORDER_METHODS = {  # what Trading asks by REST → the WS API's method
    ("POST", "order"): "order.place",
    ("POST", "order/test"): "order.test",
    ("GET", "order"): "order.status",
    ("DELETE", "order"): "order.cancel",
    ("POST", "order/cancelReplace"): "order.cancelReplace",
    ("PUT", "order/amend/keepPriority"): "order.amend.keepPriority",
    ("GET", "order/amendments"): "order.amendments",
    ("GET", "openOrders"): "openOrders.status",
    ("DELETE", "openOrders"): "openOrders.cancelAll",
    ("GET", "myTrades"): "myTrades",
    ("GET", "allOrders"): "allOrders",
    ("GET", "allOrderList"): "allOrderLists",
    ("GET", "openOrderList"): "openOrderLists.status",
    ("GET", "orderList"): "orderList.status",
    ("DELETE", "orderList"): "orderList.cancel",
}


class SocketTrading(Trading):
    """The same orders over the WS API. Runs in a thread; the socket belongs to `loop`."""

    def __init__(
        self, host: Host, symbol: str, socket: Socket, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(host, symbol)
        self.socket, self.loop = socket, loop

    def _ask(
        self, method: str, path: str, params: dict[str, Any], shape: str
    ) -> tuple[Any, Result]:
        kind = path.removeprefix("orderList/")
        listed = f"orderList.place.{kind}"
        name = listed if kind != path else ORDER_METHODS[method, path]
        asking = self.socket.ask(name, params, signed=True)
        answer = asyncio.run_coroutine_threadsafe(asking, self.loop).result(PATIENCE * 2)
        wrong = _problems(answer, shape)
        placing = name in ("order.place", "order.cancelReplace", listed)
        counts = [one["rateLimitType"] for one in answer.get("rateLimits", [])]
        if not wrong and (counts.count("ORDERS") == 2) != placing:
            wrong = [f"rateLimits of {counts}"]
        result = answer.get("result")
        return result if isinstance(result, dict) else {}, Result(f"ws {name}", wrong)


async def _orders(socket: Socket, host: Host, symbol: str) -> list[Result]:
    """Every method that places, reads, changes or cancels."""
    loop = asyncio.get_running_loop()
    return await asyncio.to_thread(lambda: list(SocketTrading(host, symbol, socket, loop).run()))


async def _user_events(socket: Socket, host: Host, symbol: str) -> AsyncIterator[Result]:
    answer = await socket.ask("userDataStream.subscribe.signature", {}, signed=True)
    yield Result("ws userDataStream.subscribe.signature", _problems(answer, "SUBSCRIBED"))
    done = await asyncio.to_thread(lambda: list(Trading(host, symbol).run()))
    done += await _orders(socket, host, symbol)
    for result in done:
        yield result
    await socket.listen(1.0)
    answer = await socket.ask("userDataStream.unsubscribe", {}, signed=False)
    yield Result("ws userDataStream.unsubscribe", _problems(answer, "EMPTY"))
    await socket.listen(1.0)
    kinds: dict[str, list[str]] = {
        kind: [f"no {kind} was heard"]
        for kind in (
            "executionReport", "listStatus", "outboundAccountPosition", "eventStreamTerminated"
        )
    }  # fmt: skip
    for frame in socket.events:
        kind = frame["event"]["e"]
        wrong = SHAPES.problems(frame["event"], kind)
        if frame.keys() != {"subscriptionId", "event"}:
            wrong.append(f"frame of {sorted(frame)}")
        known = kinds.get(kind, [])
        kinds[kind] = wrong if known[:1] == [f"no {kind} was heard"] else sorted({*known, *wrong})
    for kind, wrong in kinds.items():
        yield Result(f"event {kind}", wrong)


def _problems(answer: dict[str, Any], shape: str) -> list[str]:
    if answer.get("status") != 200:
        return [f"{answer.get('status')} {str(answer.get('error'))[:200]}"]
    wrong = SHAPES.problems(answer.get("result"), shape)
    wrong += SHAPES.problems(answer.get("rateLimits"), "[RATE_COUNT]")
    wrong += [f"{name}: not documented" for name in answer if name not in FRAME]
    return wrong


FRAME = {"id", "status", "result", "rateLimits"}
