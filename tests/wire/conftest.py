"""A paper exchange as a real process whose faults are armed and disarmed between tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from tests.conformance.host import Host
from tests.paper.process import PaperProcess

BTC = "BTCUSDT"


@dataclass
class Faulty:
    """An account at an exchange that fails on command."""

    process: PaperProcess
    host: Host
    account: int

    def arm(self, text: str, *, everyone: bool = False) -> int:
        """Arm a fault for this account. Returns its number."""
        if not everyone:
            text += f"{',' if ':' in text else ':'}account={self.account}"
        return int(self.process.admin("faults", fault=text)["id"])

    def disarm(self) -> None:
        requests.delete(f"{self.process.url}/paper-admin/faults", timeout=10).raise_for_status()

    @property
    def struck(self) -> list[str]:
        """Names of the faults that struck, oldest first."""
        return [one["fault"] for one in self.process.admin("faults")["struck"]]

    @property
    def last(self) -> float:
        return float(self.process.admin("state")["symbols"][BTC])

    def order(self, name: str, **changes: Any) -> dict[str, Any]:
        """Parameters of a resting buy order of that client id."""
        return {
            "symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
            "quantity": "0.01", "price": f"{self.last * 0.9:.2f}", "newClientOrderId": name,
        } | changes  # fmt: skip

    def place(self, name: str, **changes: Any) -> requests.Response:
        return self.host.rest("POST", "/api/v3/order", self.order(name, **changes), signed=True)

    def get(self, path: str, **params: Any) -> requests.Response:
        return self.host.rest("GET", f"/api/v3/{path}", params, signed=True)

    def open_names(self) -> list[str]:
        """Client ids of what really is open."""
        return [one["clientOrderId"] for one in self.get("openOrders", symbol=BTC).json()]


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PaperProcess]:
    started = PaperProcess(tmp_path_factory.mktemp("wire") / "state.sqlite3")
    yield started
    started.close()


@pytest.fixture
def faulty(process: PaperProcess) -> Iterator[Faulty]:
    made = process.admin("accounts", balances={"USDT": "10000", "BTC": "0.5"})
    socket = process.url.replace("http", "ws", 1)
    host = Host(process.url, f"{socket}/ws-api/v3", socket, made["key"], made["secret"])
    yield Faulty(process, host, made["account"])
    host.session.close()
    requests.delete(f"{process.url}/paper-admin/faults", timeout=10).raise_for_status()
    state = process.admin("state")
    assert state["conserved"] is True
