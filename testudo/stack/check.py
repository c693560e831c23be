"""`bin/run --check`: the main job once, as a trader's program would do it, over HTTP and WebSocket.

Sign in, open a fresh practice account, preview a plan on BTCUSDT, place it, watch it fill and be
protected, move the paper market to the target, and read the closed trade in the journal.
"""

import json
import os
import time
import uuid
from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from typing import Any

import requests
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

SYMBOL = "BTCUSDT"
STOP_DISTANCE = Decimal("0.005")  # of the entry
TARGETS = [Decimal(n) / 1000 for n in range(15, 65, 5)]  # of the entry; the nearest that is allowed
NEAR = Decimal("0.0004")  # of the target
R_TOLERANCE = Decimal("0.1")  # the walk ends NEAR beyond the target, which is 0.05 R alone
TIMEOUT = (3, 15)  # seconds to connect, to answer


class Missed(Exception):
    """What was awaited, and what was seen instead."""


def main_job(url: str, *, password: str, username: str = "demo") -> dict[str, Any]:
    """Do it; returns what `bin/run --check` prints. A failure is an answer with an `error`."""
    base = url.rstrip("/")
    started = time.monotonic()
    try:
        trade = _trade_once(Trader(base, username=username, password=password))
    except (Missed, requests.RequestException, WebSocketException, OSError) as missed:
        return {"ok": False, "symbol": SYMBOL, "error": f"{type(missed).__name__}: {missed}"}
    names = ("symbol", "quantity", "planned_risk", "entry_price", "exit_price", "r_multiple",
             "order_ms", "protected_ms")  # fmt: skip
    elapsed = round(time.monotonic() - started, 1)
    return {"ok": True, **{name: trade[name] for name in names}, "seconds": elapsed}


def _trade_once(trader: "Trader") -> dict[str, Any]:
    account = trader.post(
        "exchange-accounts", {"venue": "paper", "name": f"Check {uuid.uuid4().hex[:8]}"}, expect=201
    )["id"]
    try:
        with trader.socket(f"/ws/account/?account={account}") as events:
            _receive(events, lambda frame: frame.get("type") == "hello", "the account's hello")
            plan, preview = _allowed_plan(trader, account)
            planned, budget = Decimal(preview["planned_risk"]), Decimal(preview["risk_budget"])
            if not 0 < planned <= budget:
                raise Missed(f"awaited 0 < planned_risk <= {budget}; saw {planned}")
            quote = {name: preview[name] for name in ("quoted_price", "quoted_at", "kind")}
            placed = trader.post("trades", plan | quote, expect=201, once=True)
            watch = Watch(trader, events, placed)
            watch.until(
                lambda t: t["state"] == "open" and t["protected"], "open and protected", seconds=20
            )
            _walk_to_target(trader, plan)
            closed = watch.until(lambda t: t["state"] == "closed", "closed", seconds=40)
        if closed["exit_reason"] != "target":
            raise Missed(f"awaited an exit at the target; saw {closed['exit_reason']!r}")
        missed_by = abs(Decimal(closed["r_multiple"]) - Decimal(closed["reward_to_risk"]))
        if missed_by > R_TOLERANCE:
            raise Missed(
                f"awaited {closed['reward_to_risk']} R within {R_TOLERANCE}; "
                f"saw {closed['r_multiple']} R"
            )
        _in_journal(trader, account, closed["id"])
        trader.move_market(Decimal(plan["entry"]))  # or a hundred checks would carry it away
        return closed
    finally:
        trader.delete(f"exchange-accounts/{account}")


def _walk_to_target(trader: "Trader", plan: dict[str, str]) -> None:
    """Quickly to just below the target, then slowly through it: a market that jumps over it would
    pay more than planned."""
    target = Decimal(plan["target"])
    trader.move_market(target * (1 - NEAR), over_ms=1500)
    near = target * (1 - 2 * NEAR)
    _ask(trader, until=lambda ask: ask >= near, what=f"the market near {target}")
    trader.move_market(target * (1 + NEAR), over_ms=2500)


