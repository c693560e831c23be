"""The server is killed in the middle of things: the public record stays what it was."""

import hashlib
import hmac
import time
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import requests

from tests.paper.process import PaperProcess
from tests.paper.scripted import wait_for

SYMBOL = "ETHBTC"
RICH = {"ETH": "500", "BTC": "50"}


def order(server: PaperProcess, key: dict[str, Any], **params: Any) -> dict[str, Any]:
    text = urlencode({"symbol": SYMBOL, **params, "timestamp": time.time_ns() // 1_000_000})
    made = hmac.new(key["secret"].encode(), text.encode(), hashlib.sha256).hexdigest()
    headers = {"X-MBX-APIKEY": key["key"]}
    url = f"{server.url}/api/v3/order?{text}&signature={made}"
    reply = requests.post(url, headers=headers, timeout=10)
    assert reply.ok, reply.text
    return reply.json()


def public(server: PaperProcess, path: str, **params: Any) -> list[Any]:
    url = f"{server.url}/api/v3/{path}"
    reply = requests.get(url, params={"symbol": SYMBOL, **params}, timeout=10)
    assert reply.ok, reply.text
    return reply.json()


def candles(server: PaperProcess, interval: str, until: int) -> list[list[Any]]:
    """The candles that were over at a time."""
    rows = public(server, "klines", interval=interval, limit=200, endTime=until)
    return [row for row in rows if row[6] <= until]


def test_after_a_kill_every_trade_and_candle_is_what_it_was(tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite3"
    first = PaperProcess(state, "--seed", "3", "--symbols", SYMBOL)
    try:
        one, other = (first.admin("accounts", balances=RICH) for _ in range(2))
        order(first, one, side="BUY", type="MARKET", quantity="3")
        for _ in range(3):
            ask = requests.get(
                f"{first.url}/api/v3/ticker/bookTicker", params={"symbol": SYMBOL}, timeout=10
            ).json()["askPrice"]
            at = {"type": "LIMIT", "price": ask, "quantity": "0.5"}
            order(first, one, side="SELL", timeInForce="GTC", **at)
            order(first, other, side="BUY", timeInForce="IOC", **at)
        done = order(first, other, side="SELL", type="MARKET", quantity="2")
        newest = done["fills"][-1]["price"], done["fills"][-1]["qty"]

        def told() -> bool:
            rows = public(first, "trades", limit=50)
            return any((row["price"], row["qty"]) == newest for row in rows)

        wait_for(told)
        trades = public(first, "historicalTrades", limit=1000)
        aggregates = public(first, "aggTrades", limit=1000)
        until = trades[-1]["time"]
        closed = {name: candles(first, name, until) for name in ("1s", "1m", "5m")}
    finally:
        first.kill()  # within the seconds between two writes of the market's state

    second = PaperProcess(state, "--seed", "3", "--symbols", SYMBOL)
    try:
        begin, count = trades[0]["id"], len(trades)
        assert public(second, "historicalTrades", fromId=begin, limit=count) == trades
        assert (
            public(second, "aggTrades", fromId=aggregates[0]["a"], limit=1000)[: len(aggregates)]
            == aggregates
        )
        for name, rows in closed.items():
            assert candles(second, name, until)[-len(rows) :] == rows

        order(second, one, side="BUY", type="MARKET", quantity="1")

        def further() -> list[int]:
            rows = public(second, "historicalTrades", fromId=trades[-1]["id"], limit=1000)
            return [row["id"] for row in rows] if len(rows) > 1 else []

        ids = wait_for(further)
        assert all(b == a + 1 for a, b in pairwise(ids)), "ids go on, none missing or doubled"
        assert second.admin("state")["conserved"] is True
    finally:
        second.close()
