"""The tables of the state file: one row a value, one column a field of its dataclass."""
# ruff: noqa: S608 - table and column names are this file's own

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter
from typing import Any

from trading.exchange.paper.accounts import Account, ApiKey
from trading.exchange.paper.orders import Order, OrderList, Trade

TABLES: tuple[tuple[str, type[Any], str], ...] = (
    ("accounts", Account, "id"),
    ("api_keys", ApiKey, "key"),
    ("orders", Order, "id"),
    ("lists", OrderList, "id"),
    ("trades", Trade, "symbol, id"),
)
INDEXES = (
    "CREATE INDEX IF NOT EXISTS orders_of ON orders (account, symbol, id)",
    "CREATE INDEX IF NOT EXISTS orders_named ON orders (account, client_id)",
    "CREATE INDEX IF NOT EXISTS orders_open ON orders (id) "
    "WHERE status IN ('NEW', 'PARTIALLY_FILLED', 'PENDING_NEW')",
    "CREATE INDEX IF NOT EXISTS lists_of ON lists (account, id)",
    "CREATE INDEX IF NOT EXISTS lists_open ON lists (id) WHERE order_status = 'EXECUTING'",
    "CREATE INDEX IF NOT EXISTS trades_of ON trades (account, symbol, id)",
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


def column(name: str, kind: str) -> str:
    """The column of a field. All values are whole numbers or text, some of them absent."""
    return f"{name} {'INTEGER' if kind.startswith('int') else 'TEXT'}"