def _allowed_plan(trader: "Trader", account: str) -> tuple[dict[str, str], dict[str, Any]]:
    """A long at the ask that the rules allow: the nearest target worth its risk."""
    symbols = trader.get(f"symbols?account={account}")["results"]
    ticks = {each["name"]: Decimal(each["tick"]) for each in symbols}
    if SYMBOL not in ticks:
        raise Missed(f"awaited {SYMBOL} among the symbols to trade; saw {sorted(ticks)}")
    tick = ticks[SYMBOL]
    targets = iter(TARGETS)
    target = next(targets)
    deadline = time.monotonic() + 15
    while True:
        ask = _ask(trader)
        plan = {
            "account": account,
            "symbol": SYMBOL,
            "side": "long",
            "entry": _plain(ask),
            "stop": _plain(_to_tick(ask * (1 - STOP_DISTANCE), tick)),
            "target": _plain(_to_tick(ask * (1 + target), tick)),
        }
        preview = trader.post("plans/preview", plan, expect=200)
        if preview["ok"] and preview["kind"] == "now":  # the market did not leave the line
            return plan, preview
        refused = {v["code"]: v["message"] for v in preview["verdicts"] if not v["ok"]}
        farther = next(targets, None) if refused.keys() == {"reward_to_risk"} else target
        if farther is None or time.monotonic() > deadline:
            raise Missed(f"awaited a plan that the rules allow; the last was refused: {refused}")
        if farther == target:  # a new account is first compared with the exchange
            time.sleep(0.1)
        target = farther


def _ask(
    trader: "Trader",
    *,
    until: Callable[[Decimal], bool] = lambda ask: True,
    what: str = f"a price of {SYMBOL}",
) -> Decimal:
    """The best ask from the market's socket, once `until` holds for it."""

    def holds(frame: dict[str, Any]) -> bool:
        price = frame.get("prices", {}).get(SYMBOL)
        return price is not None and until(Decimal(price["ask"]))

    with trader.socket("/ws/market/?venue=paper") as market:
        market.send(json.dumps({"op": "subscribe", "symbols": [SYMBOL]}))
        frame = _receive(market, holds, what, seconds=20)
        return Decimal(frame["prices"][SYMBOL]["ask"])


def _in_journal(trader: "Trader", account: str, trade: str) -> None:
    deadline = time.monotonic() + 15
    rows: list[dict[str, Any]] = []
    while time.monotonic() < deadline:
        rows = trader.get(f"journal/trades?account={account}")["results"]
        if any(trade in (row.get("trade"), row.get("trade_id"), row.get("id")) for row in rows):
            return
        time.sleep(0.2)  # the journal writes itself shortly after; there is nothing to listen to
    raise Missed(f"awaited trade {trade} in the journal for 15 s; last seen: {rows}")


