"""A server of the pages with made-up contexts, for browser tests that play the API themselves.

`python -m tests.desk.pages PORT` serves it by hand.
"""

import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from wsgiref.simple_server import make_server

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from tests.desk import stories

ACCOUNT = {
    "id": "01939a5e-0000-7000-8000-000000000001",
    "name": "Practice",
    "venue": "paper",
    "currency": "USDT",
    "state": "active",
    "key_hint": "…a1b2",
}
DECISION_ID = "01939a5e-0000-7000-8000-000000000400"
SYMBOLS = [
    {"name": "BTCUSDT", "base": "BTC", "quote": "USDT", "tick": "0.01", "step": "0.00001"},
    {"name": "ETHUSDT", "base": "ETH", "quote": "USDT", "tick": "0.01", "step": "0.0001"},
]


class Trader:
    """What templates ask of a user."""

    is_authenticated = True
    is_staff = False

    def get_username(self) -> str:
        return "demo"


class Visitor(Trader):
    is_authenticated = False


class SignIn(forms.Form):
    username = forms.CharField(label="User name or e-mail")
    password = forms.CharField(label="Password", widget=forms.PasswordInput)


@dataclass
class Entry:
    """What the journal's templates ask of an entry."""

    trade_id: str
    symbol: str
    side: str
    entry_price: Decimal
    exit_price: Decimal
    quantity: Decimal
    profit: Decimal
    fees: Decimal
    initial_risk: Decimal
    r_multiple: Decimal | None
    exit_reason: str
    opened_at: datetime
    closed_at: datetime


def entries() -> list[Entry]:
    start = datetime(2026, 11, 20, 9, 12, tzinfo=UTC)
    results = ["2.81", "-1.00", "-0.62", "2.94", "-1.04", "0.00", "1.35", "-1.00", "2.77", "2.90"]
    made = []
    for n, r in enumerate(results):
        opened = start + timedelta(hours=5 * n)
        made.append(
            Entry(
                trade_id=f"01939a5e-0000-7000-8000-0000000001{n:02d}",
                symbol="BTCUSDT" if n % 3 else "ETHUSDT",
                side="long",
                entry_price=Decimal("64012.35"),
                exit_price=Decimal("65480.10"),
                quantity=Decimal("0.21374"),
                profit=Decimal(r) * Decimal("99.91"),
                fees=Decimal("27.68"),
                initial_risk=Decimal("99.91"),
                r_multiple=Decimal(r),
                exit_reason="target" if Decimal(r) > 0 else "stop",
                opened_at=opened,
                closed_at=opened + timedelta(hours=2, minutes=11),
            )
        )
    return made[::-1]


def page(template: str, context: dict[str, Any], *, user: type = Trader):
    def view(request: HttpRequest, **_: str) -> HttpResponse:
        return render(request, template, {"user": user(), "csrf_token": "token", **context})

    return view


DESK = {
    "accounts": [ACCOUNT],
    "account": ACCOUNT,
    "config": {"account": ACCOUNT, "symbols": SYMBOLS, "symbol": "BTCUSDT", "urls": {}},
}
RISK = {"accounts": [ACCOUNT], "account": ACCOUNT, "config": {"account": ACCOUNT}}
DECISION = {"account": ACCOUNT, "config": {"account": ACCOUNT, "decision": DECISION_ID}}
NONE_YET = {"accounts": [], "account": None, "config": None}
SUMMARY = {
    "trades": 10,
    "expectancy": Decimal("0.911"),
    "win_rate": Decimal("0.5"),
    "total_r": Decimal("9.11"),
    "profit_factor": Decimal("3.49"),
}
NO_SUMMARY = dict.fromkeys(SUMMARY, None) | {"trades": 0}
FILLS = [
    {
        "leg": leg,
        "price": Decimal(price),
        "quantity": Decimal("0.10687"),
        "quote": Decimal("6841.00"),
        "commission": Decimal("0.00010687"),
        "commission_asset": "BTC",
        "at": datetime(2026, 11, 20, 9, 12, 3, tzinfo=UTC),
        "trade_id": str(n),
    }
    for n, (leg, price) in enumerate(
        [("entry", "64012.35"), ("entry", "64012.36"), ("target", "65480.10")]
    )
]
TIMELINE = [
    {"at": "2026-11-20T09:12:03Z", "ms": ms, "what": "trading.event", "text": text}
    for ms, text in [
        (0, "Approved: 0.21374 BTC, at most 99.91 USDT at risk."),
        (41, "Sent to the exchange: entry, stop, target."),
        (88, "Entry: 0.21374 BTC at 64012.35."),
        (90, "The stop at 63692.28 rests on the exchange."),
        (7_860_000, "Closed at the target: +280.75 USDT."),
    ]
]


def one_trade(name: str):
    """A trade's page, or its part, as the journal's own view renders it."""

    def view(request: HttpRequest, **_: str) -> HttpResponse:
        story = stories.NAMED[name]()
        story.timeline = TIMELINE if name == "closed" else TIMELINE[:-1]
        entry = entries()[0] if name == "closed" else None
        config = None if story.is_over else {"trade": story.trade_id, "account": ACCOUNT["id"]}
        fills = FILLS if entry else FILLS[: 2 if story.held else 0]
        context = {
            "user": Trader(), "csrf_token": "token", "account": ACCOUNT, "entry": entry,
            "story": story, "trade": entry or story, "fills": fills, "config": config,
        }  # fmt: skip
        part = "part" in request.GET
        whole, fragment = "journal/trade.html", "journal/partials/trade_story.html"
        return render(request, fragment if part else whole, context)

    return view


urlpatterns = [
    path("landing/", page("landing.html", {}, user=Visitor)),
    path("sign-in/", page("accounts/sign_in.html", {"form": SignIn}, user=Visitor)),
    path("", page("trading/desk.html", DESK)),
    path("no-account/", page("trading/desk.html", NONE_YET)),
    path("risk/", page("trading/risk.html", RISK)),
    path("risk/none/", page("trading/risk.html", NONE_YET)),
    path("risk/decisions/<str:decision_id>/", page("trading/decision.html", DECISION)),
    path("settings/risk/", page("trading/risk_settings.html", RISK)),
    path("settings/risk/none/", page("trading/risk_settings.html", NONE_YET)),
    path(
        "journal/",
        page("journal/list.html", {"entries": entries(), "summary": SUMMARY, "next": "cursor"}),
    ),
    path(
        "journal/empty/",
        page("journal/list.html", {"entries": [], "summary": NO_SUMMARY, "next": None}),
    ),
    *(path(f"journal/{name}/", one_trade(name)) for name in ("open", "naked", "silent", "placed")),
    path("journal/<str:trade_id>/", one_trade("closed")),
    *(path(f"{code}/", page(f"{code}.html", {})) for code in (400, 403, 404, 500)),
]


def serve(port: int) -> None:
    from socketserver import ThreadingMixIn
    from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.core.wsgi import get_wsgi_application

    class Server(ThreadingMixIn, WSGIServer):
        daemon_threads = True

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: object) -> None:
            """Nothing: the tests say what went wrong."""

    app = StaticFilesHandler(get_wsgi_application())
    with make_server("127.0.0.1", port, app, Server, Quiet) as server:
        print("ready", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.desk.settings"
    serve(int(sys.argv[1]))
