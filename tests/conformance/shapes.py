"""Shapes of documented answers: which fields there are, and which JSON type each has.

A shape is text: `symbol:s orderId:i ?stopPrice:d fills:[FILL]`. `?` marks a field that Binance
documents as conditional; every other must be there, and a field not named must not be. Types:
`s` string, `d` decimal string, `i` whole number, `b` boolean, `n` string or null, `*` anything,
`[X]` list of X, a name of the tables: an object of that shape.
Source of every field: Binance's documentation (spot, 2026) and the models of its own SDK.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

DECIMAL = re.compile(r"-?\d+(\.\d+)?\Z")
WHOLE = -(2**63), 2**63


def _is_whole(value: Any) -> bool:
    return type(value) is int and WHOLE[0] <= value < WHOLE[1]


PRIMITIVES: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "s": ("a string", lambda value: isinstance(value, str)),
    "d": ("a decimal string", lambda v: isinstance(v, str) and bool(DECIMAL.match(v))),
    "i": ("a whole number", _is_whole),
    "b": ("a boolean", lambda value: isinstance(value, bool)),
    "n": ("a string or null", lambda value: value is None or isinstance(value, str)),
    "m": ("a whole number or null", lambda value: value is None or _is_whole(value)),
    "*": ("anything", lambda value: True),
}


class Shapes:
    """A table of named shapes."""

    def __init__(self, table: Mapping[str, str]) -> None:
        self.names = set(table)
        self._fields = {name: dict(_fields(text)) for name, text in table.items()}

    def problems(self, value: Any, shape: str, path: str = "") -> list[str]:
        """What is wrong with an answer: missing, unknown and mistyped fields, by path."""
        return list(self._problems(value, shape, path or shape))

    def _problems(self, value: Any, shape: str, path: str) -> Iterator[str]:
        if shape.startswith("["):
            if not isinstance(value, list):
                yield f"{path}: a list expected, got {_short(value)}"
                return
            for one in value:
                yield from self._problems(one, shape[1:-1], f"{path}[]")
        elif shape.startswith("("):  # a tuple: a list of so many, each with its type
            types = shape[1:-1].split(",")
            if not isinstance(value, list) or len(value) != len(types):
                yield f"{path}: a list of {len(types)} expected, got {_short(value)}"
                return
            for number, (one, kind) in enumerate(zip(value, types, strict=True)):
                yield from self._problems(one, kind, f"{path}[{number}]")
        elif "|" in shape:
            found = [list(self._problems(value, one, path)) for one in shape.split("|")]
            if all(found):
                yield from min(found, key=len)
        elif shape in PRIMITIVES:
            said, fits = PRIMITIVES[shape]
            if not fits(value):
                yield f"{path}: {said} expected, got {_short(value)}"
        else:
            yield from self._object(value, self._fields[shape], path)

    def _object(
        self, value: Any, fields: Mapping[str, tuple[str, bool]], path: str
    ) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{path}: an object expected, got {_short(value)}"
            return
        for name, (kind, optional) in fields.items():
            if name in value:
                yield from self._problems(value[name], kind, f"{path}.{name}")
            elif not optional:
                yield f"{path}.{name}: missing"
        for name in value.keys() - fields.keys():
            yield f"{path}.{name}: not documented"


def _fields(text: str) -> Iterator[tuple[str, tuple[str, bool]]]:
    for token in text.split():
        name, _, kind = token.removeprefix("?").partition(":")
        yield name, (kind, token.startswith("?"))


def _short(value: Any) -> str:
    return f"{type(value).__name__} {value!r:.60}"
