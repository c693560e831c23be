"""What the exchange remembers: one SQLite file, written before an answer leaves.

WAL with synchronous=FULL: a committed transaction survives SIGKILL and power loss. Changes are
written as they happen and become durable at `commit`, so that several requests may share one.
"""
# ruff: noqa: S608 - table and column names are this file's own, values are always bound

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from trading.exchange.paper.accounts import Account, ApiKey, Transfer
from trading.exchange.paper.history import History
from trading.exchange.paper.ledger import Balance, Ledger, Totals
from trading.exchange.paper.orders import Order, OrderList
from trading.exchange.paper.schema import INDEXES, TABLES, WRITERS, column
from trading.exchange.paper.state import Counters, State
from trading.exchange.paper.values import Fill

COUNTED = tuple(one.name for one in fields(Counters))


class StateInUse(Exception):
    """Another process holds the state file."""


class Store(History):
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
            columns = ", ".join(column(one) for one in fields(kind))
            self._write(f"CREATE TABLE IF NOT EXISTS {table} ({columns}, PRIMARY KEY ({key}))")
            have = {row[1] for row in self._db.execute(f"PRAGMA table_info({table})")}
            for one in fields(kind):  # a state file from before a field was there
                if one.name not in have:
                    self._write(f"ALTER TABLE {table} ADD COLUMN {column(one)}")
        self._upgrade_trades()
        for index in INDEXES:
            self._write(index)
        self.commit()

    def _upgrade_trades(self) -> None:
        """The two sides of a paper trade share its number: the key was narrower once."""
        keys = [row[1] for row in self._db.execute("PRAGMA table_info(trades)") if row[5]]
        if "is_buyer" in keys:
            return
        name, kind, key = next(one for one in TABLES if one[0] == "trades")
        columns = ", ".join(column(one) for one in fields(kind))
        self._write("ALTER TABLE trades RENAME TO trades_before")
        self._write(f"CREATE TABLE {name} ({columns}, PRIMARY KEY ({key}))")
        self._write("INSERT INTO trades SELECT * FROM trades_before")
        self._write("DROP TABLE trades_before")

    def close(self) -> None:
        self.commit()
        self._db.close()

    def abandon(self) -> None:
        """Close without what was not made durable."""
        self._db.rollback()
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
        if state.new_prevented:
            self._put("prevented", state.new_prevented)
        if state.new_amendments:
            self._put("amendments", state.new_amendments)
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
        counters = state.counters  # asdict() copies deeply: ten times slower
        self.put_meta("counters", {name: getattr(counters, name) for name in COUNTED})
        state.changed_orders.clear()
        state.changed_lists.clear()
        state.new_trades.clear()
        state.new_prevented.clear()
        state.new_amendments.clear()
        ledger.touched.clear()
        ledger.moved.clear()

    def put_account(self, account: Account) -> None:
        self._put("accounts", [account])

    def put_key(self, key: ApiKey) -> None:
        self._put("api_keys", [key])

    def put_transfer(self, account: int, asset: str, amount: int, at_ms: int) -> None:
        """Note money from outside (or to it)."""
        number = self._db.execute("SELECT COALESCE(MAX(id), 0) + 1 FROM transfers").fetchone()[0]
        self._put("transfers", [Transfer(number, account, asset, amount, at_ms)])

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

    def taker_fills(self, symbol: str, after_id: int) -> list[Fill]:
        """What takers got in the trades after this one, each as the public tape shows it.

        A trade that two of our orders made has two rows, one of them the taker's.
        """
        rows = self._db.execute(
            "SELECT printed_ms, price, quantity, is_buyer FROM trades"
            " WHERE symbol = ? AND id > ? AND is_maker = 0 AND printed_ms > 0 ORDER BY id",
            (symbol, after_id),
        )
        return [Fill(at, price, quantity, not buyer) for at, price, quantity, buyer in rows]

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
