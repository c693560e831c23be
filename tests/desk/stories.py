"""Trades as their own pages tell them, made up: over, open, without a stop, in silence."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

# Those of `wire.trade()`, which the socket tells of.
TRADE_ID = "01939a5e-0000-7000-8000-0000000000aa"
ACCOUNT_ID = "01939a5e-0000-7000-8000-000000000001"
START = datetime(2026, 11, 20, 9, 12, 3, 120_000, tzinfo=UTC)
STEPS = [
    ("planned", "Planned", 0, "Long 0.21374 BTC: entry 64012.35, stop 63692.28, target 65480.1; "
     "at most 99.91 USDT at risk."),
    ("approved", "Approved", 6, "Every rule passed, and its risk was reserved: decision 39."),
    ("sent", "Sent", 21, "Entry, stop and target in one list (OPOCO)."),
    ("acknowledged", "Acknowledged", 62, "The exchange confirmed it."),
    ("filled", "Filled", 64, "0.21374 BTC at 64012.355 on average, in 2 fills."),
    ("protected", "Protected", 93, "A stop for the whole position rests at the exchange, at "
     "63692.28."),
    ("moved", "Moved", 2_461_000, "Stop 63692.28 → 64090.4, to break-even, by your rule. Without a "
     "stop for 41 ms meanwhile."),
    ("closed", "Closed", 7_860_000, "Sold at the target: +280.75 USDT after fees."),
]  # fmt: skip
BY_THE_EXCHANGE = {"sent", "filled", "protected", "closed"}
NOT_YET = "Not yet."
PLACED = {
    "orderListId": 12, "contingencyType": "OTO", "listStatusType": "EXEC_STARTED",
    "orders": [
        {"symbol": "BTCUSDT", "orderId": 41 + n, "clientOrderId": f"TAGRARBG65BZXJPP5EYIRQE43QA{n}"}
        for n in range(3)
    ],
    "orderReports": [{"symbol": "BTCUSDT", "orderId": 41, "status": "FILLED", "price": "64044.35",
                      "executedQty": "0.21374000", "fills": []}],
}  # fmt: skip
REFUSED = {"code": -2010, "msg": "Order would trigger immediately."}


def steps(until: str = "closed") -> list[SimpleNamespace]:
    """Every step; those behind `until` have not come yet, a move is left out."""
    names = [name for name, *_ in STEPS]
    made, before = [], 0
    for name, title, ms, text in STEPS:
        come = names.index(name) <= names.index(until)
        if not come and name == "moved":
            continue
        at = START + timedelta(milliseconds=ms)
        seen = at - timedelta(milliseconds=7) if name in BY_THE_EXCHANGE else None
        made.append(SimpleNamespace(
            name=name, title=title, text=text if come else NOT_YET, at=at if come else None,
            exchange_at=seen if come else None, ms=ms if come else None,
            ms_between=ms - before if come else None,
        ))  # fmt: skip
        before = ms
    return made


def trouble(**changes: Any) -> SimpleNamespace:
    facts = {
        "kind": "leg_lost", "title": "A stop or target is gone from the exchange",
        "severity": "warning", "text": "The stop at 63692.28 was canceled by hand at the exchange.",
        "done": "A new stop at 63692.28 was placed and rests.",
        "opened_at": START + timedelta(minutes=11),
        "closed_at": START + timedelta(minutes=11, milliseconds=640), "ms": 640,
        "of_exchange": False,
    }  # fmt: skip
    return SimpleNamespace(**{**facts, **changes})


def answer(method: str, path: str, status: int | None, body: Any, ms: int = 41) -> SimpleNamespace:
    text = body if isinstance(body, str) else json.dumps(body)
    return SimpleNamespace(
        at=START, method=method, path=path, status=status, ms=ms, text=text, cut=False
    )


ANSWERS = [
    answer("POST", "/api/v3/orderList/opoco?symbol=BTCUSDT&workingSide=BUY&workingType=LIMIT"
           "&workingPrice=64044.35&workingQuantity=0.21374&workingTimeInForce=FOK", 200, PLACED),
    answer("GET", "/api/v3/myTrades?symbol=BTCUSDT&orderId=41", 200,
           [{"id": 7, "price": "64012.35"}]),
    answer("POST", "/api/v3/orderList/oco?symbol=BTCUSDT&side=SELL&quantity=0.21352", 400, REFUSED),
]  # fmt: skip


def story(**changes: Any) -> SimpleNamespace:
    """An open, protected trade."""
    facts = {
        "trade_id": TRADE_ID, "account_id": ACCOUNT_ID, "account_name": "Practice",
        "venue": "paper", "symbol": "BTCUSDT", "base": "BTC", "currency": "USDT", "side": "long",
        "state": "open", "state_text": "Open", "is_over": False, "quantity": Decimal("0.21374"),
        "held": Decimal("0.21352"), "entry": Decimal("64012.35"),
        "entry_price": Decimal("64012.355"), "stop": Decimal("63692.28"),
        "target": Decimal("65480.1"), "planned_risk": Decimal("99.91"),
        "initial_risk": Decimal("99.85"), "reason": "", "placed_at": START, "order_ms": 62,
        "protected_ms": 93, "naked_ms": 2, "is_unprotected": False, "unprotected_since": None,
        "decision_id": "01939a5e-0000-7000-8000-000000000400", "decision_number": 39,
        "steps": steps("protected"), "troubles": [], "answers": ANSWERS, "exchange": None,
    }  # fmt: skip
    return SimpleNamespace(**{**facts, **changes})


def closed() -> SimpleNamespace:
    """One that met trouble on its way to the target."""
    stood = trouble(
        kind="venue_down", title="The exchange does not answer", severity="alarm",
        text="The paper exchange does not answer orders (timed out after 10 s).",
        done="It answered again; nothing was sent twice.", ms=74_000, of_exchange=True,
    )  # fmt: skip
    return story(
        state="closed", state_text="Target hit", is_over=True, held=Decimal(0), naked_ms=683,
        steps=steps(), troubles=[trouble(), stood],
    )  # fmt: skip


def naked() -> SimpleNamespace:
    """Its stop was canceled by hand a moment ago."""
    lost = trouble(done="", closed_at=None, ms=None, severity="alarm")
    since = START + timedelta(minutes=11)
    return story(is_unprotected=True, unprotected_since=since, troubles=[lost])


def silent() -> SimpleNamespace:
    """Its exchange does not answer."""
    down = SimpleNamespace(
        phase="open", title="The paper exchange is down", since=START,
        fails="The paper exchange does not answer orders (timed out after 10 s).",
        protects="Stops and targets that were placed rest at the paper exchange itself: it fills "
        "them whether or not it answers us.",
        works="Closing, withdrawing an entry and tightening a stop are taken and sent again until "
        "it answers.",
        waits="New trades wait. One request a minute tries again; once it answers, they are taken.",
    )  # fmt: skip
    return story(exchange=down)


def placed() -> SimpleNamespace:
    """Approved a moment ago; nothing was sent."""
    return story(
        state="approved", state_text="Approved, being sent", held=Decimal(0), entry_price=None,
        initial_risk=None, order_ms=None, protected_ms=None, naked_ms=0, steps=steps("approved"),
        answers=[],
    )  # fmt: skip


NAMED = {"closed": closed, "open": story, "naked": naked, "silent": silent, "placed": placed}
