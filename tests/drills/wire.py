"""The way to the exchange inside a schedule: latency, faults on command, a log of every request.

Faults are named and armed as at the real paper exchange (`trading/exchange/paper/faults.py`); what
they do to a socket there is done to a `requests` answer here, for no socket is between.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from django.db import connection

from tests.drills.invariants import Sent, Span
from testudo import clock
from trading.exchange.paper.exchange import PaperExchange
from trading.exchange.paper.faults import Fault
from trading.exchange.paper.faults_desk import FaultDesk
from trading.exchange.paper.faults_wire import PAGE, TEXTS, TITLES
from trading.exchange.paper.in_process import InProcessAdapter
from trading.exchange.paper.rest import KEY_HEADER, Response
from trading.exchange.paper.routes import ROUTES, SIGNED

READ_TIMEOUT = timedelta(seconds=10)  # the client's own: it gives up, the exchange does not
WEIGHT = "X-MBX-USED-WEIGHT-1M"
JSON = {"Content-Type": "application/json;charset=UTF-8"}
OPENS = ("/api/v3/order", "/api/v3/orderList/")


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the exchange's door saw it."""

    at: datetime
    sent: datetime  # when it left us
    method: str
    path: str
    account: int | None
    fields: dict[str, str]

    @property
    def opens_risk(self) -> bool:
        if self.method != "POST" or not self.path.startswith(OPENS):
            return False
        return "BUY" in (self.fields.get("side"), self.fields.get("workingSide"))

    @property
    def signed_at(self) -> datetime:
        stamp = self.fields.get("timestamp")
        return clock.from_ms(int(stamp)) if stamp else self.at

    @property
    def client_id(self) -> str:
        names = ("newClientOrderId", "workingClientOrderId", "listClientOrderId")
        return next((self.fields[name] for name in names if name in self.fields), "")


