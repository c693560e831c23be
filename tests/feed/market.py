"""Builders for the feed's tests: a market, and an exchange that has nothing else."""

from dataclasses import replace
from types import SimpleNamespace

from trading.exchange.paper.public_book import PublicMarket
from trading.exchange.paper.routes import ROUTES, Call
from trading.exchange.paper.symbols import listing
from trading.exchange.paper.synthetic import SyntheticFeed

NOON = 1_795_392_000_000 + 12 * 3_600_000 + 17_345  # 2026-11-23 12:00:17, a Monday


def market(now_ms: int = NOON, **traits) -> SyntheticFeed:
    return SyntheticFeed(("BTCUSDT", "ETHUSDT"), seed=7, now_ms=now_ms, **traits)


def ask(feed: SyntheticFeed, path: str, *, ether: str = "TRADING", **params) -> object:
    """Call a registered endpoint as the server would, after its security.

    `ether`: the status that ETHUSDT is in.
    """
    call = Call(params={name: str(value) for name, value in params.items()}, now_ms=NOON)
    symbols = {name: listing(name, *feed.grid(name)) for name in feed.symbols}
    symbols["ETHUSDT"] = replace(symbols["ETHUSDT"], status=ether)
    exchange = SimpleNamespace(feed=feed, public=PublicMarket(feed), symbols=symbols)
    return ROUTES["GET", f"/api/v3/{path}"].handler(exchange, call)


def weight(path: str, **params) -> int:
    return ROUTES["GET", f"/api/v3/{path}"].cost({k: str(v) for k, v in params.items()})
