"""A Binance-compatible host as the conformance checks see it: signed REST and the WS API."""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import requests

TIMEOUT = 20


def sign(secret: str, payload: str) -> str:
    """HMAC-SHA-256 in hexadecimal, as every signed request carries it."""
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


@dataclass(slots=True)
class Host:
    """Where to look, and with which key (none: only what is public)."""

    base_url: str
    ws_url: str
    stream_url: str
    key: str = ""
    secret: str = ""
    session: requests.Session = field(default_factory=requests.Session)
    offset_ms: int = 0

    def now_ms(self) -> int:
        """The host's time, as far as known."""
        return time.time_ns() // 1_000_000 + self.offset_ms

    def learn_time(self) -> None:
        """Read the host's clock, so that a clock of ours that is off fails nothing."""
        started = time.time_ns() // 1_000_000
        server = self.rest("GET", "/api/v3/time").json()["serverTime"]
        self.offset_ms = server - (started + time.time_ns() // 1_000_000) // 2

    def rest(
        self, method: str, path: str, params: dict[str, Any] | None = None, *, signed: bool = False
    ) -> requests.Response:
        """One request. Raises: requests.RequestException."""
        params = {name: value for name, value in (params or {}).items() if value is not None}
        headers = {"X-MBX-APIKEY": self.key} if self.key else {}
        if signed:
            params = {"timestamp": self.now_ms(), "recvWindow": 10_000} | params
        query = urlencode(params)
        if signed:
            query += f"&signature={sign(self.secret, query)}"
        return self.session.request(
            method, f"{self.base_url}{path}?{query}", headers=headers, timeout=TIMEOUT
        )

    def signed_params(self, params: dict[str, Any]) -> dict[str, Any]:
        """Parameters of a WS API request with key, time and signature (sorted, not encoded)."""
        full = params | {"apiKey": self.key, "timestamp": self.now_ms()}
        payload = "&".join(f"{name}={full[name]}" for name in sorted(full))
        return full | {"signature": sign(self.secret, payload)}
