"""Several writes in one round trip to the database, for a path on which others wait.

Every statement sees what those before it wrote. The first that fails undoes the transaction, as it
would alone. Rows are written as `save(force_insert=True)` writes them, without signals.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import Field, Model


class Batch:
    """Statements to be sent together. Nothing is sent before `run`."""

    def __init__(self) -> None:
        self._statements: list[str] = []
        self._values: list[Any] = []

    def add(self, statement: str, values: Sequence[Any]) -> None:
        """One statement with its `%s` values."""
        self._statements.append(statement)
        self._values.extend(values)

    def insert(self, *rows: Model) -> None:
        """New rows of one model. Their keys are their own: none is read back."""
        fields, head, places = _insert_of(type(rows[0]))
        self.add(
            head + ", ".join([places] * len(rows)),
            [_value_of(field, row) for row in rows for field in fields],
        )
        for row in rows:
            row._state.adding, row._state.db = False, connection.alias

    def run(self) -> None:
        """Send them. Raises: RuntimeError outside a transaction; the database's own errors."""
        if not connection.in_atomic_block:
            raise RuntimeError("A batch is written inside a transaction: all of it or nothing.")
        if self._statements:
            with connection.cursor() as cursor:
                cursor.execute(";\n".join(self._statements), self._values)
        self._statements, self._values = [], []


def _value_of(field: Field[Any, Any], row: Model) -> Any:
    return field.get_db_prep_save(field.pre_save(row, add=True), connection=connection)


@cache
def _insert_of(model: type[Model]) -> tuple[Sequence[Field[Any, Any]], str, str]:
    """(columns, the statement up to its values, the places of one row)."""
    fields = model._meta.concrete_fields
    name = connection.ops.quote_name
    columns = ", ".join(name(str(field.column)) for field in fields)
    head = f"INSERT INTO {name(model._meta.db_table)} ({columns}) VALUES "  # noqa: S608  our names
    return fields, head, f"({', '.join(['%s'] * len(fields))})"
