"""Market data in Binance's shapes, for REST and streams alike. Amounts become strings here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trading.exchange.paper.klines import DAY, HOUR, MINUTE, flat, floor, merge
from trading.exchange.paper.values import E8, Book, Kline, Level, MarketData, Print, from_e8

Wire = dict[str, Any]


def kline_row(kline: Kline) -> list[Any]:
    """One element of GET klines."""
    return [
        kline.open_ms,
        from_e8(kline.open),
        from_e8(kline.high),
        from_e8(kline.low),
        from_e8(kline.close),
        from_e8(kline.volume),
        kline.close_ms,
        from_e8(kline.quote_volume),
        kline.trades,
        from_e8(kline.taker_base),
        from_e8(kline.taker_quote),
        "0",
    ]


def kline_event(symbol: str, interval: str, kline: Kline, last_id: int, now_ms: int) -> Wire:
    """The `@kline_<interval>` event. `last_id` is the candle's last trade; it is closed by time."""
    return {
        "e": "kline",
        "E": now_ms,
        "s": symbol,
        "k": {
            "t": kline.open_ms,
            "T": kline.close_ms,
            "s": symbol,
            "i": interval,
            "f": last_id - kline.trades + 1 if kline.trades else -1,
            "L": last_id if kline.trades else -1,
            "o": from_e8(kline.open),
            "c": from_e8(kline.close),
            "h": from_e8(kline.high),
            "l": from_e8(kline.low),
            "v": from_e8(kline.volume),
            "n": kline.trades,
            "x": kline.close_ms < now_ms,
            "q": from_e8(kline.quote_volume),
            "V": from_e8(kline.taker_base),
            "Q": from_e8(kline.taker_quote),
            "B": "0",
        },
    }