class Trader:
    """A signed-in session."""

    def __init__(self, base: str, *, username: str, password: str) -> None:
        self.base = base
        self.http = requests.Session()
        page = self.http.get(f"{base}/sign-in/", timeout=TIMEOUT)
        form = {
            "username": username,
            "password": password,
            "csrfmiddlewaretoken": self._csrf(page),
        }
        done = self.http.post(
            f"{base}/sign-in/", form, headers={"Referer": f"{base}/sign-in/"}, timeout=TIMEOUT
        )
        if "sessionid" not in self.http.cookies:
            raise Missed(f"awaited a session after signing in; saw status {done.status_code}")

    def _csrf(self, reply: requests.Response) -> str:
        if "csrftoken" not in self.http.cookies:
            raise Missed(f"awaited a CSRF cookie from {reply.url}; saw status {reply.status_code}")
        return self.http.cookies["csrftoken"]

    def get(self, path: str) -> dict[str, Any]:
        return self._answer("GET", path, None, 200, {})

    def post(
        self, path: str, body: dict[str, str], *, expect: int, once: bool = False
    ) -> dict[str, Any]:
        """Post JSON; `once` sends an Idempotency-Key."""
        headers = {"Idempotency-Key": uuid.uuid4().hex} if once else {}
        return self._answer("POST", path, body, expect, headers)

    def delete(self, path: str) -> None:
        """Tidy up; a refusal is not the job's."""
        self.http.delete(f"{self.base}/api/v1/{path}", headers=self._headers(), timeout=TIMEOUT)

    def _answer(
        self, method: str, path: str, body: Any, expect: int, headers: dict[str, str]
    ) -> dict[str, Any]:
        url = f"{self.base}/api/v1/{path}"
        reply = self.http.request(
            method, url, json=body, headers=self._headers() | headers, timeout=TIMEOUT
        )
        if reply.status_code != expect:
            raise Missed(
                f"awaited {expect} from {method} {path}; saw {reply.status_code}: "
                f"{reply.text[:2000]}"
            )
        return reply.json()

    def _headers(self) -> dict[str, str]:
        return {"X-CSRFToken": self.http.cookies["csrftoken"], "Referer": self.base}

    def socket(self, path: str) -> ClientConnection:
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.http.cookies)
        return connect(
            self.base.replace("http", "ws", 1) + path,
            origin=self.base,  # type: ignore[arg-type]
            additional_headers={"Cookie": cookies},
            open_timeout=10,
            close_timeout=2,
            proxy=None,
        )

    def move_market(self, price: Decimal, *, over_ms: int = 1500) -> None:
        """Walk the paper market to `price`, through the exchange's own door."""
        reply = requests.post(
            os.environ["PAPER_ADMIN_URL"] + "/move",
            json={
                "symbol": SYMBOL,
                "price": _plain(price.quantize(Decimal("0.01"))),
                "over_ms": over_ms,
            },
            headers={"X-Paper-Admin-Token": os.environ["PAPER_ADMIN_TOKEN"]},
            timeout=TIMEOUT,
        )
        if reply.status_code != 200:
            raise Missed(
                f"awaited 200 from the paper market; saw {reply.status_code}: {reply.text}"
            )


class Watch:
    """Follows one trade through the account's socket."""

    def __init__(self, trader: Trader, events: ClientConnection, trade: dict[str, Any]) -> None:
        self.trader, self.events, self.last = trader, events, trade

    def until(
        self, holds: Callable[[dict[str, Any]], bool], what: str, *, seconds: float
    ) -> dict[str, Any]:
        """Wait until a frame shows the trade so. Raises: Missed."""

        def seen(frame: dict[str, Any]) -> bool:
            trade = frame.get("trade")
            if trade and trade["id"] == self.last["id"]:
                self.last = trade
            return holds(self.last)

        try:
            _receive(self.events, seen, f"the trade to be {what}", seconds=seconds)
        except Missed as missed:
            now = self.trader.get(f"trades/{self.last['id']}")
            told = {name: self.last[name] for name in ("state", "protected", "version")}
            timeline = [entry["what"] for entry in now.get("timeline", [])]
            raise Missed(
                f"{missed}; the socket's last word: {told}; over HTTP it is {now['state']!r} "
                f"({now['state_text']}), protected {now['protected']}, timeline {timeline}"
            ) from missed
        return self.last


def _receive(
    link: ClientConnection,
    holds: Callable[[dict[str, Any]], bool],
    what: str,
    *,
    seconds: float = 10,
) -> dict[str, Any]:
    """The first frame for which `holds` is true. Raises: Missed after `seconds`."""
    deadline = time.monotonic() + seconds
    last = "nothing"
    while (left := deadline - time.monotonic()) > 0:
        try:
            last = str(link.recv(timeout=left))
        except TimeoutError:
            break
        frame = json.loads(last)
        if holds(frame):
            return frame
    raise Missed(f"awaited {what} for {seconds:.0f} s; the last frame: {last[:1000]}")


def _to_tick(price: Decimal, tick: Decimal) -> Decimal:
    return (price / tick).to_integral_value(rounding=ROUND_DOWN) * tick


def _plain(number: Decimal) -> str:
    return format(number.normalize(), "f")
