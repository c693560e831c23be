"""The API behind the risk pages, played by the test; the desk's part is `Exchange`'s."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, Route

from tests.desk.exchange import Exchange, reply
from tests.desk.risk_wire import (
    change,
    decision_in_full,
    decisions,
    halted,
    history,
    managed,
    profile,
    risk_facts,
)
from tests.desk.wire import refusal

STEP_UP = {"code": "step_up_required", "status": 403, "title": "Your password again"}
WRONG = {
    "code": "wrong_password", "status": 400, "title": "Some of this cannot be",
    "errors": [{"field": "password", "message": "This is not your password."}],
}  # fmt: skip


class RiskApi(Exchange):
    """Answers the risk pages. Tests change its fields and read `sent`."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.risk: dict[str, Any] = risk_facts()
        self.profile: dict[str, Any] = profile(change())
        self.history: Any = history
        self.decision: dict[str, Any] = decision_in_full(refusal())
        self.managed: list[dict[str, Any]] = [managed()]
        self.refuse_holding: tuple[int, Any] | None = None
        self.decisions: Any = decisions
        self.status: dict[str, tuple[int, Any]] = {}
        self.sent: list[tuple[str, str, Any]] = []
        self.password: str | None = None  # the step-up asks for this one, until it was given
        self.held: list[Route] = []
        self.hold_put = False

    def _route(self, route: Route) -> None:
        request = route.request
        path = urlsplit(request.url).path.removeprefix("/api/v1/")
        query = {k: v[0] for k, v in parse_qs(urlsplit(request.url).query).items()}
        name = path.split("/")[-1] if path.startswith("accounts/") else path
        if name in self.status:
            status, body = self.status[name]
            return route.abort() if status == 0 else reply(route, status, body)
        if request.method != "GET":
            body = json.loads(request.post_data or "null")
            self.sent.append((request.method, name, body))
            answered = self._write(route, name, body)
            return None if answered else super()._route(route)
        answers: dict[str, Any] = {
            "risk": lambda: self.risk,
            "history": lambda: self.history(int(query["hours"])),
            "risk-profile": lambda: self.profile,
            "holdings": lambda: {"results": self.managed},
            "decisions": lambda: self.decisions(int(query.get("cursor", 40)), int(query["limit"])),
        }
        if name in answers:
            self.asked.append(f"GET {name}")
            return reply(route, 200, answers[name]())
        if path.startswith("decisions/"):
            return reply(route, 200, self.decision)
        return super()._route(route)

    def _write(self, route: Route, name: str, body: Any) -> bool:
        if name == "step-up":
            if body["password"] != self.password:
                reply(route, 400, WRONG)
            else:
                self.password = None
                route.fulfill(status=204)
        elif name in {"halt", "flatten", "resume"}:
            if self.password is not None:
                reply(route, 403, STEP_UP)
            else:
                self.risk = risk_facts() if name == "resume" else halted()
                reply(route, 200, self.risk)
        elif name == "holdings" or self._holding(name):
            self._declare_or_end(route, name, body)
        elif name == "risk-profile":
            if self.hold_put:
                self.held.append(route)
                return True
            reply(route, 200, self._changed(body))
        elif name.startswith("risk-profile/changes/"):
            gone = name.rsplit("/", 1)[1]
            self.profile["pending"] = [p for p in self.profile["pending"] if p["id"] != gone]
            reply(route, 200, self.profile)
        else:
            return False
        return True

    def _holding(self, name: str) -> bool:
        return any(each["id"] == name for each in self.managed)

    def _declare_or_end(self, route: Route, name: str, body: Any) -> None:
        """Moves a coin between the two lists; counts what it adds to heat as told."""
        if name != "holdings" and body is None and self.password is not None:
            return reply(route, 403, STEP_UP)
        if self.refuse_holding is not None:
            return reply(route, *self.refuse_holding)
        if name != "holdings":
            (one,) = (each for each in self.managed if each["id"] == name)
            if body is not None:
                moved = one | body | {"heat": "12.5"}
                self.managed = [moved if each is one else each for each in self.managed]
                return reply(route, 200, moved)
            self.managed = [each for each in self.managed if each is not one]
            return route.fulfill(status=204)
        asset = body["symbol"].removesuffix("USDT")
        made = managed(f"new-{asset}", asset=asset, worth="934.5", heat="31.2", **body)
        self.managed = [*self.managed, {"stop": None} | made]
        apart = [each for each in self.risk["holdings"] if each["asset"] != asset]
        self.risk = self.risk | {"holdings": apart, "version": self.risk["version"] + 1}
        return reply(route, 201, made)

    def _changed(self, body: Any) -> dict[str, Any]:
        """Takes every wish at once: which wait is the server's affair, tested there."""
        self.profile["limits"] |= body.get("limits", {})
        return self.profile

    def live(self, **figures: Any) -> None:
        """One unnumbered frame of figures."""
        frame = {"type": "risk", "risk": {"at": risk_facts()["at"], **figures}}
        assert self.account is not None
        self.account.send(json.dumps(frame))
