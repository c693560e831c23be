"""The other side of the desk, played by the test: API answers, and sockets that say what it wants."""

import json
import math
import random
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, Route, WebSocketRoute

from tests.desk.pages import ACCOUNT

SECONDS = {"1m": 60, "5m": 300, "15m": 900, "1h": 3600, "4h": 14_400, "1d": 86_400}

RULES = [
    ("stop_side", "Stop on the losing side", "1", "1", ""),
    ("stop_distance", "Stop distance", "320", "128", "USDT"),
    ("trade_risk", "Risk per trade", "99.91", "100", "USDT"),
    ("portfolio_heat", "Portfolio heat", "99.91", "300", "USDT"),
    ("daily_loss", "Day's loss", "99.91", "300", "USDT"),
    ("losing_streak", "Losing streak", "1", "3", "losses in a row"),
    ("open_positions", "Open positions", "1", "5", "positions"),
    ("symbol_position", "One position per symbol", "1", "1", "positions"),
    ("trades_today", "Trades a day", "2", "10", "trades"),
    ("reward_to_risk", "Reward to risk, net", "2.98", "2", "R"),
    ("market_data", "Age of the prices", "0.2", "5", "s"),
    ("trading_state", "Trading state", "1", "1", ""),
    ("reconciliation", "In step with the exchange", "1", "1", ""),
]


def verdict(code: str, title: str, measured: str, limit: str, unit: str) -> dict[str, Any]:
    return {
        "code": code, "title": title, "measured": measured, "limit": limit, "margin": "0",
        "unit": unit, "ok": True, "effect": "block", "message": f"{title}: within the limit.",
        "needs_acknowledgement": False,
    }  # fmt: skip


def verdicts() -> list[dict[str, Any]]:
    return [verdict(*rule) for rule in RULES]


def refusal() -> list[dict[str, Any]]:
    made = verdicts()
    for one in made:
        if one["code"] == "reward_to_risk":
            one |= {"ok": False, "measured": "1.12", "message": "1.12 R after fees is below your 2 R. Move the target to 65,288.00 or further, or the stop closer."}  # fmt: skip
        if one["code"] == "portfolio_heat":
            one |= {"ok": False, "measured": "312.40", "message": "Lower the risk by 12.40 USDT, or close a position first."}  # fmt: skip
    return made


