"""Rows of several models out of one statement that joins them."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model

M = TypeVar("M", bound=Model)


def columns_of(model: type[Model], alias: str) -> str:
    """The model's columns, in its own order, for a SELECT."""
    return ", ".join(f"{alias}.{field.column}" for field in model._meta.concrete_fields)


def row_of(model: type[M], left: Iterator[Any]) -> M | None:
    """The next columns as a row of this model; None where an outer join found none."""
    values, has_key = [], False
    for name, converters in _fields(model):
        value = next(left)
        for convert in converters:
            value = convert(value, None, connection)
        values.append(value)
        has_key = has_key or (value is not None and name == model._meta.pk.attname)
    if not has_key:
        return None
    return model.from_db("default", [name for name, _ in _fields(model)], values)


@cache
def _fields(model: type[Model]) -> Sequence[tuple[str, Sequence[Any]]]:
    """(attribute, converters) of each column, in the model's order."""
    return [
        (field.attname, field.get_db_converters(connection))
        for field in model._meta.concrete_fields
    ]