class Wire(InProcessAdapter):
    """Answers as the exchange would over a bad network.

    `travel(seconds)` lets time pass, and others act; `reach(place)` is where a process may die.
    """

    def __init__(
        self,
        exchange: PaperExchange,
        desk: FaultDesk,
        *,
        latency: Callable[[], float],
        travel: Callable[[float], None],
        reach: Callable[[str], None],
    ) -> None:
        super().__init__(exchange, clock.now_ms)
        self.desk = desk
        self._latency, self._travel, self._reach = latency, travel, reach
        self.requests: list[Request] = []
        self.struck: Counter[str] = Counter()
        self.bans: list[Span] = []
        self.known_bans: list[Span] = []  # from when one of us had heard of it
        self.silences: list[Span] = []  # when a request went unanswered, and how long
        self.most_weight = 0
        self.in_transaction: list[str] = []  # R6: requests made while a transaction was open

    @property
    def entries(self) -> list[Sent]:
        """Every request that opens risk."""
        return [
            Sent(each.at, each.account or 0, each.client_id, each.signed_at)
            for each in self.requests
            if each.opens_risk
        ]

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        url = urlsplit(request.url or "")
        if connection.in_atomic_block:
            self.in_transaction.append(f"{request.method} {url.path}")
        self._reach("before_request")
        sent = clock.now()
        self._travel(self._latency())
        asked = self._note(request, url.path, url.query, sent)
        fault = self._strike(asked)
        response = self._answer(request, asked, fault)
        self._reach("after_request")
        self._travel(self._latency())
        if response.status_code == 418 and len(self.known_bans) < len(self.bans):
            self.known_bans.append(Span(clock.now(), self.bans[-1].until))
        return response

    def _note(
        self, request: requests.PreparedRequest, path: str, query: str, sent: datetime
    ) -> Request:
        body = request.body or b""
        text = body if isinstance(body, str) else bytes(body).decode()
        fields = {name: values[0] for name, values in parse_qs(f"{query}&{text}").items()}
        known = self.exchange.keys.get(request.headers.get(KEY_HEADER, ""))
        account = known.account if known else None
        asked = Request(clock.now(), sent, request.method or "GET", path, account, fields)
        self.requests.append(asked)
        return asked

    def _strike(self, asked: Request) -> Fault | None:
        if not self.desk.armed:
            return None
        route = ROUTES.get((asked.method, asked.path))
        signed = route is not None and route.security in SIGNED
        return self.desk.wire._strike(asked.account, asked.path, asked.method, signed=signed)

    def _answer(
        self, request: requests.PreparedRequest, asked: Request, fault: Fault | None
    ) -> requests.Response:
        if fault is None:
            return self._lagged(super().send(request), asked)
        name, began = fault.kind.name, clock.now()
        self.struck[name] += 1
        if name == "rate-limit":
            return self._refuse(
                request, 429, -1003, "Too much request weight used.",
                {"Retry-After": fault.options["retry_after"]},
            )  # fmt: skip
        if name == "order-limit":
            return self._refuse(request, 429, -1015, "Too many new orders.", {"Retry-After": "1"})
        if name == "ban":
            return self._ban(request, fault)
        if name == "key-revoked":
            return self._refuse(request, 401, -2015, "Invalid API-key, IP, or permissions.")
        accepted = fault.options.get("accepted", "yes")
        carried = accepted == "yes" or (accepted == "random" and self.desk.faults.flip())
        answer = super().send(request) if carried else None
        if name == "hang":
            waits = min(timedelta(seconds=fault.number("seconds")), READ_TIMEOUT)
            self._travel(waits.total_seconds())
            self.silences.append(Span(began, clock.now()))
            raise requests.ReadTimeout("a fault held this answer back")
        if name == "drop-reply":
            raise requests.ConnectionError("a fault dropped this answer")
        if name in ("error", "unknown"):
            return self._fail(request, asked, fault)
        if name == "html":
            status = int(fault.number("status"))
            page = PAGE.format(status, TITLES.get(status, "Error")).encode()
            return self._made(request, status, page, {"Content-Type": "text/html"})
        if name == "empty":
            return self._made(request, 200, b"", JSON)
        if name == "wrong-length":
            raise requests.exceptions.ChunkedEncodingError("a fault promised more than it sent")
        if name == "truncate" and answer is not None:
            answer.raw = BytesIO(answer.content[: int(fault.number("bytes"))])
            answer._content, answer._content_consumed = False, False  # type: ignore[attr-defined]
        assert answer is not None, name
        return answer

    def _fail(
        self, request: requests.PreparedRequest, asked: Request, fault: Fault
    ) -> requests.Response:
        code = int(fault.number("code"))
        status, text = TEXTS.get(code, (500, "An error occurred."))
        if fault.kind.name == "unknown":
            wait = fault.options["visible_after"]
            who = f",account={asked.account}" if asked.account else ""
            self.desk.arm(f"read-lag:seconds={wait},for={wait}{who}")
        status = int(fault.number("status")) or status
        status = status or self.exchange.engine.switches.unknown_status
        return self._refuse(request, status, code, text)

    def _ban(self, request: requests.PreparedRequest, fault: Fault) -> requests.Response:
        now_ms = self.exchange.now_ms
        seconds = fault.number("seconds")
        if "until" not in fault.state:
            fault.state["until"] = now_ms + int(seconds * 1000)
            self.bans.append(Span(clock.now(), clock.now() + timedelta(seconds=seconds)))
        until = fault.state["until"]
        if now_ms >= until:
            fault.left = 0
            return super().send(request)
        headers = {"Retry-After": str(-(-(until - now_ms) // 1000))}
        return self._refuse(request, 418, -1003, f"IP banned until {until}.", headers)

    def _lagged(self, answer: requests.Response, asked: Request) -> requests.Response:
        used = answer.headers.get(WEIGHT)
        self.most_weight = max(self.most_weight, int(used or 0))
        if not self.desk.faults.armed:
            return answer
        shown = self.desk.wire._lagged(
            Response(answer.status_code, dict(answer.headers), answer.content),
            asked.path, asked.method, asked.account,
        )  # fmt: skip
        if shown.body != answer.content:
            self.struck["read-lag"] += 1
        return self._made(answer.request, shown.status, shown.body, shown.headers)

    def _refuse(
        self,
        request: requests.PreparedRequest,
        status: int,
        code: int,
        text: str,
        headers: dict[str, str] | None = None,
    ) -> requests.Response:
        body = json.dumps({"code": code, "msg": text}).encode()
        return self._made(request, status, body, JSON | (headers or {}))

    @staticmethod
    def _made(
        request: requests.PreparedRequest, status: int, body: bytes, headers: dict[str, str]
    ) -> requests.Response:
        made = requests.Response()
        made.status_code, made.raw, made.encoding = status, BytesIO(body), "utf-8"
        made.headers.update(headers)
        made.url, made.request = request.url or "", request
        return made
