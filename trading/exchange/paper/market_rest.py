"""The public market-data endpoints of REST, over any feed.

Shapes, defaults and limits follow Binance's rest-api.md. Prints are not aggregated: every trade
is its own aggregate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from trading.exchange.paper import errors, market_wire, symbol_choice
from trading.exchange.paper.klines import INTERVALS
from trading.exchange.paper.market_windows import zone_ms
from trading.exchange.paper.parsing import EARLIEST_US
from trading.exchange.paper.routes import Call, route
from trading.exchange.paper.values import from_e8

if TYPE_CHECKING:
    from trading.exchange.paper.exchange import PaperExchange

AVERAGE_MINUTES = 5
_LATEST_MS = 253_402_300_799_999  # the last millisecond of the year 9999


def _only(call: Call, *names: str) -> None:
    """Refuse parameters the endpoint does not know: -1104, as Binance does."""
    read = sum(name in call.params for name in names)
    if read < len(call.params):
        raise errors.unread_parameters(read, len(call.params))


def _whole(call: Call, name: str, *, least: int = 0, most: int = _LATEST_MS) -> int | None:
    """A whole number, or None if it was not sent. Raises: BinanceError -1100, -1105, -1130."""
    text = call.params.get(name)
    if text is None:
        return None
    if text == "":
        raise errors.empty(name)
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise errors.illegal_characters(name, "^[0-9]{1,20}$")
    value = int(text)
    if not least <= value <= most:
        raise errors.bad_parameter(name)
    return value


def _moment(call: Call, name: str) -> int | None:
    """A point in time, in ms. It may be sent in microseconds. Raises: as `_whole`."""
    sent = _whole(call, name, most=_LATEST_MS * 1000)
    return sent // 1000 if sent is not None and sent >= EARLIEST_US else sent


def _limit(call: Call, default: int, most: int) -> int:
    """More than the most counts as the most, as Binance does."""
    wanted = _whole(call, "limit", least=1, most=10**20)
    return default if wanted is None else min(wanted, most)


def _each(exchange: PaperExchange, call: Call, row: Callable[[str], Any]) -> Any:
    """One row for `symbol`, else a list of rows."""
    names = symbol_choice.several(exchange, call)
    return row(names) if isinstance(names, str) else [row(name) for name in names]


def _depth_weight(params: Mapping[str, str]) -> int:
    text = params.get("limit", "100")
    limit = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    return next(
        (weight for most, weight in ((100, 5), (500, 25), (1000, 50)) if limit <= most), 250
    )


def _one_or_all(one: int, all_symbols: int) -> Callable[[Mapping[str, str]], int]:
    return lambda params: one if "symbol" in params else all_symbols


def _day_weight(params: Mapping[str, str]) -> int:
    if "symbol" in params:
        return 2
    count = params["symbols"].count(",") + 1 if "symbols" in params else 101
    return 2 if count <= 20 else 40 if count <= 100 else 80


@route("GET", "/api/v3/klines", weight=2)
@route("GET", "/api/v3/uiKlines", weight=2)
def klines(exchange: PaperExchange, call: Call) -> list[list[Any]]:
    """Candles, oldest first: from `startTime`, else the newest."""
    _only(call, "symbol", "interval", "startTime", "endTime", "timeZone", "limit")
    symbol = symbol_choice.one(exchange, call)
    interval = call.params.get("interval")
    if interval is None:
        raise errors.missing("interval")
    if interval not in INTERVALS:
        raise errors.bad_interval()
    ahead = {"offset_ms": zone_ms(text)} if (text := call.params.get("timeZone")) else {}
    start, end = _moment(call, "startTime"), _moment(call, "endTime")
    limit = _limit(call, 500, 1000)
    rows = exchange.feed.klines(symbol, interval, start, end, limit, **ahead)
    return [market_wire.kline_row(row) for row in rows]


@route("GET", "/api/v3/depth", weight=_depth_weight)
def depth(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    _only(call, "symbol", "limit", "symbolStatus")
    symbol, limit = symbol_choice.one(exchange, call), _limit(call, 100, 5000)
    return market_wire.depth(exchange.public.book(symbol, limit), limit)


@route("GET", "/api/v3/trades", weight=25)
def trades(exchange: PaperExchange, call: Call) -> list[dict[str, Any]]:
    _only(call, "symbol", "limit")
    symbol, limit = symbol_choice.one(exchange, call), _limit(call, 500, 1000)
    return [market_wire.trade_row(one) for one in exchange.feed.recent(symbol, limit)]


@route("GET", "/api/v3/historicalTrades", weight=25)
def historical_trades(exchange: PaperExchange, call: Call) -> list[dict[str, Any]]:
    _only(call, "symbol", "limit", "fromId")
    symbol, limit = symbol_choice.one(exchange, call), _limit(call, 500, 1000)
    found = exchange.feed.history(symbol, from_id=_whole(call, "fromId"), limit=limit)
    return [market_wire.trade_row(one) for one in found]


@route("GET", "/api/v3/aggTrades", weight=4)
def aggregate_trades(exchange: PaperExchange, call: Call) -> list[dict[str, Any]]:
    """Trades from an id, within a time of any length, or the newest."""
    _only(call, "symbol", "fromId", "startTime", "endTime", "limit")
    symbol, limit = symbol_choice.one(exchange, call), _limit(call, 500, 1000)
    start, end = _moment(call, "startTime"), _moment(call, "endTime")
    from_id = _whole(call, "fromId")
    if from_id is not None and (start is not None or end is not None):
        raise errors.bad_combination()
    found = exchange.feed.history(symbol, start_ms=start, end_ms=end, from_id=from_id, limit=limit)
    return [market_wire.aggregate_row(one) for one in found]


@route("GET", "/api/v3/avgPrice", weight=2)
def average(exchange: PaperExchange, call: Call) -> dict[str, Any]:
    _only(call, "symbol")
    symbol = symbol_choice.one(exchange, call)
    price, at_ms = market_wire.average_price(exchange.feed, symbol, call.now_ms, AVERAGE_MINUTES)
    return {"mins": AVERAGE_MINUTES, "price": from_e8(price), "closeTime": at_ms}


@route("GET", "/api/v3/ticker/price", weight=_one_or_all(2, 4))
def ticker_price(exchange: PaperExchange, call: Call) -> Any:
    _only(call, "symbol", "symbols", "symbolStatus")
    feed = exchange.feed
    return _each(
        exchange, call, lambda name: {"symbol": name, "price": from_e8(feed.last(name).price)}
    )


@route("GET", "/api/v3/ticker/bookTicker", weight=_one_or_all(2, 4))
def ticker_book(exchange: PaperExchange, call: Call) -> Any:
    _only(call, "symbol", "symbols", "symbolStatus")
    market = exchange.public
    return _each(exchange, call, lambda name: market_wire.touch_row(market.book(name, 1)))


@route("GET", "/api/v3/ticker/24hr", weight=_day_weight)
def ticker_day(exchange: PaperExchange, call: Call) -> Any:
    """The rolling 24 hours, FULL or MINI."""
    _only(call, "symbol", "symbols", "type", "symbolStatus")
    kind = symbol_choice.ticker_type(call)

    def row(name: str) -> dict[str, Any]:
        full = market_wire.ticker_row(exchange.public, name, call.now_ms)
        return full if kind == "FULL" else {key: full[key] for key in market_wire.MINI}

    return _each(exchange, call, row)
