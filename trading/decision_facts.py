"""Frozen values as plain JSON, and back: what a decision record keeps of its inputs. Pure.

Every field of a dataclass is written by its name, so a field added to `Plan` or `Book` is in the
next record without a change here. Amounts are decimal text, moments ISO 8601 in UTC, durations
whole microseconds. Of what a person wrote in words only that there are some is kept: the log holds
ids and figures, and no rule decides by more.
"""

import dataclasses
import types
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

WORDS = frozenset({"setup", "state_reason", "message"})  # a person's words, or sentences for one
SOME = "#"  # stands for them
MICROSECOND = timedelta(microseconds=1)

T = TypeVar("T")


class FactsUnreadable(ValueError):
    """A record's facts are not those of the value they should be. The message names the field."""


def to_facts(value: Any) -> dict[str, Any]:
    """A frozen dataclass as JSON values. Raises: TypeError, for what no record may hold."""
    facts = {}
    for name in _names(type(value)):
        fact = _plain(getattr(value, name))
        facts[name] = SOME if name in WORDS and fact else fact
    return facts


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind is Decimal:  # most are
        return f"{value:f}"
    if value is None or kind is str or isinstance(value, bool | int):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, timedelta):
        return value // MICROSECOND
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(_plain(each) for each in value)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if dataclasses.is_dataclass(value):
        return to_facts(value)
    raise TypeError(f"A decision holds ids and figures only, not {type(value).__name__}.")


def from_facts(kind: type[T], facts: Any, *, at: str = "") -> T:
    """The value `to_facts` wrote. A field the record does not have takes its default.

    Raises: FactsUnreadable.
    """
    where = at or kind.__name__.lower()
    if not isinstance(facts, Mapping):
        raise FactsUnreadable(f"{where} is no object.")
    hints = _hints(kind)  # type: ignore[arg-type]  # a class is hashable
    found = {}
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        if field.name in facts:
            found[field.name] = _read(hints[field.name], facts[field.name], f"{where}.{field.name}")
    try:
        return kind(**found)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise FactsUnreadable(f"{where}: {error}") from error


def unknown(kind: type, facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Names in the record that today's value no longer has."""
    return tuple(sorted(set(facts) - {field.name for field in dataclasses.fields(kind)}))


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _read(hint: Any, value: Any, where: str) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _read_optional(hint, value, where)
    if origin is Literal:
        if value in get_args(hint):
            return value
        raise FactsUnreadable(f"{where} is {value!r}, none of {', '.join(get_args(hint))}.")
    if origin in (frozenset, tuple):
        if not isinstance(value, list):
            raise FactsUnreadable(f"{where} is no list.")
        inner = get_args(hint)[0]
        return origin(_read(inner, each, where) for each in value)
    if dataclasses.is_dataclass(hint):
        return from_facts(hint, value, at=where)  # type: ignore[arg-type]
    return _read_scalar(hint, value, where)


def _read_optional(hint: Any, value: Any, where: str) -> Any:
    kinds = get_args(hint)
    if value is None and type(None) in kinds:
        return None
    for kind in kinds:
        if kind is not type(None):
            try:
                return _read(kind, value, where)
            except FactsUnreadable as error:
                why = error
    raise why


def _read_scalar(hint: Any, value: Any, where: str) -> Any:
    try:
        if hint is Decimal and isinstance(value, str):
            return Decimal(value)
        if hint is datetime and isinstance(value, str):
            return datetime.fromisoformat(value)
        if hint is timedelta and type(value) is int:
            return timedelta(microseconds=value)
        if isinstance(hint, type) and issubclass(hint, Enum):
            return hint(value)
    except (ValueError, InvalidOperation) as error:
        raise FactsUnreadable(f"{where} cannot be read: {error}") from error
    if hint in (bool, int, str) and type(value) is hint:
        return value
    raise FactsUnreadable(f"{where} cannot be read as {getattr(hint, '__name__', hint)}.")
