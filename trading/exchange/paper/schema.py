"""The tables of the state file: one row a value, one column a field of its dataclass."""
# ruff: noqa: S608 - table and column names are this file's own

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from operator import attrgetter
from typing import Any

from trading.exchange.paper.accounts import Account, ApiKey, Transfer
from trading.exchange.paper.orders import Amendment, Order, OrderList, PreventedMatch, Trade

TABLES: tuple[tuple[str, type[Any], str], ...] = (
    ("accounts", Account, "id"),
    ("api_keys", ApiKey, "key"),
    ("orders", Order, "id"),
    ("lists", OrderList, "id"),
    ("trades", Trade, "symbol, id, is_buyer"),
    ("transfers", Transfer, "id"),
    ("prevented", PreventedMatch, "symbol, id"),
    ("amendments", Amendment, "execution_id"),
)
INDEXES = (
    "CREATE INDEX IF NOT EXISTS orders_of ON orders (account, symbol, id)",
    "CREATE INDEX IF NOT EXISTS orders_named ON orders (account, client_id)",
    "CREATE INDEX IF NOT EXISTS orders_open ON orders (id) "
    "WHERE status IN ('NEW', 'PARTIALLY_FILLED', 'PENDING_NEW')",
    "CREATE INDEX IF NOT EXISTS lists_of ON lists (account, id)",
    "CREATE INDEX IF NOT EXISTS lists_open ON lists (id) WHERE order_status = 'EXECUTING'",
    "CREATE INDEX IF NOT EXISTS trades_of ON trades (account, symbol, id)",
    "CREATE INDEX IF NOT EXISTS transfers_of ON transfers (account, id)",
    "CREATE INDEX IF NOT EXISTS amendments_of ON amendments (order_id, execution_id)",
    "CREATE INDEX IF NOT EXISTS prevented_of ON prevented (account, symbol, id)",
    "CREATE INDEX IF NOT EXISTS trades_by_order ON trades (order_id)",
)


# How to write a row of each table. (dataclasses.astuple copies deeply: ten times slower.)
WRITERS: dict[str, tuple[Callable[[Any], tuple[Any, ...]], str]] = {
    table: (
        attrgetter(*(one.name for one in fields(kind))),
        f"REPLACE INTO {table} VALUES ({', '.join('?' * len(fields(kind)))})",
    )
    for table, kind, _ in TABLES
}


def column(one: Field[Any]) -> str:
    """The column of a field. All values are whole numbers or text, some of them absent."""
    declared = f"{one.name} {'INTEGER' if str(one.type).startswith('int') else 'TEXT'}"
    if one.default is MISSING or one.default is None:
        return declared
    default = one.default if isinstance(one.default, int) else f"'{one.default}'"
    return f"{declared} DEFAULT {default}"
