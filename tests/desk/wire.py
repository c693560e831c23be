"""What the API says, made up: plausible to the page, plain to the reader of a test."""

import math
import random
import time
from decimal import Decimal
from typing import Any

from tests.desk.pages import ACCOUNT

SECONDS = {"1m": 60, "5m": 300, "15m": 900, "1h": 3600, "4h": 14_400, "1d": 86_400}

RULES = [
    ("stop_side", "Stop on the losing side", "1", "1", ""),
    ("stop_distance", "Stop distance", "320", "128", "USDT"),
    ("trade_risk", "Risk per trade", "99.91", "100", "USDT"),
    ("portfolio_heat", "Portfolio heat", "99.91", "300", "USDT"),
    ("daily_loss", "Day's loss", "99.91", "300", "USDT"),
    ("losing_streak", "Losing streak", "1", "3", "losses in a row"),
    ("open_positions", "Open positions", "1", "5", "positions"),
    ("symbol_position", "One position per symbol", "1", "1", "positions"),
    ("trades_today", "Trades a day", "2", "10", "trades"),
    ("reward_to_risk", "Reward to risk, net", "2.98", "2", "R"),
    ("market_data", "Age of the prices", "0.2", "5", "s"),
    ("trading_state", "Trading state", "1", "1", ""),
    ("reconciliation", "In step with the exchange", "1", "1", ""),
]


TOO_LITTLE = "After fees the target pays 1.12 R; you ask for 2 R. Move the target to 65288.00."
TOO_HOT = "Lower the risk by 12.40 USDT, or close a position first."


def verdict(code: str, title: str, measured: str, limit: str, unit: str) -> dict[str, Any]:
    return {
        "code": code, "title": title, "measured": measured, "limit": limit, "margin": "0",
        "unit": unit, "ok": True, "effect": "block", "message": f"{title}: within the limit.",
        "needs_acknowledgement": False,
    }  # fmt: skip


def verdicts() -> list[dict[str, Any]]:
    return [verdict(*rule) for rule in RULES]


def refusal() -> list[dict[str, Any]]:
    made = verdicts()
    for one in made:
        if one["code"] == "reward_to_risk":
            one |= {"ok": False, "measured": "1.12", "message": TOO_LITTLE}
        if one["code"] == "portfolio_heat":
            one |= {"ok": False, "measured": "312.40", "message": TOO_HOT}
    return made


