"""The other side of the desk, played by the test: the API and both sockets."""

import json
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, Route, WebSocketRoute

from tests.desk.pages import ACCOUNT
from tests.desk.wire import candles, entering, preview, risk, trade


class Exchange:
    """Answers the page. Tests change its fields and read `previews`, `placed`, `asked`."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.open: list[dict[str, Any]] = []
        self.closed: list[dict[str, Any]] = []
        self.answer: Callable[[dict[str, str]], tuple[int, Any]] = lambda d: (200, preview(d))
        self.place: Callable[[dict[str, Any]], tuple[int, Any]] = lambda d: (201, entering())
        self.hold: Callable[[Route, dict[str, str]], bool] = lambda route, drawing: False
        self.candle_status = 200
        self.previews: list[dict[str, str]] = []
        self.placed: list[tuple[str, dict[str, Any]]] = []
        self.move: Callable[[dict[str, str]], tuple[int, Any]] = lambda b: (202, trade(version=4))
        self.moves: list[tuple[dict[str, str], dict[str, str]]] = []  # headers, body
        self.asked: list[str] = []
        self.market: WebSocketRoute | None = None
        self.account: WebSocketRoute | None = None
        self.heard: list[dict[str, Any]] = []
        self.account_heard: list[dict[str, Any]] = []
        self.trouble: dict[str, Any] | None = None  # of the exchange's health
        self.seq = 0
        self.account_seq = 41
        self.problems: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.route("**/api/v1/**", self._route)
        page.route_web_socket("**/ws/market/**", self._market)
        page.route_web_socket("**/ws/account/**", self._account)

    def _console(self, message: Any) -> None:
        # The browser itself logs every 4xx; refusals are answers here.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.problems.append(message.text)

    def _route(self, route: Route) -> None:
        request = route.request
        path = urlsplit(request.url).path.removeprefix("/api/v1/")
        query = {k: v[0] for k, v in parse_qs(urlsplit(request.url).query).items()}
        self.asked.append(f"{request.method} {path}")
        if path == "candles":
            older = "end" in query
            rows = [] if older else candles(query["interval"])
            if self.candle_status != 200:
                return reply(route, self.candle_status, {"detail": "The store is restarting."})
            body = {"symbol": query["symbol"], "interval": query["interval"], "candles": rows}
            return reply(route, self.candle_status, body)
        if path == "plans/preview":
            drawing = json.loads(request.post_data or "{}")
            self.previews.append(drawing)
            if not self.hold(route, drawing):
                reply(route, *self.answer(drawing))
            return None
        if path == "trades" and request.method == "POST":
            body = json.loads(request.post_data or "{}")
            self.placed.append((request.headers.get("idempotency-key", ""), body))
            status, answer = self.place(body)
            return route.abort() if status == 0 else reply(route, status, answer)
        if request.method == "PATCH":
            body = json.loads(request.post_data or "{}")
            self.moves.append((request.headers, body))
            return reply(route, *self.move(body))
        if path == "trades":
            found = self.open if query.get("state") == "open" else self.closed
            return reply(route, 200, {"results": found, "next": None})
        if path.endswith("/risk"):
            heat = "99.85" if self.open else "0"
            return reply(route, 200, risk(heat) | {"exchange": self.trouble})
        return reply(route, 202, trade(state="closing", state_text="Closing", version=9))

    def _market(self, ws: WebSocketRoute) -> None:
        self.market = ws
        ws.on_message(lambda text: self.heard.append(json.loads(text)))

    def _account(self, ws: WebSocketRoute) -> None:
        self.account = ws
        ws.on_message(lambda text: self.account_heard.append(json.loads(text)))
        ws.send(json.dumps({"type": "hello", "seq": self.account_seq, "account": ACCOUNT["id"]}))

    def price(self, price: str = "63999.99", *, age_ms: int = 60) -> None:
        """One frame of the market."""
        self.seq += 1
        now = time.time()
        exact = Decimal(price)
        tick = {
            "price": price, "at": int(now * 1000),
            "bid": str(exact - Decimal("0.01")), "ask": str(exact + Decimal("0.01")),
            "candle": [int(now // 60 * 60), "63990.00", max(price, "64004.10"),
                       min(price, "63985.20"), price, "3.20711"],
        }  # fmt: skip
        frame = {"type": "market", "seq": self.seq, "prices": {"BTCUSDT": tick}, "age_ms": age_ms}
        if self.market:
            self.market.send(json.dumps(frame))

    def event(
        self,
        text: str,
        changed: dict[str, Any] | None = None,
        *,
        skip: int = 0,
        name: str = "trading.test",
    ) -> None:
        """One event of the account; `skip` leaves a gap in the numbers."""
        self.account_seq += 1 + skip
        frame = {
            "type": "event",
            "seq": self.account_seq,
            "event": name,
            "text": text,
            "trade": changed,
        }
        if self.account:
            self.account.send(json.dumps(frame))


def reply(route: Route, status: int, body: Any) -> None:
    route.fulfill(status=status, content_type="application/json", body=json.dumps(body))
