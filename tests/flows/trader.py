"""A trader at the real platform: signs in over HTTP and trades through the API."""

import time
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import requests

from tests.running import RunningStack

PASSWORD = "correct horse battery staple"
MAKE = (
    "from django.contrib.auth import get_user_model\n"
    "get_user_model().objects.create_user({name!r}, {name!r} + '@example.com', {password!r})"
)


def until(what: str, look: Callable[[], Any], *, seconds: float = 30) -> Any:
    """Wait for something to become true. Raises: AssertionError saying what was awaited."""
    deadline = time.monotonic() + seconds
    seen = look()
    while not seen:
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.1)
        seen = look()
    return seen


class Trader:
    """One signed-in user with one fresh paper account."""

    def __init__(self, stack: RunningStack) -> None:
        self.stack = stack
        self.name = f"t{uuid.uuid4().hex[:10]}"
        stack.python(MAKE.format(name=self.name, password=PASSWORD))
        self.http = requests.Session()
        self._sign_in()
        body = {"venue": "paper", "name": "Practice"}
        self.account = self.post("/api/v1/exchange-accounts", body, status=201)["id"]
        until("the account to be in step", lambda: self.risk()["reconciled"])

    def _sign_in(self) -> None:
        url = f"{self.stack.url}/sign-in/"
        self.http.get(url, timeout=10)
        form = {
            "username": self.name,
            "password": PASSWORD,
            "csrfmiddlewaretoken": self._token(),
        }
        answer = self.http.post(url, form, headers={"Referer": url}, timeout=10)
        assert answer.ok, answer.status_code
        assert self.get("/api/v1/me")["username"] == self.name

    def _token(self) -> str:
        return next(cookie.value for cookie in self.http.cookies if "csrf" in cookie.name.lower())

    def get(self, path: str, **query: Any) -> Any:
        answer = self.http.get(f"{self.stack.url}{path}", params=query, timeout=10)
        assert answer.ok, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def post(self, path: str, body: Any = None, *, status: int = 200, **headers: str) -> Any:
        headers = {"X-CSRFToken": self._token(), "Referer": self.stack.url, **headers}
        answer = self.http.post(f"{self.stack.url}{path}", json=body, headers=headers, timeout=15)
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def risk(self) -> Any:
        return self.get(f"/api/v1/accounts/{self.account}/risk")

    def plan(self, symbol: str = "BTCUSDT", *, away: str = "0") -> dict[str, Any]:
        """A long at the market or `away` from it, 1.2 % to the stop, 4 % to the target."""

        def priced() -> Any:
            rough = {"entry": "60000.00", "stop": "59000.00", "target": "65000.00"}
            answer = self.http.post(
                f"{self.stack.url}/api/v1/plans/preview",
                json={"account": self.account, "symbol": symbol, "side": "long", **rough},
                headers={"X-CSRFToken": self._token(), "Referer": self.stack.url},
                timeout=10,
            )
            return answer.json() if answer.status_code == 200 else None

        ask = Decimal(until("a live price", priced)["quoted_price"])
        entry = ask * (1 + Decimal(away))
        lines = {
            "entry": entry, "stop": entry * Decimal("0.988"), "target": entry * Decimal("1.04"),
        }  # fmt: skip
        prices = {name: f"{price:.2f}" for name, price in lines.items()}
        body = {"account": self.account, "symbol": symbol, "side": "long", **prices}
        seen = self.post("/api/v1/plans/preview", body)
        assert seen["ok"], seen["verdicts"]
        return {**body, **{name: seen[name] for name in ("quoted_price", "quoted_at", "kind")}}

    def place(self, symbol: str = "BTCUSDT", *, away: str = "0", **headers: str) -> Any:
        key = {"Idempotency-Key": str(uuid.uuid4())}
        plan = self.plan(symbol, away=away)
        return self.post("/api/v1/trades", plan, status=201, **key, **headers)

    def trade(self, trade_id: str) -> Any:
        return self.get(f"/api/v1/trades/{trade_id}")

    def wait(self, trade_id: str, state: str, *, seconds: float = 30) -> Any:
        """The trade once it has reached `state`."""
        until(
            f"the trade to be {state}",
            lambda: self.trade(trade_id)["state"] == state,
            seconds=seconds,
        )
        return self.trade(trade_id)

    def protected(self, trade_id: str, *, seconds: float = 30) -> Any:
        until("protection", lambda: self.trade(trade_id)["protected"], seconds=seconds)
        return self.trade(trade_id)
