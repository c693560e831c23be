"""The exchange without a socket: a transport for `requests`, so that unchanged clients can call it.

For seeding and tests on a virtual clock: mount it on the session of a client,
`session.mount("http://paper", InProcessAdapter(exchange, clock.now_ms))`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from trading.exchange.paper.exchange import PaperExchange


class InProcessAdapter(BaseAdapter):
    """Hands every request to the exchange, at the time the clock gives (ms since the epoch)."""

    def __init__(self, exchange: PaperExchange, now_ms: Callable[[], int]) -> None:
        super().__init__()
        self.exchange = exchange
        self.now_ms = now_ms

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Answer as the server would."""
        url = urlsplit(request.url or "")
        body = request.body or b""
        answer = self.exchange.handle(
            request.method or "GET",
            url.path,
            url.query,
            body if isinstance(body, str) else bytes(body).decode(),
            dict(request.headers),
            self.now_ms(),
        )
        response = requests.Response()
        response.status_code = answer.status
        response.headers = CaseInsensitiveDict(answer.headers)
        response.raw = BytesIO(answer.body)
        response.encoding = "utf-8"
        response.url = request.url or ""
        response.request = request
        return response

    def close(self) -> None:
        """Nothing to close: the exchange belongs to who made it."""