def candles(interval: str, *, end: float | None = None, n: int = 320) -> list[list[Any]]:
    """A market that looks like one, the same on every call for the same end."""
    width = SECONDS[interval]
    last = int((end or time.time()) // width * width)
    noise = random.Random(7)
    rows, price = [], 63_200.0
    for i in range(n):
        opened = price
        drift = 26 * math.sin(i / 23) + 5 * math.sin(i / 5)
        price = opened + drift + noise.gauss(0, 38)
        high = max(opened, price) + abs(noise.gauss(0, 26))
        low = min(opened, price) - abs(noise.gauss(0, 26))
        volume = abs(noise.gauss(9, 5)) + abs(drift) / 6
        rows.append([last - (n - 1 - i) * width, *(f"{v:.2f}" for v in (opened, high, low, price)), f"{volume:.5f}"])  # fmt: skip
    shift = Decimal("64000.00") - Decimal(rows[-1][4])
    return [[r[0], *(str(Decimal(v) + shift) for v in r[1:5]), r[5]] for r in rows]


def preview(drawing: dict[str, str]) -> dict[str, Any]:
    """A plausible answer; the real sums are risk.sizing's, tested there and in the flows."""
    entry, stop, target = (Decimal(drawing[name]) for name in ("entry", "stop", "target"))
    fee = Decimal("0.001")
    per_unit = abs(entry - stop) + fee * (entry + stop)
    quantity = (Decimal(100) / per_unit).quantize(Decimal("0.00001"), rounding="ROUND_FLOOR")
    risk = (quantity * per_unit).quantize(Decimal("0.00000001"))
    profit = quantity * (abs(target - entry) - fee * (entry + target))
    return {
        "ok": True, "kind": "now", **{k: drawing[k] for k in ("account", "symbol", "side", "entry", "stop", "target")},
        "worst_entry": str(entry + Decimal("32.00")), "quantity": str(quantity), "base": "BTC",
        "notional": str(quantity * entry), "risk_fraction": drawing.get("risk_fraction", "0.01"),
        "risk_budget": "100", "planned_risk": str(risk), "rounding_loss": str(Decimal(100) - risk),
        "bound": "risk", "reward_to_risk": str((profit / risk).quantize(Decimal("0.0001"))),
        "reward_to_risk_gross": str((abs(target - entry) / abs(entry - stop)).quantize(Decimal("0.0001"))),
        "planned_profit": str(profit), "entry_fee": str(quantity * entry * fee),
        "exit_fee": str(quantity * stop * fee), "currency": "USDT", "quoted_price": "64000.00",
        "quoted_at": "2026-11-23T04:00:00Z", "verdicts": verdicts(),
        "gauges": {
            "heat": {"before": "0", "after": str(risk), "limit": "300"},
            "day_loss": {"before": "41.2", "after": str(risk + Decimal("41.2")), "limit": "300"},
        },
    }  # fmt: skip


def trade(**changes: Any) -> dict[str, Any]:
    return {
        "id": "01939a5e-0000-7000-8000-0000000000aa", "version": 3, "account": ACCOUNT["id"],
        "symbol": "BTCUSDT", "base": "BTC", "side": "long", "kind": "now", "state": "open",
        "state_text": "Open", "entry": "63900", "worst_entry": "63932", "stop": "63580.5",
        "target": "65369.7", "quantity": "0.2229", "planned_risk": "99.91", "risk_budget": "100",
        "initial_risk": "99.85", "reward_to_risk": "3", "entry_price": "63902.1",
        "exit_price": None, "entered_quantity": "0.2229", "held_quantity": "0.2229",
        "protected": True, "order_ms": 41, "protected_ms": 93, "naked_ms": 2, "r_multiple": None,
        "profit": None, "fees": "14.24", "exit_reason": None,
        "placed_at": "2026-11-23T03:12:00Z", "opened_at": "2026-11-23T03:12:00Z",
        "closed_at": None, "currency": "USDT",
    } | changes  # fmt: skip


def closed_trade(n: int, r: str, reason: str) -> dict[str, Any]:
    return trade(
        id=f"01939a5e-0000-7000-8000-0000000002{n:02d}", state="closed",
        state_text="Target hit" if reason == "target" else "Stopped out", exit_reason=reason,
        held_quantity="0", protected=False, r_multiple=r, profit=str(Decimal(r) * Decimal("99.85")),
        exit_price="65369.7" if reason == "target" else "63580.5",
        closed_at=f"2026-11-22T1{n}:40:00Z",
    )  # fmt: skip


class Exchange:
    """Answers the page. Tests change its fields and read `previews`, `placed`, `asked`."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.open: list[dict[str, Any]] = []
        self.closed: list[dict[str, Any]] = []
        self.answer: Callable[[dict[str, str]], tuple[int, Any]] = lambda d: (200, preview(d))
        self.place: Callable[[dict[str, Any]], tuple[int, Any]] = lambda d: (201, trade(state="entering", state_text="Entering", entry_price=None, held_quantity="0", protected=False))  # fmt: skip
        self.hold: Callable[[Route, dict[str, str]], bool] = lambda route, drawing: False
        self.candle_status = 200
        self.previews: list[dict[str, str]] = []
        self.placed: list[tuple[str, dict[str, Any]]] = []
        self.asked: list[str] = []
        self.market: WebSocketRoute | None = None
        self.account: WebSocketRoute | None = None
        self.heard: list[dict[str, Any]] = []
        self.account_heard: list[dict[str, Any]] = []
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
            body = {"symbol": query["symbol"], "interval": query["interval"], "candles": rows}
            return reply(route, self.candle_status, body if self.candle_status == 200 else {"detail": "The market store is being restarted."})  # fmt: skip
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
        if path == "trades":
            found = self.open if query.get("state") == "open" else self.closed
            return reply(route, 200, {"results": found, "next": None})
        if path.endswith("/risk"):
            heat = "99.85" if self.open else "0"
            return reply(route, 200, risk(heat))
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
            "price": price, "bid": str(exact - Decimal("0.01")), "ask": str(exact + Decimal("0.01")),
            "at": int(now * 1000),
            "candle": [int(now // 60 * 60), "63990.00", max(price, "64004.10"), min(price, "63985.20"), price, "3.20711"],
        }  # fmt: skip
        frame = {"type": "market", "seq": self.seq, "prices": {"BTCUSDT": tick}, "age_ms": age_ms}
        if self.market:
            self.market.send(json.dumps(frame))

    def event(self, text: str, changed: dict[str, Any] | None = None, *, skip: int = 0) -> None:
        """One event of the account; `skip` leaves a gap in the numbers."""
        self.account_seq += 1 + skip
        frame = {"type": "event", "seq": self.account_seq, "event": "trading.test", "text": text, "trade": changed}  # fmt: skip
        if self.account:
            self.account.send(json.dumps(frame))


def risk(heat: str = "0") -> dict[str, Any]:
    room = str(Decimal(300) - Decimal(heat))
    return {
        "account": ACCOUNT["id"], "currency": "USDT", "state": "active", "equity": "10041.27",
        "cash": "10041.27", "heat": {"value": heat, "limit": "300", "room": room},
        "day_loss": {"value": "41.2", "limit": "300", "room": "258.80"},
        "positions": {"value": 0 if heat == "0" else 1, "limit": 5},
        "streak": {"value": 1, "limit": 3}, "reconciled": True, "messages": [],
    }  # fmt: skip


def reply(route: Route, status: int, body: Any) -> None:
    route.fulfill(status=status, content_type="application/json", body=json.dumps(body))
