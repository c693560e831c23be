"""Rows of several models out of one statement that joins them."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model

M = TypeVar("M", bound=Model)


def columns_of(model: type[Model], alias: str) -> str:
    """The model's columns, in its own order, for a SELECT."""
    return ", ".join(f"{alias}.{field.column}" for field in model._meta.concrete_fields)


def row_of(model: type[M], left: Iterator[Any]) -> M | None:
    """The next columns as a row of this model; None where an outer join found none."""
    names, key, converted = _shape(model)
    values = list(islice(left, len(names)))
    if values[key] is None:
        return None
    for place, converters in converted:
        for convert in converters:
            values[place] = convert(values[place], None, connection)
    return model.from_db("default", names, values)


@cache
def _shape(
    model: type[Model],
) -> tuple[Sequence[str], int, Sequence[tuple[int, Sequence[Any]]]]:
    """Attributes in the model's order, the key's place among them, and the places whose values
    need converters."""
    fields = model._meta.concrete_fields
    names = [field.attname for field in fields]
    converters = ((n, field.get_db_converters(connection)) for n, field in enumerate(fields))
    return names, names.index(model._meta.pk.attname), [each for each in converters if each[1]]
