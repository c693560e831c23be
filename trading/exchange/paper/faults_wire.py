"""What request faults do to REST and WS API answers. See `faults.py` for names and options."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from trading.exchange.paper.errors import KEY_CODES
from trading.exchange.paper.exchange import PaperExchange
from trading.exchange.paper.faults import Fault, Faults
from trading.exchange.paper.limits import ORDER_LIMITS
from trading.exchange.paper.rest import HTML, KEY_HEADER, Response
from trading.exchange.paper.routes import METHODS, ROUTES, SIGNED

JSON = {"Content-Type": "application/json;charset=UTF-8"}
PAGE = "<html>\r\n<head><title>{0} {1}</title></head>\r\n<body><h1>{1}</h1></body>\r\n</html>\r\n"
TITLES = {403: "Forbidden", 502: "Bad Gateway", 503: "Service Unavailable"}
UNKNOWN = "Execution status unknown."
MOST_ORDERS = ORDER_LIMITS[0][-1]
TEXTS: Mapping[int, tuple[int, str]] = {
    # code: HTTP status where none is asked for (0: the switch `unknown_status`), text
    -1000: (500, "An unknown error occurred while processing the request."),
    -1001: (500, "Internal error; unable to process your request. Please try again."),
    -1006: (0, f"An unexpected response was received from the message bus. {UNKNOWN}"),
    -1007: (
        0,
        "Timeout waiting for response from backend server. Send status unknown; "
        "execution status unknown.",
    ),
    -1008: (
        503,
        "Server is currently overloaded with other requests. Please try again in a few minutes.",
    ),
    -1016: (503, "This service is no longer available."),
}
# What reads show, and what a single order or list answers while it is not yet shown.
LAGGING = {
    "/api/v3/order": (-2013, "Order does not exist."),
    "order.status": (-2013, "Order does not exist."),
    "/api/v3/orderList": (-2018, "Order list does not exist."),
    "orderList.status": (-2018, "Order list does not exist."),
}
LAGGING_LISTS = frozenset(
    {"openOrders", "allOrders", "myTrades", "openOrderList", "allOrderList", "openOrders.status",
     "openOrderLists.status", "allOrderLists"}
)  # fmt: skip


class Refuse(Exception):
    """The fault's own answer instead of the exchange's."""

    def __init__(
        self, status: int, code: int, text: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(text)
        self.status, self.code, self.text = status, code, text
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        return {"code": self.code, "msg": self.text}


class WireFaults:
    """Stands between the server's door and the exchange while a fault is armed."""

    def __init__(self, exchange: PaperExchange, faults: Faults) -> None:
        self.exchange, self.faults = exchange, faults

    # -- REST -------------------------------------------------------------------------------------

    async def rest(
        self, request: web.Request, path: str, run: Callable[[], Awaitable[Response]]
    ) -> web.StreamResponse:
        """Answer a REST request, or fail at it as armed."""
        route = ROUTES.get((request.method, path))
        account = self._account(request.headers.get(KEY_HEADER, ""))
        signed = route is not None and route.security in SIGNED
        fault = self._strike(account, path, request.method, signed=signed)
        if fault is None:
            return _whole(self._lagged(await run(), path, request.method, account))
        try:
            answer = await self._answer(fault, run, account)
        except Refuse as refusal:
            body = json.dumps(refusal.body(), separators=(",", ":")).encode()
            status = refusal.status
            if refusal.code in KEY_CODES:
                status = self.exchange.engine.switches.rejected_key_status
            return web.Response(status=status, headers=JSON | refusal.headers, body=body)
        name = fault.kind.name
        if name == "drop-reply":
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError("a fault dropped this reply")
        if name == "html":
            status = int(fault.number("status"))
            page = PAGE.format(status, TITLES.get(status, "Error")).encode()
            return web.Response(status=status, headers=HTML, body=page)
        if name == "empty":
            return web.Response(status=200, headers=JSON, body=b"")
        assert answer is not None
        if name == "truncate":
            cut = answer.body[: int(fault.number("bytes"))]
            return web.Response(status=answer.status, headers=answer.headers, body=cut)
        if name == "wrong-length":
            return await _short_of(request, answer, int(fault.number("more")))
        return _whole(answer)

    # -- WS API -----------------------------------------------------------------------------------

    async def frame(
        self,
        text: str,
        session_account: int | None,
        run: Callable[[], Awaitable[dict[str, Any]]],
        *,
        abort: Callable[[], None],
        refused: Callable[[int, int], None],
    ) -> str | None:
        """The text to answer a WS API request with; None: nothing is said.

        `abort` breaks the connection; `refused` is told the status and code of a refusal.
        """
        asked = _frame(text)
        name = str(asked.get("method", "")).removeprefix("v3/")
        params = asked.get("params")
        key = params.get("apiKey") if isinstance(params, dict) else None
        account = self._account(key) if isinstance(key, str) else session_account
        route = METHODS.get(name)
        signed = (route is not None and route.security in SIGNED) or key is not None
        fault = self._strike(account, name, "WS", signed=signed)
        if fault is None:
            return json.dumps(self._lagged_frame(await run(), name, account))
        kept: list[dict[str, Any]] = []

        async def keep() -> Response:
            kept.append(await run())
            return Response(200)

        try:
            await self._answer(fault, keep, account)
        except Refuse as refusal:
            request_id = None if refusal.code == -2015 else asked.get("id")
            refused(refusal.status, refusal.code)
            answer = {"id": request_id, "status": refusal.status, "error": refusal.body()}
            return json.dumps(answer | {"rateLimits": []})
        match fault.kind.name:
            case "drop-reply":
                abort()
                return None
            case "empty" | "wrong-length":  # there is no shorter frame than none
                return None
            case "html":
                return PAGE.format(403, TITLES[403])
            case "truncate":
                return json.dumps(kept[0])[: int(fault.number("bytes"))]
            case _:
                return json.dumps(kept[0])

    # -- both -------------------------------------------------------------------------------------

    def _strike(self, account: int | None, path: str, method: str, *, signed: bool) -> Fault | None:
        """The fault that hits this request. A revoked key hurts only what is signed."""
        names = () if signed else tuple(n for n in REQUEST_NAMES if n != "key-revoked")
        return self.faults.strike(
            "request", self.exchange.now_ms, names=names, account=account, path=path, method=method
        )

    async def _answer(
        self, fault: Fault, run: Callable[[], Awaitable[Response]], account: int | None
    ) -> Response | None:
        """Carry the request out, where the fault lets it. Raises: Refuse."""
        name, now_ms = fault.kind.name, self.exchange.now_ms
        if name == "rate-limit":
            text = (
                "Too much request weight used; current limit is 6000 request weight per 1 MINUTE."
            )
            raise Refuse(429, -1003, text, {"Retry-After": fault.options["retry_after"]})
        if name == "order-limit":
            text = f"Too many new orders; current limit is {MOST_ORDERS} orders per 10 SECOND."
            raise Refuse(429, -1015, text, {"Retry-After": fault.options["retry_after"]})
        if name == "ban":
            until = fault.state.setdefault("until", now_ms + int(fault.number("seconds") * 1000))
            if now_ms >= until:
                fault.left = 0
                return await run()
            text = f"Way too much request weight used; IP banned until {until}."
            raise Refuse(418, -1003, text, {"Retry-After": str(-(-(until - now_ms) // 1000))})
        if name == "key-revoked":
            raise Refuse(401, -2015, "Invalid API-key, IP, or permissions for action.")
        accepted = fault.options.get("accepted", "yes")
        carried = accepted == "yes" or (accepted == "random" and self.faults.flip())
        answer = await run() if carried else None
        if name == "hang":
            await asyncio.sleep(fault.number("seconds"))
            return answer or Response(504, HTML, PAGE.format(504, "Gateway Time-out").encode())
        if name in ("error", "unknown"):
            code = int(fault.number("code"))
            status, text = TEXTS.get(code, (500, "An error occurred."))
            if name == "unknown":
                who = f",account={account}" if account is not None else ""
                wait = fault.options["visible_after"]
                self.faults.arm(f"read-lag:seconds={wait},for={wait}{who}", now_ms)
            status = status or self.exchange.engine.switches.unknown_status
            raise Refuse(int(fault.number("status")) or status, code, text)
        return answer

    def _account(self, key: str) -> int | None:
        known = self.exchange.keys.get(key)
        return known.account if known else None

    def _lagged(self, answer: Response, path: str, method: str, account: int | None) -> Response:
        if method != "GET" or answer.status != 200:
            return answer
        name = path.removeprefix("/api/v3/")
        if path not in LAGGING and name not in LAGGING_LISTS:
            return answer
        seen, refusal = self._seen(answer.json(), path, account)
        if refusal:
            body = json.dumps({"code": refusal[0], "msg": refusal[1]}).encode()
            return Response(400, answer.headers, body)
        return Response(200, answer.headers, json.dumps(seen, separators=(",", ":")).encode())

    def _lagged_frame(
        self, answer: dict[str, Any], name: str, account: int | None
    ) -> dict[str, Any]:
        if answer.get("status") != 200 or (name not in LAGGING and name not in LAGGING_LISTS):
            return answer
        seen, refusal = self._seen(answer["result"], name, account)
        if refusal is None:
            return answer | {"result": seen}
        error = {"code": refusal[0], "msg": refusal[1]}
        kept = {key: value for key, value in answer.items() if key != "result"}
        return kept | {"status": 400, "error": error}

    def _seen(
        self, result: Any, path: str, account: int | None
    ) -> tuple[Any, tuple[int, str] | None]:
        """What a read shows of a result while it lags."""
        now_ms = self.exchange.now_ms
        lag = self.faults.strike("read", now_ms, account=account, path=path)
        if lag is None:
            return result, None
        newest = now_ms - int(lag.number("seconds") * 1000)
        if isinstance(result, list):
            return [one for one in result if _born(one) <= newest], None
        return result, (LAGGING[path] if _born(result) > newest else None)


REQUEST_NAMES = (
    "drop-reply", "hang", "error", "unknown", "truncate", "wrong-length", "html", "empty",
    "rate-limit", "order-limit", "ban", "key-revoked",
)  # fmt: skip


def _born(thing: Mapping[str, Any]) -> int:
    """When an order, a trade or a list came about."""
    return int(thing.get("time", thing.get("transactionTime", 0)))


def _frame(text: str) -> dict[str, Any]:
    try:
        asked = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return asked if isinstance(asked, dict) else {}


def _whole(answer: Response) -> web.Response:
    return web.Response(status=answer.status, headers=answer.headers, body=answer.body)


async def _short_of(request: web.Request, answer: Response, more: int) -> web.StreamResponse:
    """Send the body under a Content-Length that promises more, then close."""
    reply = web.StreamResponse(status=answer.status, headers=answer.headers)
    reply.content_length = len(answer.body) + more
    reply.force_close()
    await reply.prepare(request)
    await reply.write(answer.body)
    if request.transport is not None:
        request.transport.close()
    return reply
