"""The latest of each symbol, kept from the venue's stream. Pure: events and times go in.

Numbers stay the strings the venue sent; only their order is compared, as Decimal.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from trading.market.candles import Minute

MINUTE_MS = 60_000


@dataclass(slots=True)
class _Line:
    """What is known of one symbol."""

    price: str | None = None
    bid: str | None = None
    ask: str | None = None
    at: int = 0  # exchange time of the last change, ms
    candle: list[Any] = field(default_factory=list)  # [open ms, o, h, l, c, v] of the minute


class Board:
    """One venue's latest prices."""

    def __init__(self, symbols: Iterable[str]) -> None:
        self._lines = {symbol: _Line() for symbol in symbols}
        self._changed: set[str] = set()
        self._ahead = 0  # ms the venue's clock is ahead of ours, by the last event that told

    def apply(self, event: Mapping[str, Any], now_ms: int) -> tuple[str, Minute] | None:
        """Take in one stream event; a candle that closed is returned, to be stored.

        Raises: ValueError, for an event that makes no sense. Other kinds are let pass.
        """
        try:
            line = self._lines.get(event["s"])
            if line is None:
                return None
            closed = None
            match event.get("e"):
                case "trade":
                    self._trade(line, event)
                case "kline":
                    closed = self._kline(line, event["k"])
                case None if "u" in event:
                    line.bid, line.ask = _side(event["b"]), _side(event["a"])
                    line.at = max(line.at, now_ms + self._ahead)
                case _:
                    return None
            if "E" in event:
                self._ahead = int(event["E"]) - now_ms
                line.at = max(line.at, int(event["E"]))
        except (KeyError, TypeError, InvalidOperation, AttributeError) as error:
            raise ValueError(f"unreadable stream event: {error!r}") from error
        self._changed.add(event["s"])
        return (event["s"], closed) if closed else None

    def catch_up(
        self, symbol: str, price: str, bid: str, ask: str, *, asked_ms: int, unless_since: int
    ) -> None:
        """Take in a quote asked for by REST at `asked_ms`, unless the stream spoke after a time.

        Both by our clock. A quiet market's stream says nothing until something changes.
        Raises: ValueError, for figures that make no sense.
        """
        line = self._lines[symbol]
        known = None not in (line.price, line.bid, line.ask)
        if known and line.at >= unless_since + self._ahead:
            return
        try:
            told = _amount(price), _side(bid), _side(ask)
        except (TypeError, InvalidOperation) as error:
            raise ValueError(f"unreadable quote of {symbol}: {error!r}") from error
        line.price, line.bid, line.ask = told
        line.at = max(line.at, asked_ms + self._ahead)
        self._changed.add(symbol)

    @staticmethod
    def _trade(line: _Line, event: Mapping[str, Any]) -> None:
        price, quantity, at = _amount(event["p"]), _amount(event["q"]), int(event["T"])
        line.price = price
        opened = at - at % MINUTE_MS
        if not line.candle or line.candle[0] < opened:
            line.candle = [opened, price, price, price, price, quantity]
        elif line.candle[0] == opened:
            _, _, high, low, _, volume = line.candle
            line.candle[2] = max(high, price, key=Decimal)
            line.candle[3] = min(low, price, key=Decimal)
            line.candle[4] = price
            line.candle[5] = f"{Decimal(volume) + Decimal(quantity):f}"

    @staticmethod
    def _kline(line: _Line, k: Mapping[str, Any]) -> Minute | None:
        told = Minute(int(k["t"]), *(_amount(k[key]) for key in "ohlcv"))
        if not line.candle or told.open_ms >= line.candle[0]:
            line.candle = list(told)
        if line.price is None:
            line.price = told.close
        return told if k["x"] is True else None

    def take_changed(self) -> set[str]:
        """The symbols that changed since the last call."""
        changed, self._changed = self._changed, set()
        return changed

    def symbols(self) -> list[str]:
        return list(self._lines)

    def message(self, symbol: str, seen_ms: int) -> bytes | None:
        """What goes to Redis; None while price, bid or ask is not known. `seen_ms`: our clock."""
        line = self._lines[symbol]
        if line.price is None or line.bid is None or line.ask is None:
            return None
        candle = None
        if line.candle:
            candle = [line.candle[0] // 1000, *(_plain(text) for text in line.candle[1:])]
        return orjson.dumps(
            {
                "price": _plain(line.price),
                "bid": _plain(line.bid),
                "ask": _plain(line.ask),
                "at": line.at,
                "seen": seen_ms,
                "candle": candle,
            }
        )


def _amount(text: object) -> str:
    """A decimal string as sent. Raises: InvalidOperation, TypeError, if it is none."""
    if not isinstance(text, str):
        raise TypeError(f"{text!r} is no decimal string")
    if not Decimal(text).is_finite():
        raise InvalidOperation(f"{text} is no number")
    return text


def _side(text: object) -> str | None:
    """The best price of one side; None where nobody stands there, which the venue writes as zero.

    Taken for a price, it would value every position at nothing: then the last quote stands, and
    ages, until somebody stands there again.
    """
    price = _amount(text)
    return price if Decimal(price) else None


def _plain(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
