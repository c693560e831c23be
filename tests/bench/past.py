"""A state file with a long past: what a start costs then."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from tests.paper.scripted import BTC, START_MS, ScriptedFeed
from trading.exchange.paper.exchange import PaperExchange
from trading.exchange.paper.orders import Trade
from trading.exchange.paper.schema import WRITERS
from trading.exchange.paper.store import Store
from trading.exchange.paper.values import E8


def write_past(path: Path, trades: int) -> int:
    """A state file with one account and so many trades of it. Returns the account."""
    exchange = PaperExchange(ScriptedFeed({BTC: "60000"}), Store(path), now_ms=START_MS)
    account, _ = exchange.open_account({"USDT": 10**4 * E8, "BTC": E8})
    exchange.close()
    values_of, sql = WRITERS["trades"]
    rows = (
        values_of(
            Trade(
                symbol=BTC,
                id=number,
                account=account.id,
                order_id=number,
                list_id=-1,
                price=60_000 * E8,
                quantity=E8 // 1000,
                quote=60 * E8,
                commission=E8 // 10**6,
                commission_asset="BTC",
                at_ms=START_MS + number,
                is_buyer=number % 2,
                is_maker=0,
            )
        )
        for number in range(1, trades + 1)
    )
    with closing(sqlite3.connect(path)) as db:
        db.executemany(sql, rows)
        db.commit()
    return account.id


def seconds_to_start(path: Path) -> float:
    """From the state file to an exchange that answers, its books checked."""
    began = time.perf_counter()
    exchange = PaperExchange(ScriptedFeed({BTC: "60000"}), Store(path), now_ms=START_MS)
    took = time.perf_counter() - began
    exchange.close()
    return took
