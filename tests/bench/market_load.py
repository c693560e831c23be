"""A reader of every symbol's market streams, who notes how late events are and whether any lack."""

from __future__ import annotations

import asyncio
import json
import time
from decimal import ROUND_UP, Decimal
from typing import Any, NamedTuple, Self

import aiohttp

from tests.bench.measures import Measure, percentile
from tests.paper.process import PaperProcess

KINDS = ("trade", "aggTrade", "bookTicker", "depth@100ms", "kline_1m", "ticker")
TIMES_LEAST = 4  # an order is worth so many times the least notional


class Lot(NamedTuple):
    """A symbol, its assets, and the quantity of one order."""

    symbol: str
    base: str
    quote: str
    quantity: str


BITCOIN = Lot("BTCUSDT", "BTC", "USDT", "0.00100")


class Reader:
    """One connection for all streams of all symbols. Use as an async context."""

    def __init__(self, session: aiohttp.ClientSession, server: PaperProcess) -> None:
        self._session, self._server = session, server
        self.lots: list[Lot] = []
        self._late: list[float] = []  # seconds from an event's time to its arrival
        self._newest: dict[str, int] = {}  # trade ids
        self._missing = 0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        info, prices = await self._get("exchangeInfo"), await self._get("ticker/price")
        last = {row["symbol"]: Decimal(row["price"]) for row in prices}
        self.lots = [_lot(one, last[one["symbol"]]) for one in info["symbols"]]
        names = [f"{lot.symbol.lower()}@{kind}" for lot in self.lots for kind in KINDS]
        url = f"{self._server.url}/stream?streams={'/'.join([*names, '!miniTicker@arr'])}"
        self._socket = await self._session.ws_connect(url, max_msg_size=0)
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._socket.close()
        if self._task is not None:
            await self._task

    def measures(self) -> list[Measure]:
        """How late the market came, and how much of it did not."""
        return [
            Measure("symbols", len(self._newest), "symbols", least=20),
            Measure("market_p99", 1000 * percentile(self._late, 99), "ms", most=250),
            Measure("market_events", len(self._late), "events"),
            Measure("market_trades_missing", self._missing, "trades", most=0),
        ]

    async def _get(self, path: str) -> Any:
        async with self._session.get(f"{self._server.url}/api/v3/{path}") as reply:
            return await reply.json()

    async def _read(self) -> None:
        async for message in self._socket:
            event = json.loads(message.data)["data"]
            if isinstance(event, list) or "E" not in event:
                continue
            self._late.append(time.time() - event["E"] / 1000)
            if event["e"] == "trade":
                symbol, number = event["s"], event["t"]
                self._missing += number - self._newest.get(symbol, number - 1) - 1
                self._newest[symbol] = number


def _lot(listed: dict[str, Any], price: Decimal) -> Lot:
    filters = {one["filterType"]: one for one in listed["filters"]}
    step = Decimal(filters["LOT_SIZE"]["stepSize"])
    worth = TIMES_LEAST * Decimal(filters["NOTIONAL"]["minNotional"])
    quantity = (worth / price / step).quantize(Decimal(1), ROUND_UP) * step
    return Lot(listed["symbol"], listed["baseAsset"], listed["quoteAsset"], f"{quantity:f}")
