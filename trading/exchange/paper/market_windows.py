"""Price changes over windows: `ticker` (a rolling one) and `ticker/tradingDay`. REST shapes.

Source: rest-api.md "Rolling window price change statistics" and "Trading Day Ticker".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trading.exchange.paper import errors, symbol_choice
from trading.exchange.paper.klines import DAY, HOUR, MINUTE, floor, merge
from trading.exchange.paper.routes import Call, route
from trading.exchange.paper.values import E8, MarketData, from_e8

if TYPE_CHECKING:
    from trading.exchange.paper.exchange import PaperExchange

MOST_SYMBOLS = 100
LENGTHS = {"m": (MINUTE, 59), "h": (HOUR, 23), "d": (DAY, 7)}  # unit: its length, how many at most
ZONE = re.compile(r"([+-]?)([0-9]{1,2})(?::([0-9]{2}))?")
EARLIEST, LATEST = -12 * HOUR, 14 * HOUR
FULL = ("priceChange", "priceChangePercent", "weightedAvgPrice")
PARAMETERS = frozenset({"symbol", "symbols", "type", "symbolStatus"})


def _weight(params: Mapping[str, str]) -> int:
    """4 for each symbol, 200 at most."""
    return min(200, 4 * (params.get("symbols", "").count(",") + 1))


def row(feed: MarketData, symbol: str, start_ms: int, close_ms: int, now_ms: int) -> dict[str, Any]:
    """What a symbol did since `start_ms`, a whole minute. `close_ms` is only shown."""
    hour = start_ms if start_ms % HOUR == 0 else floor("1h", start_ms) + HOUR
    minutes = feed.klines(symbol, "1m", start_ms, min(hour - 1, now_ms), 60)
    hours = feed.klines(symbol, "1h", hour, now_ms, 7 * 24 + 1) if hour <= now_ms else []
    window = merge([*(minutes if hour > start_ms else []), *hours], start_ms, close_ms)
    last = feed.last(symbol)
    if window is None:  # nothing traded since: the last price stands still
        opened = high = low = last.price
        volume = quote = trades = 0
    else:
        opened, high, low = window.open, window.high, window.low
        volume, quote, trades = window.volume, window.quote_volume, window.trades
    change = last.price - opened
    thousandths = abs(change) * 100_000 // opened
    sign = "-" if change < 0 and thousandths else ""
    return {
        "symbol": symbol,
        "priceChange": from_e8(change),
        "priceChangePercent": f"{sign}{thousandths // 1000}.{thousandths % 1000:03d}",
        "weightedAvgPrice": from_e8(quote * E8 // volume if volume else last.price),
        "openPrice": from_e8(opened),
        "highPrice": from_e8(max(high, last.price)),
        "lowPrice": from_e8(min(low, last.price)),
        "lastPrice": from_e8(last.price),
        "volume": from_e8(volume),
        "quoteVolume": from_e8(quote),
        "openTime": start_ms,
        "closeTime": close_ms,
        "firstId": last.id - trades + 1 if trades else -1,
        "lastId": last.id if trades else -1,
        "count": trades,
    }


@route("GET", "/api/v3/ticker", weight=_weight, accepts=PARAMETERS | {"windowSize"})
def rolling(exchange: PaperExchange, call: Call) -> Any:
    """The last `windowSize`, begun on a whole minute."""
    size = call.params.get("windowSize", "1d")
    unit, count = size[-1:], size[:-1]
    length, most = LENGTHS.get(unit, (0, 0))
    if not (count.isascii() and count.isdigit() and len(count) < 3 and 1 <= int(count) <= most):
        raise errors.bad_parameter("windowSize")
    start = (call.now_ms - int(count) * length) // MINUTE * MINUTE
    return _answer(exchange, call, start, call.now_ms)


@route("GET", "/api/v3/ticker/tradingDay", weight=_weight, accepts=PARAMETERS | {"timeZone"})
def trading_day(exchange: PaperExchange, call: Call) -> Any:
    """The calendar day under way in `timeZone`."""
    ahead = zone_ms(call.params.get("timeZone", "0"))
    start = (call.now_ms + ahead) // DAY * DAY - ahead
    return _answer(exchange, call, start, start + DAY - 1)


def zone_ms(text: str) -> int:
    """`-1:00`, `05:45` or `8` as milliseconds ahead of UTC. Raises: BinanceError -1130."""
    match = ZONE.fullmatch(text) if text.isascii() else None
    if match is None or int(match[3] or 0) > 59:
        raise errors.bad_parameter("timeZone")
    ahead = int(match[2]) * HOUR + int(match[3] or 0) * MINUTE
    ahead = -ahead if match[1] == "-" else ahead
    if not EARLIEST <= ahead <= LATEST:
        raise errors.bad_parameter("timeZone")
    return ahead


def _answer(exchange: PaperExchange, call: Call, start_ms: int, close_ms: int) -> Any:
    kind = symbol_choice.ticker_type(call)

    def one(symbol: str) -> dict[str, Any]:
        full = row(exchange.feed, symbol, start_ms, close_ms, call.now_ms)
        return {k: v for k, v in full.items() if kind == "FULL" or k not in FULL}

    names = symbol_choice.several(exchange, call, mandatory=True, most=MOST_SYMBOLS)
    return one(names) if isinstance(names, str) else [one(name) for name in names]
