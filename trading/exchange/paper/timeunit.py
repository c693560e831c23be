"""Microseconds where a client asks for them (`X-MBX-TIME-UNIT`, `?timeUnit=`). Pure.

The exchange keeps milliseconds; asked for microseconds it appends the three digits it does not
have. Source: rest-api.md and web-socket-api.md, "General API Information".
"""

from __future__ import annotations

from typing import Any

from trading.exchange.paper import errors

MICROSECONDS = frozenset({"MICROSECOND", "microsecond"})
MILLISECONDS = frozenset({"MILLISECOND", "millisecond"})
REST_TIMES = frozenset(
    {"serverTime", "transactTime", "transactionTime", "time", "updateTime", "workingTime"}
    | {"trailingTime", "openTime", "closeTime", "timestamp", "authorizedSince", "connectedSince"}
    | {"T"}
)
EVENT_TIMES = frozenset({"E", "T", "W", "O", "D"})
CANDLE_TIMES = (0, 6)  # opening and closing, in a kline's array


def in_micros(asked: str | None) -> bool:
    """Whether microseconds are asked for. Raises: BinanceError -1194."""
    if asked is None or asked in MILLISECONDS:
        return False
    if asked not in MICROSECONDS:
        raise errors.bad_time_unit()
    return True


def answer(value: Any) -> Any:
    """A REST or WS API result with its times in microseconds."""
    if isinstance(value, dict):
        return {
            name: _micros(one) if name in REST_TIMES and type(one) is int else answer(one)
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [_candle(one) if _is_candle(one) else answer(one) for one in value]
    return value


def event(told: dict[str, Any]) -> dict[str, Any]:
    """A user event with its times in microseconds."""
    changed = {
        name: _micros(one) if name in EVENT_TIMES and type(one) is int else one
        for name, one in told.items()
    }
    if told.get("e") == "outboundAccountPosition":
        changed["u"] = _micros(told["u"])
    return changed


def _micros(ms: int) -> int:
    return ms * 1000 if ms > 0 else ms


def _is_candle(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 12 and type(value[0]) is int


def _candle(row: list[Any]) -> list[Any]:
    return [_micros(one) if at in CANDLE_TIMES else one for at, one in enumerate(row)]