def trade_row(trade: Print) -> Wire:
    """One element of GET trades."""
    return {
        "id": trade.id,
        "price": from_e8(trade.price),
        "qty": from_e8(trade.quantity),
        "quoteQty": from_e8(trade.price * trade.quantity // E8),
        "time": trade.at_ms,
        "isBuyerMaker": trade.buyer_is_maker,
        "isBestMatch": True,
    }


def aggregate_row(trade: Print) -> Wire:
    """One element of GET aggTrades. Every print here is an aggregate of its own: ids are equal."""
    return {
        "a": trade.id,
        "p": from_e8(trade.price),
        "q": from_e8(trade.quantity),
        "f": trade.id,
        "l": trade.id,
        "T": trade.at_ms,
        "m": trade.buyer_is_maker,
        "M": True,
    }


def trade_event(trade: Print, now_ms: int) -> Wire:
    return {
        "e": "trade",
        "E": now_ms,
        "s": trade.symbol,
        "t": trade.id,
        "p": from_e8(trade.price),
        "q": from_e8(trade.quantity),
        "T": trade.at_ms,
        "m": trade.buyer_is_maker,
        "M": True,
    }


def aggregate_event(trade: Print, now_ms: int) -> Wire:
    return {"e": "aggTrade", "E": now_ms, "s": trade.symbol, **aggregate_row(trade)}


def levels(side: Sequence[Level]) -> list[list[str]]:
    return [[from_e8(level.price), from_e8(level.quantity)] for level in side]


def depth(book: Book, limit: int) -> Wire:
    """GET depth, and the partial depth streams."""
    return {
        "lastUpdateId": book.update_id,
        "bids": levels(book.bids[:limit]),
        "asks": levels(book.asks[:limit]),
    }


def touch_row(book: Book) -> Wire:
    """GET ticker/bookTicker. A side without orders is told as zeros, as Binance does."""
    bid, ask = _touch(book)
    return {
        "symbol": book.symbol,
        "bidPrice": from_e8(bid.price),
        "bidQty": from_e8(bid.quantity),
        "askPrice": from_e8(ask.price),
        "askQty": from_e8(ask.quantity),
    }


def touch_event(book: Book) -> Wire:
    bid, ask = _touch(book)
    return {
        "u": book.update_id,
        "s": book.symbol,
        "b": from_e8(bid.price),
        "B": from_e8(bid.quantity),
        "a": from_e8(ask.price),
        "A": from_e8(ask.quantity),
    }


def _touch(book: Book) -> tuple[Level, Level]:
    none = Level(0, 0)
    return (book.bids or (none,))[0], (book.asks or (none,))[0]


def rolling_day(feed: MarketData, symbol: str, now_ms: int) -> tuple[Kline, Kline | None]:
    """The candle of the last 24 hours (from a whole minute), and the minute before it."""
    start = (now_ms - DAY) // MINUTE * MINUTE
    hour = floor("1h", start) + HOUR
    minutes = feed.klines(symbol, "1m", start - MINUTE, hour - 1, 61)
    before = minutes.pop(0) if minutes and minutes[0].open_ms < start else None
    day = merge([*minutes, *feed.klines(symbol, "1h", hour, now_ms, 25)], start, now_ms)
    if day is None:  # nothing traded: the last price stands still
        day = flat(feed.last(symbol).price, start, now_ms)
    return day, before


def ticker_row(feed: MarketData, symbol: str, now_ms: int) -> Wire:
    """GET ticker/24hr, full."""
    day, before = rolling_day(feed, symbol, now_ms)
    last, change = feed.last(symbol), day.close - day.open
    average = day.quote_volume * E8 // day.volume if day.volume else day.close
    return {
        "symbol": symbol,
        "priceChange": from_e8(change),
        "priceChangePercent": _percent(change, day.open),
        "weightedAvgPrice": from_e8(average),
        "prevClosePrice": from_e8(before.close if before else day.open),
        "lastPrice": from_e8(last.price),
        "lastQty": from_e8(last.quantity),
        **{k: v for k, v in touch_row(feed.book(symbol, 1)).items() if k != "symbol"},
        "openPrice": from_e8(day.open),
        "highPrice": from_e8(day.high),
        "lowPrice": from_e8(day.low),
        "volume": from_e8(day.volume),
        "quoteVolume": from_e8(day.quote_volume),
        "openTime": day.open_ms,
        "closeTime": now_ms,
        "firstId": last.id - day.trades + 1 if day.trades else -1,
        "lastId": last.id if day.trades else -1,
        "count": day.trades,
    }


MINI = (
    "symbol", "openPrice", "highPrice", "lowPrice", "lastPrice", "volume", "quoteVolume",
    "openTime", "closeTime", "firstId", "lastId", "count",
)  # fmt: skip
_TICKER_KEYS = {
    "s": "symbol", "p": "priceChange", "P": "priceChangePercent", "w": "weightedAvgPrice",
    "x": "prevClosePrice", "c": "lastPrice", "Q": "lastQty", "b": "bidPrice", "B": "bidQty",
    "a": "askPrice", "A": "askQty", "o": "openPrice", "h": "highPrice", "l": "lowPrice",
    "v": "volume", "q": "quoteVolume", "O": "openTime", "C": "closeTime", "F": "firstId",
    "L": "lastId", "n": "count",
}  # fmt: skip
_MINI_KEYS = ("s", "c", "o", "h", "l", "v", "q")


def ticker_event(feed: MarketData, symbol: str, now_ms: int) -> Wire:
    row = ticker_row(feed, symbol, now_ms)
    return {"e": "24hrTicker", "E": now_ms, **{key: row[k] for key, k in _TICKER_KEYS.items()}}


def rolling_event(window: str, row: Wire, now_ms: int) -> Wire:
    """The `@ticker_<window>` event of a row of GET ticker."""
    told = {key: row[name] for key, name in _TICKER_KEYS.items() if name in row}
    return {"e": f"{window}Ticker", "E": now_ms, **told}


def mini_ticker_event(feed: MarketData, symbol: str, now_ms: int) -> Wire:
    row = ticker_row(feed, symbol, now_ms)
    short = {key: row[_TICKER_KEYS[key]] for key in _MINI_KEYS}
    return {"e": "24hrMiniTicker", "E": now_ms, **short}


def average_price(feed: MarketData, symbol: str, now_ms: int, minutes: int) -> tuple[int, int]:
    """The volume-weighted price e8 of the last minutes, and the time of the last trade."""
    recent = feed.klines(symbol, "1m", now_ms - minutes * MINUTE, now_ms, minutes + 1)
    volume = sum(kline.volume for kline in recent)
    last = feed.last(symbol)
    if not volume:
        return last.price, last.at_ms
    return sum(kline.quote_volume for kline in recent) * E8 // volume, last.at_ms


def average_event(feed: MarketData, symbol: str, now_ms: int) -> Wire:
    price, at_ms = average_price(feed, symbol, now_ms, 5)
    return {
        "e": "avgPrice", "E": now_ms, "s": symbol, "i": "5m", "w": from_e8(price), "T": at_ms,
    }  # fmt: skip


def _percent(change: int, whole: int) -> str:
    thousandths = abs(change) * 100_000 // whole if whole else 0
    sign = "-" if change < 0 and thousandths else ""
    return f"{sign}{thousandths // 1000}.{thousandths % 1000:03d}"
