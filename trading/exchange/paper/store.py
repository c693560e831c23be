"""What the exchange remembers: one SQLite file, written before an answer leaves.

WAL with synchronous=FULL: a committed transaction survives SIGKILL and power loss. Changes are
written as they happen and become durable at `commit`, so that several requests may share one.
"""
# ruff: noqa: S608 - table and column names are this file's own, values are always bound

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

from trading.exchange.paper.accounts import Account, ApiKey
from trading.exchange.paper.ledger import Balance, Ledger, Totals
from trading.exchange.paper.orders import Order, OrderList, Trade
from trading.exchange.paper.schema import INDEXES, TABLES, WRITERS, column
from trading.exchange.paper.state import Counters, State

T = TypeVar("T")


class StateInUse(Exception):
    """Another process holds the state file."""


class Store:
    """The durable side of the exchange. `path` may be ":memory:" for a throw-away one."""

    def __init__(self, path: str | Path = ":memory:") -> None:
        if str(path) != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(str(path), isolation_level=None, timeout=2)
        self._dirty = False
        try:
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._create()
        except sqlite3.OperationalError as error:
            self._db.close()
            if "locked" in str(error):
                raise StateInUse(f"{path} is in use by another paper exchange.") from error
            raise

    def _create(self) -> None:
        self._write("CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT)")
        self._write(
            "CREATE TABLE IF NOT EXISTS balances (account INTEGER, asset TEXT, free INTEGER,"
            " locked INTEGER, PRIMARY KEY (account, asset)) WITHOUT ROWID"
        )
        self._write(
            "CREATE TABLE IF NOT EXISTS totals (asset TEXT PRIMARY KEY, fees TEXT, market TEXT,"
            " issued TEXT)"
        )
        for table, kind, key in TABLES:
            columns = ", ".join(column(one.name, str(one.type)) for one in fields(kind))
            self._write(f"CREATE TABLE IF NOT EXISTS {table} ({columns}, PRIMARY KEY ({key}))")
        for index in INDEXES:
            self._write(index)
        self.commit()

    def close(self) -> None:
        self.commit()
        self._db.close()

    @property
    def dirty(self) -> bool:
        """There are changes that a commit would make durable."""
        return self._dirty

    def commit(self) -> None:
        """Make everything written so far durable."""
        if self._dirty:
            self._db.execute("COMMIT")
            self._dirty = False

    # -- writing ----------------------------------------------------------------------------------

    def save(self, state: State) -> None:
        """Write what the engine noted as changed, with the balances, and clear its notes."""
        ledger = state.ledger
        if state.changed_orders:
            self._put("orders", state.changed_orders.values())
        if state.changed_lists:
            self._put("lists", state.changed_lists.values())
        if state.new_trades:
            self._put("trades", state.new_trades)
        for account, asset in ledger.touched:
            held = ledger.balances[account][asset]
            self._write(
                "REPLACE INTO balances VALUES (?, ?, ?, ?)",
                (account, asset, held.free, held.locked),
            )
        for asset in ledger.moved:
            total = ledger.totals[asset]
            self._write(
                "REPLACE INTO totals VALUES (?, ?, ?, ?)",
                (asset, str(total.fees), str(total.market), str(total.issued)),
            )
        self.put_meta("counters", asdict(state.counters))
        state.changed_orders.clear()
        state.changed_lists.clear()
        state.new_trades.clear()
        ledger.touched.clear()
        ledger.moved.clear()

    def put_account(self, account: Account) -> None:
        self._put("accounts", [account])

    def put_key(self, key: ApiKey) -> None:
        self._put("api_keys", [key])

    def put_meta(self, name: str, value: Any) -> None:
        text = json.dumps(value, separators=(",", ":"))
        self._write("REPLACE INTO meta VALUES (?, ?)", (name, text))

    # -- reading back at a start ------------------------------------------------------------------

    def meta(self, name: str) -> Any:
        """The value of `put_meta`, or None."""
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else None

    def accounts(self) -> list[Account]:
        return self._all(Account, "SELECT * FROM accounts ORDER BY id")

    def api_keys(self) -> list[ApiKey]:
        return self._all(ApiKey, "SELECT * FROM api_keys")

    def ledger(self) -> Ledger:
        ledger = Ledger()
        for account, asset, free, locked in self._db.execute("SELECT * FROM balances"):
            ledger.balances.setdefault(account, {})[asset] = Balance(free, locked)
        for asset, fees, market, issued in self._db.execute("SELECT * FROM totals"):
            ledger.totals[asset] = Totals(int(fees), int(market), int(issued))
        return ledger

    def counters(self) -> Counters:
        kept = self.meta("counters")
        return Counters(**kept) if kept else Counters()

    def open_orders(self) -> list[Order]:
        return self._all(
            Order,
            "SELECT * FROM orders WHERE status IN ('NEW', 'PARTIALLY_FILLED', 'PENDING_NEW')"
            " ORDER BY id",
        )

    def open_lists(self) -> list[OrderList]:
        return self._all(
            OrderList, "SELECT * FROM lists WHERE order_status = 'EXECUTING' ORDER BY id"
        )

    # -- questions --------------------------------------------------------------------------------

    def order(
        self, account: int, symbol: str, order_id: int | None, client_id: str | None
    ) -> Order | None:
        """By number, by client id (the newest of that name), or by both, which must then agree."""
        where, values = "account = ? AND symbol = ?", [account, symbol]
        if order_id is not None:
            where += " AND id = ?"
            values.append(order_id)
        if client_id is not None:
            where += " AND client_id = ?"
            values.append(client_id)
        found = self._all(
            Order, f"SELECT * FROM orders WHERE {where} ORDER BY id DESC LIMIT 1", values
        )
        return found[0] if found else None

    def orders(
        self,
        account: int,
        symbol: str,
        *,
        from_id: int | None,
        start_ms: int | None,
        end_ms: int | None,
        limit: int,
    ) -> list[Order]:
        """An account's orders, oldest first; the newest ones where no condition is given."""
        where, values = _window(
            "account = ? AND symbol = ?", [account, symbol], "updated_ms", start_ms, end_ms, from_id
        )
        newest = from_id is None and start_ms is None
        return self._page(Order, "orders", where, values, newest=newest, limit=limit)

    def order_list(
        self, account: int, list_id: int | None, client_id: str | None
    ) -> OrderList | None:
        where, value = ("client_id = ?", client_id) if client_id else ("id = ?", list_id)
        found = self._all(
            OrderList,
            f"SELECT * FROM lists WHERE account = ? AND {where} ORDER BY id DESC LIMIT 1",
            (account, value),
        )
        return found[0] if found else None

    def order_lists(
        self,
        account: int,
        *,
        from_id: int | None,
        start_ms: int | None,
        end_ms: int | None,
        limit: int,
    ) -> list[OrderList]:
        where, values = _window("account = ?", [account], "updated_ms", start_ms, end_ms, from_id)
        newest = from_id is None and start_ms is None
        return self._page(OrderList, "lists", where, values, newest=newest, limit=limit)

    def trades(
        self,
        account: int,
        symbol: str,
        *,
        order_id: int | None,
        from_id: int | None,
        start_ms: int | None,
        end_ms: int | None,
        limit: int,
    ) -> list[Trade]:
        """An account's trades, oldest first; the newest ones where no condition is given."""
        where, values = _window(
            "account = ? AND symbol = ?", [account, symbol], "at_ms", start_ms, end_ms, from_id
        )
        if order_id is not None:
            where += " AND order_id = ?"
            values.append(order_id)
        newest = from_id is None and start_ms is None and order_id is None
        return self._page(Trade, "trades", where, values, newest=newest, limit=limit)

    def count(self, table: str) -> int:
        """How many rows one of TABLES has."""
        if table not in {name for name, _, _ in TABLES}:
            raise ValueError(f"There is no table {table}.")
        return int(self._db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])

    # -- plumbing ---------------------------------------------------------------------------------

    def _write(self, sql: str, values: Sequence[Any] = ()) -> None:
        if not self._dirty:
            self._db.execute("BEGIN IMMEDIATE")
            self._dirty = True
        self._db.execute(sql, values)

    def _put(self, table: str, rows: Iterable[Any]) -> None:
        values_of, sql = WRITERS[table]
        for row in rows:
            self._write(sql, values_of(row))

    def _all(self, kind: Callable[..., T], sql: str, values: Sequence[Any] = ()) -> list[T]:
        return [kind(*row) for row in self._db.execute(sql, values)]

    def _page(
        self,
        kind: Callable[..., T],
        table: str,
        where: str,
        values: list[Any],
        *,
        newest: bool,
        limit: int,
    ) -> list[T]:
        order = "DESC" if newest else "ASC"
        rows = self._all(
            kind,
            f"SELECT * FROM {table} WHERE {where} ORDER BY id {order} LIMIT ?",
            [*values, limit],
        )
        return rows[::-1] if newest else rows


def _window(
    where: str,
    values: list[Any],
    column: str,
    start_ms: int | None,
    end_ms: int | None,
    from_id: int | None,
) -> tuple[str, list[Any]]:
    """Conditions of a time window; an id to begin at counts only where no time is given."""
    values = list(values)
    for operator, bound in ((">=", start_ms), ("<=", end_ms)):
        if bound is not None:
            where += f" AND {column} {operator} ?"
            values.append(bound)
    if from_id is not None and start_ms is None and end_ms is None:
        where += " AND id >= ?"
        values.append(from_id)
    return where, values