def candles(interval: str, *, end: float | None = None, n: int = 320) -> list[list[Any]]:
    """A market that looks like one, the same on every call for the same end."""
    width = SECONDS[interval]
    last = int((end or time.time()) // width * width)
    noise = random.Random(7)
    rows, price = [], 63_200.0
    for i in range(n):
        opened = price
        drift = 26 * math.sin(i / 23) + 5 * math.sin(i / 5)
        price = opened + drift + noise.gauss(0, 38)
        high = max(opened, price) + abs(noise.gauss(0, 26))
        low = min(opened, price) - abs(noise.gauss(0, 26))
        volume = abs(noise.gauss(9, 5)) + abs(drift) / 6
        figures = [f"{v:.2f}" for v in (opened, high, low, price)]
        rows.append([last - (n - 1 - i) * width, *figures, f"{volume:.5f}"])
    shift = Decimal("64000.00") - Decimal(rows[-1][4])
    return [[r[0], *(str(Decimal(v) + shift) for v in r[1:5]), r[5]] for r in rows]


def preview(drawing: dict[str, str]) -> dict[str, Any]:
    """A plausible answer; the real sums are risk.sizing's, tested there and in the flows."""
    entry, stop, target = (Decimal(drawing[name]) for name in ("entry", "stop", "target"))
    fee = Decimal("0.001")
    per_unit = abs(entry - stop) + fee * (entry + stop)
    quantity = (Decimal(100) / per_unit).quantize(Decimal("0.00001"), rounding="ROUND_FLOOR")
    risk = (quantity * per_unit).quantize(Decimal("0.00000001"))
    gross = abs(target - entry) / abs(entry - stop)
    profit = quantity * (abs(target - entry) - fee * (entry + target))
    nearer = drawing.get("targets", [])
    rest = 1 - sum((Decimal(part["share"]) for part in nearer), Decimal(0))
    targets = [*nearer, {"price": drawing["target"], "share": str(rest)}] if nearer else []
    parts = [each | {"quantity": str(quantity * Decimal(each["share"]))} for each in targets]
    return {
        "management": {}, **drawing, "parts": parts, "ok": True, "kind": "now",
        "worst_entry": str(entry + Decimal("32.00")), "quantity": str(quantity), "base": "BTC",
        "notional": str(quantity * entry), "risk_fraction": drawing.get("risk_fraction", "0.01"),
        "risk_budget": "100", "planned_risk": str(risk), "rounding_loss": str(Decimal(100) - risk),
        "bound": "budget", "reward_to_risk": str((profit / risk).quantize(Decimal("0.0001"))),
        "reward_to_risk_gross": str(gross.quantize(Decimal("0.0001"))),
        "planned_profit": str(profit), "entry_fee": str(quantity * entry * fee),
        "exit_fee": str(quantity * stop * fee), "currency": "USDT", "quoted_price": "64000.00",
        "quoted_at": "2026-11-23T04:00:00Z", "verdicts": verdicts(),
        "gauges": {
            "heat": {"before": "0", "after": str(risk), "limit": "300"},
            "day_loss": {"before": "41.2", "after": str(risk + Decimal("41.2")), "limit": "300"},
        },
    }  # fmt: skip


def trade(**changes: Any) -> dict[str, Any]:
    made = _trade(**changes)
    naked = not made["protected"] and Decimal(made["held_quantity"]) > 0
    since = "2026-11-23T03:12:04Z" if naked else None
    return {"unprotected": naked, "unprotected_since": since} | made


def _trade(**changes: Any) -> dict[str, Any]:
    return {
        "id": "01939a5e-0000-7000-8000-0000000000aa", "version": 3, "account": ACCOUNT["id"],
        "symbol": "BTCUSDT", "base": "BTC", "side": "long", "kind": "now", "state": "open",
        "state_text": "Open", "entry": "63900", "worst_entry": "63932", "stop": "63580.5",
        "target": "65369.7", "quantity": "0.2229", "planned_risk": "99.91", "risk_budget": "100",
        "initial_risk": "99.85", "reward_to_risk": "3", "entry_price": "63902.1",
        "exit_price": None, "entered_quantity": "0.2229", "held_quantity": "0.2229",
        "protected": True, "order_ms": 41, "protected_ms": 93, "naked_ms": 2, "r_multiple": None,
        "profit": None, "fees": "14.24", "exit_reason": None,
        "placed_at": "2026-11-23T03:12:00Z", "opened_at": "2026-11-23T03:12:00Z",
        "closed_at": None, "currency": "USDT",
    } | changes  # fmt: skip


def entering() -> dict[str, Any]:
    return trade(
        state="entering", state_text="Entering", entry_price=None, held_quantity="0",
        protected=False,
    )  # fmt: skip


def closed_trade(n: int, r: str, reason: str) -> dict[str, Any]:
    return trade(
        id=f"01939a5e-0000-7000-8000-0000000002{n:02d}", state="closed",
        state_text="Target hit" if reason == "target" else "Stopped out", exit_reason=reason,
        held_quantity="0", protected=False, r_multiple=r, profit=str(Decimal(r) * Decimal("99.85")),
        exit_price="65369.7" if reason == "target" else "63580.5",
        closed_at=f"2026-11-22T1{n}:40:00Z",
    )  # fmt: skip


def risk(heat: str = "0") -> dict[str, Any]:
    room = str(Decimal(300) - Decimal(heat))
    return {
        "account": ACCOUNT["id"], "currency": "USDT", "state": "active", "equity": "10041.27",
        "cash": "10041.27", "heat": {"value": heat, "limit": "300", "room": room},
        "day_loss": {"value": "41.2", "limit": "300", "room": "258.80"},
        "positions": {"value": 0 if heat == "0" else 1, "limit": 5},
        "streak": {"value": 1, "limit": 3}, "reconciled": True, "messages": [],
    }  # fmt: skip
