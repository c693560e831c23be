"""The REST door: from a request's parts to an answer with Binance's status and headers.

Sources: rest-api.md "General Information", "LIMITS", "Endpoint security type".
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trading.exchange.paper import errors, parsing, security, timeunit
from trading.exchange.paper.accounts import ApiKey
from trading.exchange.paper.errors import BinanceError
from trading.exchange.paper.routes import KEYED, ROUTES, SIGNED, Route

if TYPE_CHECKING:
    from trading.exchange.paper.exchange import PaperExchange

log = logging.getLogger(__name__)

KEY_HEADER = "x-mbx-apikey"
UNIT_HEADER = "x-mbx-time-unit"
WALLET = "/sapi/"  # its limits and headers are its own
HTML = {"Content-Type": "text/html"}
GONE = frozenset({"/api/v3/userDataStream"})  # listenKeys ended on 2026-02-20 (CHANGELOG)
GONE_PAGE = b"<html>\r\n<head><title>410 Gone</title></head>\r\n<body>\r\n</body>\r\n</html>\r\n"


@dataclass(frozen=True, slots=True)
class Response:
    """A REST answer, ready for the wire."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        return json.loads(self.body)


def answer(
    exchange: PaperExchange,
    method: str,
    path: str,
    query: str,
    body: str,
    headers: Mapping[str, str],
    address: str,
) -> Response:
    """Answer one request as of the exchange's time. Never raises for bad input."""
    now_ms = exchange.now_ms
    said = {"Content-Type": "application/json;charset=UTF-8"}
    status, result = 200, None
    try:
        if path in GONE and not exchange.legacy_listen_keys:
            return Response(410, HTML, GONE_PAGE)
        sent = next((v for name, v in headers.items() if name.lower() == UNIT_HEADER), None)
        micros = timeunit.in_micros(sent)
        route = ROUTES.get((method, path))
        if route is None:
            exchange.limits.weigh(address, 1, now_ms)
            return Response(405 if any(at == path for _, at in ROUTES) else 404, HTML)
        params = parsing.read_pairs(body) | parsing.read_pairs(query)
        wallet, cost = path.startswith(WALLET), route.cost(params)
        if not wallet:
            exchange.limits.weigh(address, cost, now_ms)
        elif not route.by_account:
            said |= exchange.limits.weigh_wallet(path, address, cost, now_ms)
        payload = security.rest_payload(query, body)
        key = _authenticate(exchange, route, params, headers, payload, address)
        if wallet and route.by_account and key:
            said |= exchange.limits.weigh_wallet(path, key.account, cost, now_ms)
        result = exchange.call(route, params, key, address)
        if micros:
            result = timeunit.answer(result)
        if (route.orders or route.counted) and key:
            said |= exchange.limits.order_headers(key.account, now_ms)
    except BinanceError as error:
        status, result = error.status, error.body()
        if error.code in errors.KEY_CODES:
            status = exchange.engine.switches.rejected_key_status
        said |= error.headers
    except Exception:
        log.exception("%s %s failed", method, path)
        status, result = 500, errors.unknown_fault().body()
    if not path.startswith(WALLET):
        used = str(exchange.limits.used_weight(address, now_ms))
        said |= {"X-MBX-USED-WEIGHT": used, "X-MBX-USED-WEIGHT-1M": used}
    return Response(status, said, json.dumps(result, separators=(",", ":")).encode())


def _authenticate(
    exchange: PaperExchange,
    route: Route,
    params: Mapping[str, str],
    headers: Mapping[str, str],
    payload: str,
    address: str,
) -> ApiKey | None:
    """The key a route asks for, its request fresh and signed. Raises: BinanceError."""
    if route.security not in KEYED:
        return None
    sent = next((value for name, value in headers.items() if name.lower() == KEY_HEADER), None)
    if not sent:
        raise errors.bad_key_format()
    if route.security in SIGNED:
        security.check_time(params, exchange.server_ms)
    key = security.check_key(exchange.keys, sent, address)
    if route.security in SIGNED:
        security.check_signature(key, payload, params.get("signature"))
    if route.security == "TRADE" and exchange.engine_delay_ms:  # checked again before the engine
        security.check_time(params, exchange.server_ms + exchange.engine_delay_ms)
    return key
