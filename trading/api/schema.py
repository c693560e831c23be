"""The answers of the API, described for OpenAPI. Bodies are built in `present.py`."""

from drf_spectacular.utils import OpenApiResponse, inline_serializer
from rest_framework import serializers

from testudo.web.fields import AmountField, MomentField, SymbolField


def _money(**options: bool) -> AmountField:
    return AmountField(allow_null=True, **options)


def _list_of(fields: dict[str, serializers.Field], name: str, **options: bool) -> serializers.Field:
    return inline_serializer(name, dict(fields), many=True, **options)


def _object(name: str, fields: dict[str, serializers.Field]) -> serializers.Serializer:
    """A copy of the fields: the serializer's metaclass empties the mapping it is given."""
    return inline_serializer(name, dict(fields))


VERDICT = {
    "code": serializers.CharField(),
    "title": serializers.CharField(),
    "ok": serializers.BooleanField(),
    "effect": serializers.ChoiceField(["block", "advise"]),
    "measured": serializers.CharField(),
    "limit": serializers.CharField(),
    "margin": serializers.CharField(),
    "unit": serializers.CharField(),
    "message": serializers.CharField(),
    "needs_acknowledgement": serializers.BooleanField(),
}
_LINES = ("risk_fraction", "stop", "target")
_FIX = {
    "lever": serializers.CharField(),
    "title": serializers.CharField(),
    "text": serializers.CharField(),
    "plan": inline_serializer(
        "FixPlan", {name: _money(required=False) for name in _LINES}, allow_null=True
    ),
    "until": MomentField(allow_null=True),
    "close": serializers.ListField(child=serializers.UUIDField()),
}
_GAUGE = {"before": _money(), "after": _money(), "limit": _money()}
_PLAN = {
    "symbol": SymbolField(),
    "side": serializers.ChoiceField(["long", "short"]),
    "kind": serializers.ChoiceField(["now", "pullback", "breakout"]),
    **{name: _money() for name in ("entry", "worst_entry", "stop", "target", "quantity")},
    **{name: _money() for name in ("planned_risk", "risk_budget", "reward_to_risk")},
    "currency": serializers.CharField(),
    "base": serializers.CharField(),
}
PREVIEW = _object(
    "Preview",
    {
        "ok": serializers.BooleanField(),
        "account": serializers.UUIDField(),
        **_PLAN,
        **{name: _money() for name in ("notional", "risk_fraction", "rounding_loss")},
        "bound": serializers.CharField(),
        "size_model": serializers.CharField(),
        **{name: _money() for name in ("wanted", "wanted_loss")},
        "fees": _object(
            "PlanFees",
            {
                **{name: _money() for name in ("entry", "exit", "slippage")},
                "taken_in": serializers.CharField(),
            },
        ),
        **{name: _money() for name in ("reward_to_risk_gross", "entry_fee", "exit_fee")},
        "planned_profit": serializers.CharField(),
        "quoted_price": _money(),
        "quoted_at": MomentField(),
        "expires_at": MomentField(allow_null=True),
        "management": serializers.DictField(),
        "parts": _list_of({name: _money() for name in ("price", "share", "quantity")}, "PlanPart"),
        "verdicts": _list_of(VERDICT, "Verdict"),
        "fixes": _list_of(_FIX, "Fix"),
        "gauges": _object(
            "Gauges",
            {
                "heat": _object("HeatGauge", _GAUGE),
                "day_loss": _object("DayLossGauge", _GAUGE),
            },
        ),
    },
)
_MOVE = {
    "why": serializers.ChoiceField(["trader", "break_even", "trailing", "ratchet"]),
    "state": serializers.CharField(),
    "wished_at": MomentField(),
}
_OPEN_MOVE = inline_serializer(
    "OpenMove", {**{name: _money() for name in ("stop", "target")}, **_MOVE}, allow_null=True
)
_PAST_MOVE = {
    "number": serializers.IntegerField(),
    "by": serializers.UUIDField(allow_null=True),
    **{name: _money() for name in ("from_stop", "from_target", "to_stop", "to_target")},
    **_MOVE,
    "naked_ms": serializers.IntegerField(allow_null=True),
    "said": serializers.CharField(),
    "ended_at": MomentField(allow_null=True),
}
_TRADE = {
    "id": serializers.UUIDField(),
    "version": serializers.IntegerField(),
    "account": serializers.UUIDField(),
    **_PLAN,
    "state": serializers.CharField(),
    "state_text": serializers.CharField(),
    **{name: _money() for name in ("initial_risk", "entry_price", "exit_price")},
    **{name: _money() for name in ("entered_quantity", "held_quantity", "sold_quantity", "fees")},
    "targets": _list_of(
        {**{name: _money() for name in ("price", "share")}, "sold": serializers.BooleanField()},
        "TradeTarget",
    ),
    **{name: _money() for name in ("planned_stop", "planned_target")},
    "move": _OPEN_MOVE,
    "waits": serializers.ChoiceField(["line", "exchange"], allow_null=True),
    "expires_at": MomentField(allow_null=True),
    "protected": serializers.BooleanField(),
    "unprotected": serializers.BooleanField(),
    "unprotected_since": MomentField(allow_null=True),
    "order_ms": serializers.IntegerField(allow_null=True),
    "protected_ms": serializers.IntegerField(allow_null=True),
    "naked_ms": serializers.IntegerField(),
    "r_multiple": serializers.CharField(allow_null=True),
    "profit": serializers.CharField(allow_null=True),
    "exit_reason": serializers.CharField(allow_null=True),
    **{name: MomentField(allow_null=True) for name in ("placed_at", "opened_at", "closed_at")},
}
TRADES = _object(
    "Trades",
    {"results": _list_of(_TRADE, "TradeRow"), "next": serializers.UUIDField(allow_null=True)},
)
_STEP = {
    **{name: serializers.CharField() for name in ("name", "title", "text")},
    **{name: MomentField(allow_null=True) for name in ("at", "exchange_at")},
    **{name: serializers.IntegerField(allow_null=True) for name in ("ms", "ms_between")},
}
_INCIDENT = {
    **{name: serializers.CharField() for name in ("kind", "title", "severity", "text", "done")},
    "opened_at": MomentField(),
    "closed_at": MomentField(allow_null=True),
    "ms": serializers.IntegerField(allow_null=True),
    "of_exchange": serializers.BooleanField(),
}
_ANSWER = {
    "at": MomentField(),
    **{name: serializers.CharField() for name in ("method", "path", "text")},
    "status": serializers.IntegerField(allow_null=True),
    "ms": serializers.IntegerField(),
    "cut": serializers.BooleanField(),
}
TRADE = _object(
    "Trade",
    {
        **_TRADE,
        "reason": serializers.CharField(),
        "setup": serializers.CharField(),
        "legs": serializers.ListField(child=serializers.DictField()),
        "management": serializers.DictField(),
        "moves": _list_of(_PAST_MOVE, "Move"),
        "fills": serializers.ListField(child=serializers.DictField()),
        "timeline": serializers.ListField(child=serializers.DictField()),
        "decision": serializers.DictField(),
        # Of GET only: the way an order takes is not held up by its own story.
        "steps": _list_of(_STEP, "TradeStep", required=False),
        "incidents": _list_of(_INCIDENT, "TradeIncident", required=False),
        "exchange_answers": _list_of(_ANSWER, "ExchangeAnswer", required=False),
    },
)
PROBLEM = _object(
    "Problem",
    {
        "type": serializers.CharField(),
        "title": serializers.CharField(),
        "status": serializers.IntegerField(),
        "code": serializers.CharField(),
        "detail": serializers.CharField(),
        "errors": _list_of(
            {
                "field": serializers.CharField(),
                "value": serializers.CharField(allow_null=True),
                "message": serializers.CharField(),
            },
            "ProblemError",
        ),
    },
)
_SAID = {
    400: "Malformed or impossible; `errors` names field, value and way out.",
    401: "Sign in first.",
    404: "Absent, or another's.",
    409: "A rule's or a filter's verdict on a well-formed plan, in `verdicts`.",
    422: "The Idempotency-Key was used with another body.",
}
REFUSALS = {status: OpenApiResponse(PROBLEM, text) for status, text in _SAID.items()}
_ACCOUNT = {
    "id": serializers.UUIDField(),
    "name": serializers.CharField(),
    "venue": serializers.CharField(),
    "currency": serializers.CharField(),
    "state": serializers.CharField(),
    "key_hint": serializers.CharField(),
}
ACCOUNT = _object("Account", _ACCOUNT)
ACCOUNTS = _object("Accounts", {"results": _list_of(_ACCOUNT, "AccountRow")})
SYMBOLS = _object(
    "Symbols",
    {
        "results": _list_of(
            {
                "name": SymbolField(),
                "base": serializers.CharField(),
                "quote": serializers.CharField(),
                "status": serializers.CharField(),
                **{name: _money() for name in ("tick", "step", "min_notional")},
            },
            "SymbolRow",
        )
    },
)
CANDLES = _object(
    "Candles",
    {
        "symbol": SymbolField(),
        "interval": serializers.CharField(),
        # [open time in seconds, "open", "high", "low", "close", "volume"]
        "candles": serializers.ListField(child=serializers.ListField()),
    },
)
_ROOM = {"value": _money(), "limit": _money(), "room": _money()}
_COUNT = {"value": serializers.IntegerField(), "limit": serializers.IntegerField()}
_PERIOD = {
    "start_equity": _money(),
    "lost": _money(),
    "flows": _money(),
    "late": serializers.BooleanField(),
    "ends_at": serializers.DateTimeField(),
}
_GAUGE = {
    "code": serializers.CharField(),
    "title": serializers.CharField(),
    **{name: _money() for name in ("used", "limit", "room", "share")},
    "unit": serializers.CharField(),
    "warn": serializers.BooleanField(),
    "broken": serializers.BooleanField(),
    "text": serializers.CharField(),
}
_BREAKER = {
    **{name: serializers.CharField() for name in ("cause", "title", "phase", "reason", "way_back")},
    "opened_at": serializers.DateTimeField(allow_null=True),
    "until": serializers.DateTimeField(allow_null=True),
}
_NAKED = {  # milliseconds, over the trades of the last `days` that bought anything
    name: serializers.IntegerField()
    for name in ("days", "trades", "p50_ms", "p99_ms", "longest_ms", "unprotected_now")
}
_EXCHANGE = inline_serializer(
    "ExchangeTrouble",  # null while the exchange answers
    {
        **{name: serializers.CharField() for name in ("venue", "name", "title")},
        "phase": serializers.ChoiceField(["open", "half_open"]),
        "parts": serializers.ListField(child=serializers.CharField()),
        **{name: MomentField(allow_null=True) for name in ("since", "retry_at")},
        **{name: serializers.CharField() for name in ("fails", "protects", "works", "waits")},
    },
    allow_null=True,
)
_POINT_FIGURES = ("equity", "nav", "heat", "exposure", "open_risk", "drawdown")
RISK = _object(
    "AccountRisk",
    {
        "account": serializers.UUIDField(),
        "currency": serializers.CharField(),
        "state": serializers.ChoiceField(["active", "reducing", "halted"]),
        "state_reason": serializers.CharField(),
        "state_until": serializers.DateTimeField(allow_null=True),
        "at": serializers.DateTimeField(),
        "version": serializers.CharField(),
        "equity": _money(),
        "cash": _money(),
        "locked": _money(),
        "available": _money(),
        "holdings": _list_of(
            {"asset": serializers.CharField(), "quantity": _money(), "value": _money()}, "Holding"
        ),
        "nav": _money(),
        "peak_nav": _money(),
        "drawdown": _money(),
        "day": _object("RiskDay", _PERIOD),
        "week": _object("RiskWeek", _PERIOD),
        "heat": _object("HeatRoom", _ROOM),
        "day_loss": _object("DayLossRoom", _ROOM),
        "positions": _object("PositionCount", _COUNT),
        "streak": _object("StreakCount", _COUNT),
        "gauges": _list_of(_GAUGE, "Gauge"),
        "by_symbol": _list_of(
            {
                "symbol": SymbolField(),
                "side": serializers.CharField(),
                **{name: _money() for name in ("heat", "exposure", "open_risk")},
            },
            "SymbolRisk",
        ),
        "breakers": _list_of(_BREAKER, "LossBreaker"),
        "unprotected": _list_of(
            {
                "trade": serializers.UUIDField(),
                "symbol": SymbolField(),
                "base": serializers.CharField(),
                "held_quantity": _money(),
                "state": serializers.CharField(),
                "since": MomentField(),
            },
            "UnprotectedPosition",
        ),
        "naked": _object("NakedFigures", _NAKED),
        "exchange": _EXCHANGE,
        "reconciled": serializers.BooleanField(),
        "messages": serializers.ListField(child=serializers.CharField()),
        "warnings": serializers.ListField(child=serializers.CharField()),
        "pending_changes": serializers.IntegerField(),
    },
)
RISK_HISTORY = _object(
    "RiskHistory",
    {
        "points": _list_of(
            {"at": serializers.DateTimeField(), **{name: _money() for name in _POINT_FIGURES}},
            "RiskPoint",
        )
    },
)
