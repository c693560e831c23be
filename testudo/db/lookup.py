"""One row by its key, where every request asks: the query is written once, not for each of them.

The ORM takes several times as long to write such a query as the server takes to answer it.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Generic, TypeVar
from uuid import uuid4

from django.db import connection
from django.db.models import Model, QuerySet

from testudo.db.model_columns import row_of
from testudo.db.prepared import Prepared

M = TypeVar("M", bound=Model)


class Lookup(Generic[M]):
    """A queryset with places for values, prepared under `name`; it finds one row or none.

    `query`: from the values to a queryset of whole rows of one model, at most one of which can
    match; its conditions stay where they are, in the model's own queryset. `types`: PostgreSQL's
    type of each value; now only "uuid" is needed.
    """

    def __init__(
        self, name: str, query: Callable[..., "QuerySet[M]"], types: Mapping[str, str]
    ) -> None:
        self._name, self._query, self._types = name, query, types

    @cached_property
    def text(self) -> str:
        """The query with `%(name)s` for its values: to join it in a statement of another's."""
        return self._written[1]

    @cached_property
    def _written(self) -> tuple[type[M], str]:
        marks = {each: uuid4() for each in self._types}
        found = self._query(**marks)
        text, values = found.order_by().query.sql_with_params()
        place = {mark: f"%({each})s" for each, mark in marks.items()}
        # A value that is none of ours would have to be quoted: KeyError, on the first use.
        return found.model, text % tuple(place[value] for value in values)

    @cached_property
    def _statement(self) -> Prepared:
        return Prepared(self._name, self.text, self._types)

    def find(self, **values: Any) -> M | None:
        """The row; None where there is none. Raises: the database's own errors."""
        text = self._statement.ready()
        with connection.cursor() as cursor:
            cursor.execute(text, values)
            row = cursor.fetchone()
        return None if row is None else row_of(self._written[0], iter(row))
