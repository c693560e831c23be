"""The WS API at /ws-api/v3: requests in a session, and the user data stream in the same socket.

Source: web-socket-api.md. A session knows who logged on and what is subscribed; both end with the
socket, and nothing is subscribed again by itself. No sockets here: text in, answers out.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from trading.exchange.paper import errors, security, timeunit
from trading.exchange.paper.accounts import ApiKey
from trading.exchange.paper.errors import BinanceError
from trading.exchange.paper.exchange import PaperExchange
from trading.exchange.paper.routes import METHODS, SIGNED, Route

log = logging.getLogger(__name__)

Json = dict[str, Any]
MOST_SUBSCRIPTIONS = 1000  # at a time, on one connection
MOST_SUBSCRIPTION_IDS = 65_535  # in the life of one connection


@dataclass(slots=True)
class Session:
    """One connection of one client. `subscriptions` maps their numbers to accounts."""

    exchange: PaperExchange
    connected_ms: int
    address: str = "127.0.0.1"
    key: ApiKey | None = None
    authorized_ms: int | None = None
    subscriptions: dict[int, int] = field(default_factory=dict)
    subscribed_by: dict[int, str] = field(default_factory=dict)  # … to the keys that asked
    by_session: set[int] = field(default_factory=set)  # made by the log-on, not by a signature
    next_subscription: int = 0
    micros: bool = False  # times in microseconds, by ?timeUnit=
    rate_limits: bool = True  # by ?returnRateLimits=
    farewells: list[Json] = field(default_factory=list)  # to be sent after the next answer

    def answer(self, text: str) -> Json:
        """Answer one frame. Never raises for bad input."""
        request_id, name, params = None, "", dict[str, str]()
        limits, now_ms = self.exchange.limits, self.exchange.now_ms
        counted: int | None = None
        try:
            request_id, name, params = _read(text)
            self._check_session(params)
            result, counted = self._run(name.removeprefix("v3/"), params)
            answer: Json = {"id": request_id, "status": 200, "result": result}
            if self.micros:
                answer["result"] = timeunit.answer(result)
        except BinanceError as error:
            if isinstance(error, Unanswerable):
                request_id = error.request_id
            answer = {"id": request_id, "status": error.status, "error": error.body()}
            if isinstance(error, SessionRevoked):
                return answer
            if "Retry-After" in error.headers:
                after = now_ms + int(error.headers["Retry-After"]) * 1000
                answer["error"]["data"] = {"serverTime": now_ms, "retryAfter": after}
        except Exception:
            log.exception("%s failed", name)
            answer = {"id": request_id, "status": 500, "error": errors.unknown_fault().body()}
        if params.get("returnRateLimits", "true" if self.rate_limits else "false") != "false":
            answer["rateLimits"] = [limits.weight_count(self.address, now_ms)]
            if counted is not None:
                answer["rateLimits"] = limits.order_counts(counted, now_ms) + answer["rateLimits"]
        return answer

    def events_for(self, account: int, event: Json) -> list[Json]:
        """The frames an event of an account makes here: one per subscription."""
        numbers = [number for number, owner in self.subscriptions.items() if owner == account]
        if not numbers:
            return []
        event = self.timed(event)
        return [{"subscriptionId": number, "event": event} for number in numbers]

    def _run(self, name: str, params: dict[str, str]) -> tuple[Any, int | None]:
        exchange = self.exchange
        own = OWN_METHODS.get(name)
        route = METHODS.get(name)
        weight = 2 if own else route.cost(params) if route else 1
        exchange.limits.weigh(self.address, weight, exchange.now_ms)
        if own:
            return own(self, params), None
        if route is None:
            raise errors.unsupported()
        key = self._authenticate(route, params)
        plain = {name: value for name, value in params.items() if name != "returnRateLimits"}
        answer = exchange.call(route, plain, key, self.address)
        return answer, key.account if key and (route.orders or route.counted) else None

    def _authenticate(self, route: Route, params: Mapping[str, str]) -> ApiKey | None:
        """The key of this request: its own signature, else the session's. Raises: BinanceError."""
        if route.security == "USER_STREAM":
            key = params.get("apiKey") or (self.key.key if self.key else None)
            return security.check_key(self.exchange.keys, key, self.address)
        if route.security not in SIGNED:
            return None
        if "apiKey" in params or self.key is None:
            return self.check(params)
        security.check_time(params, self.exchange.server_ms)
        return security.check_key(self.exchange.keys, self.key.key, self.address)

    def check(self, params: Mapping[str, str]) -> ApiKey:
        """Key, time and signature of a request that carries its own. Raises: BinanceError."""
        if "apiKey" not in params:
            raise errors.missing("apiKey")
        security.check_time(params, self.exchange.server_ms)
        key = security.check_key(self.exchange.keys, params["apiKey"], self.address)
        security.check_signature(key, security.socket_payload(params), params.get("signature"))
        return key

    def status(self) -> Json:
        return {
            "apiKey": self.key.key if self.key else None,
            "authorizedSince": self.authorized_ms,
            "connectedSince": self.connected_ms,
            "returnRateLimits": self.rate_limits,
            "serverTime": self.exchange.server_ms,
            "userDataStream": bool(self.subscriptions),
        }

    def _check_session(self, params: Mapping[str, str]) -> None:
        """A key that became invalid ends the session at the next request that relies on it.

        Raises: SessionRevoked, 401 -2015 with no id (web-socket-api.md, "API key revocation").
        """
        if self.key is None or "apiKey" in params:
            return
        try:
            security.check_key(self.exchange.keys, self.key.key, self.address)
        except BinanceError as error:
            self.forget_key()
            raise SessionRevoked(None, error) from None

    def forget_key(self) -> None:
        """Log off. Streams are another matter."""
        self.key = self.authorized_ms = None

    def end_streams(self, *, key: str | None = None, account: int | None = None) -> list[Json]:
        """End the subscriptions made with a key, or to an account, or all; what is told of it."""
        ending = [
            number
            for number, owner in self.subscriptions.items()
            if key in (None, self.subscribed_by[number]) and account in (None, owner)
        ]
        return [self.end_stream(number) for number in ending]

    def end_stream(self, number: int) -> Json:
        """End one subscription. Returns the event that says so."""
        del self.subscriptions[number]
        self.by_session.discard(number)
        return self.terminated(number)

    def terminated(self, number: int) -> Json:
        """The last event of a subscription that the exchange ends."""
        told = {"e": "eventStreamTerminated", "E": self.exchange.now_ms}
        return {"subscriptionId": number, "event": self.timed(told)}

    def timed(self, event: Json) -> Json:
        """An event with its times in the unit this connection asked for."""
        return timeunit.event(event) if self.micros else event

    def subscribe(self, key: ApiKey) -> Json:
        """Raises: BinanceError -2035, where this account is subscribed here already; -1191, -2042,
        where there are too many subscriptions, or were too many.
        """
        if key.account in self.subscriptions.values():
            raise errors.already_subscribed()
        if len(self.subscriptions) >= MOST_SUBSCRIPTIONS:
            raise errors.too_many_streams(MOST_SUBSCRIPTIONS)
        number, self.next_subscription = self.next_subscription, self.next_subscription + 1
        if number >= MOST_SUBSCRIPTION_IDS:
            raise errors.too_many_subscriptions()
        self.subscriptions[number] = key.account
        self.subscribed_by[number] = key.key
        return {"subscriptionId": number}


