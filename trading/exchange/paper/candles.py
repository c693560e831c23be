"""Candles counted from prints as they come: seconds, minutes and hours, merged into any interval.

Memory is bounded: seconds are kept for two hours, minutes for eight days, hours for good.
"""

from __future__ import annotations

from collections.abc import Iterable

from trading.exchange.paper.klines import (
    DAY,
    HOUR,
    INTERVALS,
    MINUTE,
    SECOND,
    flat,
    following,
    openings,
)
from trading.exchange.paper.values import E8, Kline, Print

KEPT = {SECOND: 2 * HOUR, MINUTE: 8 * DAY}
OPEN, HIGH, LOW, CLOSE, VOLUME, QUOTE, COUNT, TAKER_BASE, TAKER_QUOTE = range(9)
Sums = list[int]  # by the names above; quote amounts in e16, so that nothing is rounded twice


class Candles:
    """The candles of one symbol."""

    def __init__(self) -> None:
        self.sums: dict[int, dict[int, Sums]] = {SECOND: {}, MINUTE: {}, HOUR: {}}
        self.first_ms: int | None = None
        self._newest_minute = 0

    def add(self, trade: Print) -> None:
        """Count a print in. Late ones are welcome as long as they come in order of their ids."""
        at, price, quantity = trade.at_ms, trade.price, trade.quantity
        money = price * quantity
        for length, sums in self.sums.items():
            opening = at - at % length
            known = sums.get(opening)
            if known is None:
                known = sums[opening] = [price, price, price, price, 0, 0, 0, 0, 0]
            elif price > known[HIGH]:
                known[HIGH] = price
            elif price < known[LOW]:
                known[LOW] = price
            known[CLOSE] = price
            known[VOLUME] += quantity
            known[QUOTE] += money
            known[COUNT] += 1
            if not trade.buyer_is_maker:
                known[TAKER_BASE] += quantity
                known[TAKER_QUOTE] += money
        if self.first_ms is None or at < self.first_ms:
            self.first_ms = at
        if at // MINUTE > self._newest_minute:
            self._newest_minute = at // MINUTE
            self._prune(at)

    def put(self, length: int, candle: Kline) -> None:
        """A whole candle from elsewhere, `length` SECOND, MINUTE or HOUR: history before ours."""
        self.sums[length][candle.open_ms] = [
            candle.open, candle.high, candle.low, candle.close, candle.volume,
            candle.quote_volume * E8, candle.trades, candle.taker_base, candle.taker_quote * E8,
        ]  # fmt: skip
        first = self.first_ms
        self.first_ms = candle.open_ms if first is None else min(first, candle.open_ms)

    def _prune(self, now_ms: int) -> None:
        for length, kept in KEPT.items():
            sums = self.sums[length]
            old = []
            for opening in sums:
                if opening >= now_ms - kept:
                    break
                old.append(opening)
            for opening in old:
                del sums[opening]

    def klines(
        self,
        interval: str,
        start_ms: int | None,
        end_ms: int | None,
        limit: int,
        *,
        now_ms: int,
        offset_ms: int = 0,
    ) -> list[Kline]:
        """As `values.Feed.klines`; where nothing traded, a flat candle, as Binance serves it."""
        if self.first_ms is None:
            return []
        first, length = self.first_ms, INTERVALS[interval]
        finest = SECOND if length < MINUTE else MINUTE
        if length < HOUR or offset_ms % HOUR:
            first = max(first, next(iter(self.sums[finest]), first))
        served: list[Kline] = []
        close: int | None = None
        for open_ms in openings(
            interval, start_ms, end_ms, limit, first=first, now_ms=now_ms, offset_ms=offset_ms
        ):
            end = following(interval, open_ms, 1, offset_ms)
            candle = _total(self._parts(open_ms, end, finest), open_ms, end - 1)
            if candle is None:
                close = self._close_before(open_ms) if close is None else close
                if close is None:
                    continue
                candle = flat(close, open_ms, end - 1)
            close = candle.close
            served.append(candle)
        return served

    def _parts(self, at: int, end: int, finest: int) -> Iterable[Sums]:
        """What traded in [at, end), in whole hours where they fit."""
        at = max(at, (self.first_ms or 0) // finest * finest)
        hours, fine = self.sums[HOUR], self.sums[finest]
        end = min(end, (self._newest_minute + 1) * MINUTE)
        while at < end:
            if at % HOUR == 0 and at + HOUR <= end:
                if at in hours:
                    yield hours[at]
                at += HOUR
            else:
                if at in fine:
                    yield fine[at]
                at += finest

    def _close_before(self, at: int) -> int | None:
        """The price of the last trade before a time, as far as it is remembered."""
        for length, sums in self.sums.items():
            before = [opening for opening in sums if opening + length <= at]
            if before:
                return sums[max(before)][CLOSE]
        return None


def _total(parts: Iterable[Sums], open_ms: int, close_ms: int) -> Kline | None:
    total: Sums | None = None
    for part in parts:
        if total is None:
            total = list(part)
            continue
        total[HIGH] = max(total[HIGH], part[HIGH])
        total[LOW] = min(total[LOW], part[LOW])
        total[CLOSE] = part[CLOSE]
        for place in (VOLUME, QUOTE, COUNT, TAKER_BASE, TAKER_QUOTE):
            total[place] += part[place]
    if total is None:
        return None
    opening, high, low, close, volume, quote, count, taker_base, taker_quote = total
    return Kline(
        open_ms, close_ms, opening, high, low, close, volume, quote // E8, count,
        taker_base, taker_quote // E8,
    )  # fmt: skip
