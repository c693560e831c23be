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
CANDLE_OPENS, CANDLE_CLOSES = 0, 6  # in a kline's array
MARKET_TIMES = frozenset({"E", "T", "O", "C"})


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


def market_event(told: Any) -> Any:
    """A market stream's payload with its times in microseconds. Books have none to change."""
    if isinstance(told, list):
        return [market_event(one) for one in told]
    if "e" not in told:
        return told
    changed = {name: _micros(v) if name in MARKET_TIMES else v for name, v in told.items()}
    if told["e"] == "kline":
        candle = told["k"]
        changed["k"] = candle | {"t": _micros(candle["t"]), "T": _closing(candle["T"])}
    if told["e"] == "referencePrice":
        changed["t"] = _micros(told["t"])
    return changed


def _micros(ms: int) -> int:
    return ms * 1000 if ms > 0 else ms


def _closing(ms: int) -> int:
    """A candle's end: the last microsecond before the next one, as in Binance's archive files."""
    return ms * 1000 + 999


def _is_candle(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 12 and type(value[0]) is int


def _candle(row: list[Any]) -> list[Any]:
    changed = list(row)
    changed[CANDLE_OPENS] = _micros(row[CANDLE_OPENS])
    changed[CANDLE_CLOSES] = _closing(row[CANDLE_CLOSES])
    return changed