def _logon(session: Session, params: Mapping[str, str]) -> Json:
    """Raises: BinanceError -4056, for a shared secret, where the switch is off."""
    key = session.check(params)
    if not key.is_asymmetric and not session.exchange.engine.switches.logon_takes_hmac:
        raise errors.hmac_unsupported()
    session.key = key
    session.authorized_ms = session.exchange.now_ms
    return session.status()


def _status(session: Session, params: Mapping[str, str]) -> Json:
    return session.status()


def _logout(session: Session, params: Mapping[str, str]) -> Json:
    """Forget the key, and end the subscription that the log-on made; signed ones live on."""
    session.forget_key()
    for number in sorted(session.by_session):
        session.farewells.append(session.end_stream(number))
    return session.status()


def _subscribe(session: Session, params: Mapping[str, str]) -> Json:
    if session.key is None:
        raise errors.rejected_key()
    made = session.subscribe(session.key)
    session.by_session.add(made["subscriptionId"])
    return made


def _subscribe_signed(session: Session, params: Mapping[str, str]) -> Json:
    return session.subscribe(session.check(params))


def _unsubscribe(session: Session, params: Mapping[str, str]) -> Json:
    """One subscription by number, or all. Raises: BinanceError -2036, where there is none."""
    wanted = params.get("subscriptionId")
    ending = [n for n in session.subscriptions if wanted is None or str(n) == wanted]
    if not ending:
        raise errors.not_subscribed()
    for number in ending:
        session.farewells.append(session.end_stream(number))
    return {}


def _subscriptions(session: Session, params: Mapping[str, str]) -> list[Json]:
    return [{"subscriptionId": number} for number in session.subscriptions]


OWN_METHODS: dict[str, Callable[[Session, Mapping[str, str]], Any]] = {
    "session.logon": _logon,
    "session.status": _status,
    "session.logout": _logout,
    "session.subscriptions": _subscriptions,
    "userDataStream.subscribe": _subscribe,
    "userDataStream.subscribe.signature": _subscribe_signed,
    "userDataStream.unsubscribe": _unsubscribe,
}


def _read(text: str) -> tuple[Any, str, dict[str, str]]:
    """(id, method, params as the text that is signed). Raises: BinanceError -1135, -1102, -1130."""
    try:
        frame = json.loads(text)
        raw = json.loads(text, parse_int=str, parse_float=str)
        json.dumps(frame, ensure_ascii=False).encode()  # half characters are refused as well
    except (ValueError, RecursionError):
        raise errors.bad_json() from None
    if not isinstance(frame, dict):
        raise errors.bad_json()
    request_id = frame.get("id")
    if isinstance(request_id, bool) or not isinstance(request_id, int | str | None):
        raise errors.bad_json()
    name, params = raw.get("method"), raw.get("params", {})
    if not isinstance(name, str):
        raise Unanswerable(request_id, errors.missing("method"))
    if not isinstance(params, dict):
        raise Unanswerable(request_id, errors.bad_parameter("params"))
    return (
        request_id,
        name,
        {key: _plain(value) for key, value in params.items() if value is not None},
    )


class Unanswerable(BinanceError):
    """A frame with an id to echo, but no request in it."""

    def __init__(self, request_id: Any, error: BinanceError) -> None:
        super().__init__(error.code, error.message, error.status)
        self.request_id = request_id


class SessionRevoked(Unanswerable):
    """The key that the connection logged on with is no longer valid."""


def _plain(value: Any) -> str:
    """A parameter as its raw JSON text: numbers as sent, booleans in lower case, arrays compact."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"))
