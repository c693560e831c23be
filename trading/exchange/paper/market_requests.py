"""What a reader of market streams may ask for, and the error objects it gets. Pure.

Source: web-socket-streams.md "Live Subscribing/Unsubscribing to streams", "Error Messages".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

MOST_STREAMS = 1024
METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_TEXT_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")
_INVALID = "Invalid request: "


class Refusal(Exception):
    """A request that is answered with an error object; only code 0 carries the request's id."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message
        self.identity: object = None

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {"code": self.code, "msg": self.message}
        return body | {"id": self.identity} if self.code == 0 else body


class Wish(NamedTuple):
    """A request that makes sense. `parameters` are stream names, or a property and its value."""

    method: str
    parameters: list[Any]
    identity: object


def read(text: str) -> Wish:
    """Raises: Refusal."""
    try:
        frame = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise Refusal(3, f"Invalid JSON: expected value at {where}") from error
    if not isinstance(frame, dict) or "method" not in frame:
        raise Refusal(2, f"{_INVALID}missing field `method` at line 1 column {len(text)}")
    identity = _identity(frame.get("id"))
    if frame["method"] not in METHODS:
        known = ", ".join(f"`{name}`" for name in METHODS)
        raise Refusal(
            2,
            f"{_INVALID}unknown variant {frame['method']}, expected one of {known}"
            " at line 1 column 28",
        )
    parameters = frame.get("params", [])
    if not isinstance(parameters, list):
        raise Refusal(2, f"{_INVALID}params must be a list")
    return Wish(frame["method"], parameters, identity)


def names_of(parameters: Sequence[Any]) -> list[str]:
    """The streams of SUBSCRIBE and UNSUBSCRIBE. Raises: Refusal."""
    if not parameters or not all(isinstance(name, str) for name in parameters):
        raise Refusal(2, f"{_INVALID}params must be a list of stream names")
    return list(parameters)


def refuse_more(streams: int) -> None:
    """Raises: Refusal, where a connection would listen to more streams than one may."""
    if streams > MOST_STREAMS:
        raise Refusal(2, f"{_INVALID}too many parameters")


def property_of(wish: Wish) -> bool | None:
    """The new value of `combined`; None where it is only asked for. Raises: Refusal."""
    name, *value = wish.parameters or [None]
    if not isinstance(name, str):
        raise Refusal(2, f"{_INVALID}property name must be a string")
    if name != "combined":
        refusal = Refusal(0, "Unknown property")
        refusal.identity = wish.identity
        raise refusal
    if len(value) > (wish.method == "SET_PROPERTY"):
        raise Refusal(2, f"{_INVALID}too many parameters")
    if wish.method == "GET_PROPERTY":
        return None
    if not value or not isinstance(value[0], bool):
        raise Refusal(1, "Invalid value type: expected Boolean")
    return value[0]


def _identity(value: object) -> object:
    """The request's id as it was sent. Raises: Refusal, when it is of no accepted kind."""
    if isinstance(value, bool) or not (value is None or isinstance(value, int | str)):
        raise Refusal(2, f"{_INVALID}request ID must be an unsigned integer")
    if isinstance(value, str) and not _TEXT_ID.fullmatch(value):
        raise Refusal(2, f"{_INVALID}request ID must be an unsigned integer")
    return value
