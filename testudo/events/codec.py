"""Typed facts to JSON and back, by the annotations of their dataclass. Nothing is guessed.

Known: UUID, Decimal, datetime, date, int, str, bool, enums, `X | None`, `tuple[X, ...]`,
`tuple[X, Y]`, `dict[str, X]`, and dataclasses of these. A float is refused: money is never one.
"""

import dataclasses
import types
import typing
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, TypeVar, Union
from uuid import UUID

T = TypeVar("T")

_hints: dict[type, dict[str, Any]] = {}


def hints(cls: type) -> dict[str, Any]:
    """The field types of a dataclass, resolved."""
    if cls not in _hints:
        _hints[cls] = _resolve(cls)
    return _hints[cls]


def _resolve(cls: type) -> dict[str, Any]:
    known = typing.get_type_hints(cls)
    return {field.name: known[field.name] for field in dataclasses.fields(cls)}


def dump(fact: Any) -> dict[str, Any]:
    """A dataclass as JSON. Raises: TypeError, if a value is not what its annotation says."""
    cls = type(fact)
    return {
        name: _encode(getattr(fact, name), hint, f"{cls.__name__}.{name}")
        for name, hint in hints(cls).items()
    }


def parse(cls: type[T], payload: dict[str, Any]) -> T:
    """The dataclass again. Fields with a default may be absent: they were added since.

    Raises: TypeError or ValueError, if the payload is not such a fact.
    """
    known = hints(cls)
    if unknown := payload.keys() - known.keys():
        raise TypeError(f"{cls.__name__} has no field {', '.join(sorted(unknown))}.")
    return cls(
        **{
            name: _decode(value, known[name], f"{cls.__name__}.{name}")
            for name, value in payload.items()
        }
    )


def _encode(value: Any, hint: Any, where: str) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return None if value is None else _encode(value, _the_other(hint, where), where)
    if origin is tuple and isinstance(value, tuple):
        spread = _spread(args, value, where)
        return [_encode(v, h, where) for v, h in zip(value, spread, strict=True)]
    if origin is dict and isinstance(value, dict):
        _needs_text_keys(args, where)
        return {_of(str, k, where): _encode(v, args[1], where) for k, v in value.items()}
    if dataclasses.is_dataclass(hint) and isinstance(value, typing.cast(type, hint)):
        return dump(value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _of(hint, value, where).value
    if hint is Decimal:
        if not _of(Decimal, value, where).is_finite():
            raise TypeError(f"{where} is {value}; only finite numbers are facts.")
        return str(value)
    if hint is datetime:
        if _of(datetime, value, where).tzinfo is None:
            raise TypeError(f"{where} has no time zone. Use testudo.clock.now().")
        return value.isoformat()
    if hint is date:
        return _of(date, value, where).isoformat()
    if hint is UUID:
        return str(_of(UUID, value, where))
    if hint in (int, str, bool):
        return _of(hint, value, where)
    raise _unsupported(hint, value, where)


def _decode(value: Any, hint: Any, where: str) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return None if value is None else _decode(value, _the_other(hint, where), where)
    if origin is tuple and isinstance(value, list):
        spread = _spread(args, value, where)
        return tuple(_decode(v, h, where) for v, h in zip(value, spread, strict=True))
    if origin is dict and isinstance(value, dict):
        return {k: _decode(v, args[1], where) for k, v in value.items()}
    if dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return parse(typing.cast(type, hint), value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if hint is Decimal:
        return Decimal(_of(str, value, where))
    if hint in (datetime, date):
        return hint.fromisoformat(_of(str, value, where))
    if hint is UUID:
        return UUID(_of(str, value, where))
    if hint in (int, str, bool):
        return _of(hint, value, where)
    raise _unsupported(hint, value, where)


def _of(expected: type[T], value: Any, where: str) -> T:
    """The value, if it is exactly of that kind: a bool is no int, a datetime is no date."""
    if not isinstance(value, expected) or (
        type(value) in (bool, datetime) and type(value) is not expected
    ):
        raise TypeError(f"{where} must be {expected.__name__}, not {type(value).__name__}.")
    return value


def _the_other(hint: Any, where: str) -> Any:
    rest = [arg for arg in typing.get_args(hint) if arg is not type(None)]
    if len(rest) != 1:
        raise TypeError(f"{where}: only `X | None` can be told apart in JSON, not {hint}.")
    return rest[0]


def _spread(args: tuple[Any, ...], value: typing.Sized, where: str) -> tuple[Any, ...]:
    """One hint for each item of a tuple."""
    if len(args) == 2 and args[1] is Ellipsis:
        return (args[0],) * len(value)
    if len(args) != len(value):
        raise TypeError(f"{where} must have {len(args)} items, not {len(value)}.")
    return args


def _needs_text_keys(args: tuple[Any, ...], where: str) -> None:
    if args[0] is not str:
        raise TypeError(f"{where}: the keys of a dict in an event must be str.")


def _unsupported(hint: Any, value: Any, where: str) -> TypeError:
    if isinstance(value, float):
        return TypeError(f"{where} is a float. Amounts are Decimal.")
    return TypeError(f"{where} is declared {hint} and holds {type(value).__name__}.")
