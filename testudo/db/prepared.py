"""Statements the server plans once for each connection, for reads whose planning costs more than
they do: of a placement's read four fifths were planning.

The first use on a connection prepares it there, whatever becomes of the transaction around it. Not
for a pooler that hands a session from one transaction to the next.
"""

import re
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from django.db import connection

_PLACE = re.compile(r"%\((\w+)\)s")
# What is prepared on which session of the server: gone with it, kept while the pool lends it on.
_prepared: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()


class Prepared:
    """One statement with `%(name)s` values, under a name of its own.

    `types`: PostgreSQL's type of each value. A value that never changes belongs into the text.
    """

    def __init__(self, name: str, text: str, types: Mapping[str, str]) -> None:
        used = list(dict.fromkeys(_PLACE.findall(text)))
        body = _PLACE.sub(lambda found: f"${used.index(found[1]) + 1}", text)
        head = ", ".join(types[each] for each in used)
        self._name = name
        self._prepare = f"PREPARE {name} ({head}) AS {body}"
        self.text = f"EXECUTE {name} ({', '.join(f'%({each})s' for each in used)})"

    def ready(self) -> str:
        """The text that asks it, prepared on the present connection; more may be sent with it.

        Raises: the database's own errors.
        """
        connection.ensure_connection()
        there = _prepared.setdefault(connection.connection.driver_connection, set())
        if self._name not in there:
            # Beside Django's cursor: it belongs to the connection, not to what is asked.
            with connection.wrap_database_errors, connection.connection.cursor() as cursor:
                cursor.execute(self._prepare)
            there.add(self._name)
        return self.text
