"""A venue to follow: the paper exchange's market side on a real socket, time passing for real."""

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace

from aiohttp import web
from aiohttp.test_utils import TestServer

from testudo import clock
from trading.exchange.paper import market_rest, rules_rest  # noqa: F401 (registers the endpoints)
from trading.exchange.paper.errors import BinanceError
from trading.exchange.paper.market_streams import MarketStreams
from trading.exchange.paper.public_book import PublicMarket
from trading.exchange.paper.routes import ROUTES, Call
from trading.exchange.paper.symbols import SYMBOLS
from trading.exchange.paper.synthetic import SyntheticFeed
from trading.exchange.venues import VenueUrls

NAMES = ("BTCUSDT", "ETHUSDT")


class Venue:
    """The market, its doors and its time: ours less `behind_ms`."""

    def __init__(self, behind_ms: int = 0) -> None:
        self._behind_ms = behind_ms
        self.feed = SyntheticFeed(NAMES, seed=7, now_ms=self.now_ms())
        self._now_ms = self.now_ms()
        self.streams = MarketStreams(self.feed, lambda: self._now_ms)
        # What the market's endpoints read of an exchange.
        self._exchange = SimpleNamespace(
            feed=self.feed,
            public=PublicMarket(self.feed),
            symbols={symbol: SYMBOLS[symbol] for symbol in NAMES},
        )
        self.refusing = False  # REST answers 503
        self.asked: list[str] = []  # paths
        self.app = web.Application()
        for path in ("/ws", "/ws/{streams:.*}", "/stream"):
            self.app.router.add_get(path, self.streams.handle)
        self.app.router.add_get("/api/v3/{name:.*}", self._answer)

    def now_ms(self) -> int:
        return clock.now_ms() - self._behind_ms

    async def _answer(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self.asked.append(name)
        if self.refusing:
            return web.Response(status=503, text="<html>busy</html>")
        if name == "time":
            return web.json_response({"serverTime": self._now_ms})
        if name == "exchangeInfo":
            return web.json_response({"symbols": [SYMBOLS[symbol].info() for symbol in NAMES]})
        call = Call(params=dict(request.query), now_ms=self._now_ms)
        try:
            route = ROUTES["GET", f"/api/v3/{name}"]
            return web.json_response(route.handler(self._exchange, call))
        except BinanceError as error:
            return web.json_response(error.body(), status=error.status)

    async def _live(self) -> None:
        while True:
            self._now_ms = self.now_ms()
            self.streams.on_prints(self.feed.advance(self._now_ms))
            await self.streams.flush()
            await asyncio.sleep(0.02)


@asynccontextmanager
async def open_venue(behind_ms: int = 0):
    """A living venue; `.urls` is what `stream_market` is given."""
    venue = Venue(behind_ms)
    async with TestServer(venue.app) as server:
        root = f"127.0.0.1:{server.port}"
        venue.urls = VenueUrls("paper", f"http://{root}", "", f"ws://{root}")
        living = asyncio.create_task(venue._live())
        try:
            yield venue
        finally:
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)
            venue.streams.drop()
