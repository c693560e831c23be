"""Questions about the past: closed orders, lists and trades are in the store only."""
# ruff: noqa: S608 - table and column names are this file's own, values are always bound

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from trading.exchange.paper.accounts import Transfer
from trading.exchange.paper.orders import Amendment, Order, OrderList, PreventedMatch, Trade

T = TypeVar("T")


class History:
    """The reading side of the store."""

    _db: sqlite3.Connection

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
        """By number, by client id (the newest of that name), or by both, which must then agree."""
        where, values = "account = ?", [account]
        if list_id is not None:
            where += " AND id = ?"
            values.append(list_id)
        if client_id is not None:
            where += " AND client_id = ?"
            values.append(client_id)  # type: ignore[arg-type]
        found = self._all(
            OrderList, f"SELECT * FROM lists WHERE {where} ORDER BY id DESC LIMIT 1", values
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

    def prevented(
        self,
        account: int,
        symbol: str,
        *,
        match_id: int | None,
        order_id: int | None,
        from_id: int | None,
        limit: int,
    ) -> list[PreventedMatch]:
        """Trades with itself that did not happen, oldest first."""
        where, values = "account = ? AND symbol = ?", [account, symbol]
        if match_id is not None:
            where += " AND id = ?"
            values.append(match_id)
        if order_id is not None:
            where += " AND (taker_order_id = ? OR maker_order_id = ?)"
            values += [order_id, order_id]
        if from_id is not None:
            where += " AND id >= ?"
            values.append(from_id)
        return self._page(PreventedMatch, "prevented", where, values, newest=False, limit=limit)

    def transfers(
        self, account: int, asset: str | None, start_ms: int | None, end_ms: int | None
    ) -> list[Transfer]:
        """Money from and to outside, newest first."""
        where, values = _window("account = ?", [account], "at_ms", start_ms, end_ms, None)
        if asset is not None:
            where += " AND asset = ?"
            values.append(asset)
        sql = f"SELECT * FROM transfers WHERE {where} ORDER BY id DESC LIMIT 1000"
        return self._all(Transfer, sql, values)

    def amendments(
        self, account: int, symbol: str, order_id: int, *, from_id: int | None, limit: int
    ) -> list[Amendment]:
        """How an order was amended, oldest first."""
        return self._all(
            Amendment,
            "SELECT * FROM amendments WHERE account = ? AND symbol = ? AND order_id = ?"
            " AND execution_id >= ? ORDER BY execution_id LIMIT ?",
            (account, symbol, order_id, from_id or 0, limit),
        )

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
