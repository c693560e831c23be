"""python-binance's client, made ours where it has to be.

It is wrapped thinly (docs/decisions): its URLs are class attributes, so a subclass points it at a
venue; it stamps and signs at call time with a recvWindow of its own, so `_generate_signature` sets
the timestamp of the claim and the window is 2 s (R5: a worker that wakes late is refused by the
exchange itself). It never retries, which is what an order needs.
"""

from typing import Any

import requests
from binance.client import Client
from binance.exceptions import BinanceAPIException
from requests.adapters import HTTPAdapter

from testudo import clock
from trading.exchange.port import Budget
from trading.exchange.venues import VenueUrls
from trading.exchange.weights import weight_of

CONNECT_TIMEOUT, READ_TIMEOUT = 3, 10  # seconds; DESIGN section 4
RECV_WINDOW = 2_000  # ms

_transport = HTTPAdapter(pool_connections=4, pool_maxsize=16, max_retries=0)  # shared, no retries


class VenueClient(Client):
    """python-binance's client, pointed at one venue and signing with the moment it is given."""

    REQUEST_RECVWINDOW = RECV_WINDOW

    def __init__(self, urls: VenueUrls, key: str, secret: str) -> None:
        self.API_URL = f"{urls.rest}/api"
        self.MARGIN_API_URL = f"{urls.rest}/sapi"
        self.WS_API_URL = urls.ws_api
        self.signed_at_ms: int | None = None
        self.budget: Budget | None = None
        timeouts = {"timeout": (CONNECT_TIMEOUT, READ_TIMEOUT)}
        super().__init__(key, secret, requests_params=timeouts, ping=False)

    def _init_session(self) -> requests.Session:
        session = super()._init_session()
        session.mount("http://", _transport)
        session.mount("https://", _transport)
        return session

    def close_connection(self) -> None:
        """python-binance closes its session when a client is collected; ours is every account's
        transport, whose connections go on living for the next one."""

    def _request(
        self, method: str, uri: str, signed: bool, force_params: bool = False, **kwargs: Any
    ) -> Any:
        """Every request goes through here: its weight is taken first, its answer's limits told."""
        if self.budget is None:
            return super()._request(method, uri, signed, force_params, **kwargs)
        wallet = "/sapi/" in uri  # weighed apart, by the account
        path = uri.split("/v1/" if wallet else "/v3/", 1)[-1]
        self.budget.take(1 if wallet else weight_of(method, path, kwargs.get("data") or {}))
        self.response = None
        code = None
        try:
            return super()._request(method, uri, signed, force_params, **kwargs)
        except BinanceAPIException as error:
            code = error.code if isinstance(error.code, int) else None
            raise
        finally:
            answer = self.response
            if answer is not None and not (wallet and answer.status_code == 429):
                self.budget.heard(status=answer.status_code, headers=answer.headers, code=code)

    def _generate_signature(self, data: dict[str, Any], uri_encode: bool = True) -> str:
        if self.signed_at_ms is None:
            data["timestamp"] = clock.now_ms() + self.timestamp_offset
        else:
            data["timestamp"] = self.signed_at_ms  # by the exchange's clock already
        return super()._generate_signature(data, uri_encode)
