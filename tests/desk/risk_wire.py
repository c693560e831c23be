"""What the API says of risk, limits and decisions, made up: see `wire` for the desk's part."""

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from risk.limits import CAPS, DEFAULTS, PRESETS, RESET_ZONE, TIGHTER, describe
from tests.desk.pages import ACCOUNT, DECISION_ID

NAMES = tuple(CAPS)


def moment(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def ahead(**span: float) -> str:
    return moment(datetime.now(UTC) + timedelta(**span))


def said(used: Decimal, limit: Decimal, unit: str) -> str:
    if unit == "USDT":
        return f"{used:,.2f} of {limit:,.2f} USDT."
    if unit.startswith("of "):
        return f"{used * 100:.1f} % below the peak, of {limit * 100:.0f} %."
    return f"{used} of {limit} {unit}."


def gauge(code: str, title: str, used: str, limit: str, unit: str = "USDT") -> dict[str, Any]:
    exact, most = Decimal(used), Decimal(limit)
    share = exact / most
    room = max(most - exact, Decimal(0))
    return {
        "code": code, "title": title, "used": used, "limit": limit, "room": str(room),
        "share": str(share.quantize(Decimal("0.0001"))), "unit": unit,
        "warn": share >= Decimal("0.8"),
        "broken": share >= 1, "text": said(exact, most, unit),
    }  # fmt: skip


def gauges() -> list[dict[str, Any]]:
    return [
        gauge("portfolio_heat", "Portfolio heat", "99.85", "300"),
        gauge("daily_loss", "Day's loss at the stops", "141.05", "301.24"),
        gauge("weekly_loss", "Week's loss", "506.40", "602.48"),
        gauge("drawdown", "Drawdown", "0.0207", "0.10", "of the peak"),
        gauge("leverage", "Exposure", "7022.44", "10041.27"),
        gauge("losing_streak", "Losing streak", "1", "3", "losses in a row"),
        gauge("stop_outs", "Stop-outs", "1", "4", "in 24 hours"),
        gauge("open_positions", "Open positions", "1", "5", "positions"),
        gauge("trades_today", "Trades today", "2", "10", "trades"),
    ]


BREAKERS = [
    ("day_loss", "Day's loss"), ("week_loss", "Week's loss"), ("heat", "Portfolio heat"),
    ("losing_streak", "Losing streak"), ("stop_outs", "Stop-outs"), ("drawdown", "Drawdown"),
    ("operator", "Kill switch"),
]  # fmt: skip


def breakers(**opened: dict[str, Any]) -> list[dict[str, Any]]:
    closed = {"phase": "closed", "opened_at": None, "until": None, "reason": "", "way_back": ""}
    return [
        {"cause": cause, "title": title, **closed, **opened.get(cause, {})}
        for cause, title in BREAKERS
    ]


def streak_open() -> dict[str, Any]:
    return {
        "phase": "open", "opened_at": ahead(hours=-2), "until": ahead(hours=22),
        "reason": "3 losses in a row; the limit is 3.",
        "way_back": "Open for 24 h, then half size until the account has won 1 R or closed two "
        "trades as planned.",
    }  # fmt: skip


def risk_facts(**changes: Any) -> dict[str, Any]:
    return {
        "account": ACCOUNT["id"], "currency": "USDT", "state": "active", "state_reason": "",
        "state_until": None, "at": ahead(), "version": 41, "equity": "10041.27",
        "cash": "3021.77", "available": "3021.77", "locked": "0", "nav": "100.4127",
        "peak_nav": "102.5400", "drawdown": "0.0207", "reconciled": True,
        "heat": {"value": "99.85", "limit": "300", "room": "200.15"},
        "day_loss": {"value": "141.05", "limit": "301.24", "room": "160.19"},
        "positions": {"value": 1, "limit": 5}, "streak": {"value": 1, "limit": 3}, "messages": [],
        "day": {"start_equity": "10082.47", "late": False, "ends_at": ahead(hours=9, minutes=14),
                "lost": "41.20", "flows": "0"},
        "week": {"start_equity": "10447.67", "late": True, "ends_at": ahead(days=5, hours=9),
                 "lost": "406.40", "flows": "250.00"},
        "gauges": gauges(), "breakers": breakers(),
        "by_symbol": [
            {"symbol": "BTCUSDT", "side": "long", "heat": "99.85", "exposure": "14243.31",
             "open_risk": "128.44"},
            {"symbol": "ETHUSDT", "side": "long", "heat": "0", "exposure": "1211.07",
             "open_risk": "12.10"},
        ],
        "holdings": [
            {"asset": "BNB", "quantity": "1.5", "value": "934.50"},
            {"asset": "SOL", "quantity": "12.00000000", "value": None},
        ],
        "unprotected": [], "exchange": None,
        "naked": {"days": 30, "trades": 212, "p50_ms": 0, "p99_ms": 1840, "longest_ms": 2310,
                  "unprotected_now": 0},
        "warnings": ["Week's loss is at 84 % of its limit."], "pending_changes": 1,
    } | changes  # fmt: skip


def managed(holding_id: str = "held-eth", **changes: Any) -> dict[str, Any]:
    return {
        "id": holding_id, "symbol": "ETHUSDT", "asset": "ETH", "quantity": "0.4",
        "entry": "3010", "stop": "2900.5", "declared_at": ahead(days=-3), "worth": "1211.07",
        "heat": "44.96",
    } | changes  # fmt: skip


def unprotected(**changes: Any) -> dict[str, Any]:
    return {
        "trade": "01939a5e-0000-7000-8000-0000000000aa", "symbol": "BTCUSDT", "base": "BTC",
        "held_quantity": "0.2229", "state": "open", "since": "2026-11-23T03:12:04Z",
    } | changes  # fmt: skip


def exchange_down(**changes: Any) -> dict[str, Any]:
    return {
        "venue": "binance", "name": "Binance", "phase": "open", "parts": ["orders"],
        "title": "Binance is down", "since": ahead(minutes=-3), "retry_at": ahead(seconds=40),
        "fails": "Binance does not answer orders (timed out after 10 s).",
        "protects": "Stops and targets that were placed rest at Binance itself: it fills them "
        "whether or not it answers us.",
        "works": "Closing, withdrawing an entry and tightening a stop are taken and sent again "
        "until it answers. To leave at once, use Binance's own site or app; we follow what it "
        "says.",
        "waits": "New trades wait. One request a minute tries again; once it answers, they are "
        "taken.",
    } | changes  # fmt: skip


def halted() -> dict[str, Any]:
    reason = "Stepping away until the conference is over."
    kill = {
        "phase": "open", "opened_at": ahead(hours=-1), "until": None, "reason": reason,
        "way_back": "Resume with your password and a reason.",
    }  # fmt: skip
    return risk_facts(state="halted", state_reason=reason, breakers=breakers(operator=kill))


def reducing() -> dict[str, Any]:
    return risk_facts(
        state="reducing", state_reason="3 losses in a row; the limit is 3.",
        state_until=ahead(hours=22), breakers=breakers(losing_streak=streak_open()),
    )  # fmt: skip


def history(hours: int) -> dict[str, Any]:
    """A day of ups and downs, the same on every call but for the moment."""
    end, count = datetime.now(UTC), 240
    points = []
    for n in range(count):
        wave = 90 * math.sin(n / 19) + 35 * math.sin(n / 5) + n * 0.6
        equity = Decimal(f"{9950 + wave:.2f}")
        holds = 60 < n < 140 or n > 190
        heat = Decimal(f"{99.85 + 40 * math.sin(n / 11):.2f}") if holds else Decimal(0)
        points.append({
            "at": moment(end - timedelta(hours=hours) * (count - 1 - n) / count),
            "equity": str(equity), "nav": str(equity / 100), "heat": str(heat),
            "exposure": str(heat * 90), "open_risk": str(heat * Decimal("1.2")),
            "drawdown": f"{max(0, 10080 - float(equity)) / 10080:.4f}",
        })  # fmt: skip
    return {"points": points}


def change(**changes: Any) -> dict[str, Any]:
    return {
        "id": "01939a5e-0000-7000-8000-0000000003aa", "name": "max_heat", "title": "Portfolio heat",
        "from": "0.03", "to": "0.05", "asked_at": ahead(hours=-6), "earliest_at": ahead(hours=18),
        "waits_for": ["24 hours", "the next reset", "no open position"],
        "text": "Portfolio heat from 3 % to 5 %.",
    } | changes  # fmt: skip


def wired(limits: Any) -> dict[str, Any]:
    """A set of limits as the API writes it."""
    values = {name: getattr(limits, name) for name in NAMES}
    return {n: str(v) if isinstance(v, Decimal) else v for n, v in values.items()}


def profile(*pending: dict[str, Any], **limits: Any) -> dict[str, Any]:
    def plain(value: Any) -> Any:
        return str(value) if isinstance(value, Decimal) else value

    return {
        "account": ACCOUNT["id"], "limits": wired(DEFAULTS) | limits,
        "caps": {name: [plain(end) for end in ends] for name, ends in CAPS.items()},
        "defaults": wired(DEFAULTS), "tighter": TIGHTER,
        "presets": {name: wired(each) for name, each in PRESETS.items()},
        "titles": {name: describe(name).title for name in (*CAPS, RESET_ZONE)},
        "units": {name: describe(name).unit for name in (*CAPS, RESET_ZONE)},
        "texts": {name: describe(name).text for name in (*CAPS, RESET_ZONE)},
        "preset": "standard", "reset_zone": "UTC", "pending": list(pending),
    }  # fmt: skip


PLACED = "Size 0.2229 BTC, at most 99.91 USDT at risk; all 24 rules passed."
LOWERED = "From 5 % to 3 % of equity. A tightening: it acted at once."
HALTED = "By the trader. Pending entries were cancelled; stops stayed."
TOLD = ["portfolio_heat", "reward_to_risk"]
STREAK = "3 losses in a row. No new risk for 24 h; exits go on."
READINGS: list[tuple[str, str, str, list[str]]] = [
    ("placed", "BTCUSDT long placed", PLACED, []),
    ("refused", "BTCUSDT long refused", "Portfolio heat and reward to risk said no.", TOLD),
    ("limit_changed", "Portfolio heat lowered", LOWERED, []),
    ("breaker", "Losing streak opened", STREAK, ["losing_streak"]),
    ("halted", "Trading halted", HALTED, []),
    ("resumed", "Trading resumed", "By the trader, with the password and a reason.", []),
]


def decision(number: int) -> dict[str, Any]:
    kind, title, reading, codes = READINGS[-number % len(READINGS)]
    return {
        "id": f"{DECISION_ID[:-4]}{number:04d}", "number": number, "kind": kind,
        "at": ahead(minutes=-37 * (40 - number)), "hash": f"{number:04d}" + "9f3ac81b" * 7 + "e0d1",
        "title": title, "reading": reading,
        "symbol": "BTCUSDT" if kind in {"placed", "refused"} else None, "codes": codes,
        "rules_version": "3",
    }  # fmt: skip


def decisions(cursor: int = 40, limit: int = 20) -> dict[str, Any]:
    rows = [decision(number) for number in range(cursor, max(0, cursor - limit), -1)]
    return {"results": rows, "next": str(cursor - limit) if cursor > limit else None}


def decision_in_full(verdicts: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    plan = {
        "symbol": "BTCUSDT", "side": "long", "entry": "63900", "stop": "63580.5",
        "target": "65369.7", "quantity": "0.2229", "planned_risk": "99.91", "risk_fraction": "0.01",
    }  # fmt: skip
    return decision(39) | {
        "kind": "refused", "title": "BTCUSDT long refused", "symbol": "BTCUSDT",
        "reading": "Portfolio heat and reward to risk said no. Nothing was sent.",
        "codes": ["portfolio_heat", "reward_to_risk"], "verdicts": verdicts, "intact": True,
        "keyed_hash": "b81c" * 16,
        "payload": plan | {"account": ACCOUNT["id"], "number": 39, "kind": "refused"},
        "replay": {"same": True, "differences": []},
    } | changes  # fmt: skip


FIXES = [
    {"lever": "size", "title": "Risk 0.87 %", "text": "0.1939 BTC: heat stays at 300.00 USDT.",
     "plan": {"risk_fraction": "0.0087"}},
    {"lever": "stop", "title": "Stop at 63,712.00", "text": "Closer: the target then pays 2.04 R.",
     "plan": {"stop": "63712.00"}},
    {"lever": "target", "title": "Target at 65,288.00", "text": "Further: it then pays 2.00 R.",
     "plan": {"target": "65288.00"}},
    {"lever": "wait", "title": "Wait until the reset", "text": "The day's loss starts anew then.",
     "until": "2026-11-24T00:00:00Z"},
    {"lever": "close", "title": "Close ETHUSDT", "text": "It frees 48.20 USDT of heat.",
     "close": ["01939a5e-0000-7000-8000-0000000000aa"]},
]  # fmt: skip
