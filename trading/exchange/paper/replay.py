"""A replayed market: Binance's archive files, shifted to start now. `--feed replay:FILE`.

The first trade happens now, the others after as long as they did then, divided by the speed. So
candles served are those of the wall clock; at speed 1 with the tape's own start they equal the
archive's, which `compare` proves. Aggregates and candles are told as the trades they are made of:
as many, with the archive's ids, prices and sums; how an aggregate's quantity was dealt among its
trades, and the path inside a candle, are not in the archive and made up.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from math import gcd
from pathlib import Path
from typing import Any

from trading.exchange.paper.klines import DAY
from trading.exchange.paper.replay_path import deal, path
from trading.exchange.paper.synthetic_markets import Market
from trading.exchange.paper.tape_feed import TapeFeed
from trading.exchange.paper.tape_files import BadTape, Candle, Row, files_of, read, symbol_of
from trading.exchange.paper.tape_line import Tick
from trading.exchange.paper.values import E8


@dataclass(frozen=True, slots=True)
class Tape:
    """One symbol's files, read through once: what they hold."""

    symbol: str
    paths: tuple[Path, ...]
    market: Market
    first: Tick
    start_ms: int
    end_ms: int
    trades: int

    def rows(self) -> Iterator[Row | Candle]:
        for file in self.paths:
            yield from read(file)


def scan(paths: Sequence[Path]) -> Tape:
    """Read a symbol's files through: check every row, find the tick, the step and the span.

    Raises: BadTape.
    """
    ordered = sorted(paths, key=lambda one: _start(next(read(one))))
    tick = step = volume = trades = 0
    first: Tick | None = None
    end = start = -1
    symbol = symbol_of(ordered[0])
    for file in ordered:
        for number, row in enumerate(read(file), 1):
            if not number > 1 and _start(row) < end:
                raise BadTape(f"{file.name} begins before the file before it ends.")
            if first is None:
                price = row.open if isinstance(row, Candle) else row.price
                start = _start(row)
                number_of_first = 1 if isinstance(row, Candle) else row.first_id
                maker = not isinstance(row, Candle) and row.buyer_is_maker
                first = Tick(symbol, start, price, 1, maker, number_of_first)
            if isinstance(row, Candle):
                tick = gcd(tick, row.open, row.high, row.low, row.close)
                step, volume = gcd(step, row.volume, row.taker_base), volume + row.volume
                end = row.close_ms
            else:
                tick, step = gcd(tick, row.price), gcd(step, row.quantity)
                volume += row.quantity
                end = row.at_ms
            trades += row.trades
    assert first is not None, "read refuses an empty file"
    days = Fraction(max(end - start, 1), DAY)
    step = step or E8
    market = Market(
        symbol, tick, step, first.price, 0.02, max(1, round(trades / days)),
        max(25_000 * step, round(volume / days)),
    )  # fmt: skip
    return Tape(symbol, tuple(ordered), market, first._replace(quantity=step), start, end, trades)


def _start(row: Row | Candle) -> int:
    return row.open_ms if isinstance(row, Candle) else row.at_ms


class TapeSource:
    """Several tapes as one source, shifted to begin at `started_ms` and sped up."""

    def __init__(self, tapes: Sequence[Tape], *, started_ms: int, speed: Fraction) -> None:
        self._tapes, self._speed = tapes, speed
        self.begin(started_ms)

    def begin(self, started_ms: int) -> None:
        self.ended_ms: int | None = None
        self._base = min(tape.start_ms for tape in self._tapes)
        self._end = started_ms + int(
            (max(t.end_ms for t in self._tapes) - self._base) / self._speed
        )
        self._started = started_ms
        ticks = [self._ticks(tape) for tape in self._tapes]
        self._ticking = iter(heapq.merge(*ticks, key=lambda tick: tick.at_ms))
        self._next: deque[Tick] = deque()

    def until(self, to_ms: int) -> Iterator[Tick]:
        while True:
            if not self._next:
                tick = next(self._ticking, None)
                if tick is None:
                    if to_ms >= self._end:
                        self.ended_ms = self._end
                    return
                self._next.append(tick)
            if self._next[0].at_ms > to_ms:
                return
            yield self._next.popleft()

    def _ticks(self, tape: Tape) -> Iterator[Tick]:
        """A tape's trades, one by one, at their shifted times."""
        base, started = self._base, self._started
        over, under = self._speed.denominator, self._speed.numerator
        symbol, step = tape.symbol, tape.market.step
        for row in tape.rows():
            if isinstance(row, Candle):
                told: Iterable[tuple[int, int, int, bool]] = path(row, tape.market.tick, step)
            elif row.trades == 1:
                told = ((row.at_ms, row.price, row.quantity, row.buyer_is_maker),)
            else:
                told = (
                    (row.at_ms, row.price, quantity, row.buyer_is_maker)
                    for quantity in deal(row.quantity, row.trades, step)
                )
            for at_ms, price, quantity, maker in told:
                at = started + (at_ms - base) * over // under
                yield Tick(symbol, at, price, quantity, maker)


class ReplayFeed(TapeFeed):
    """Archive files as a market."""

    kind = "replay"

    def __init__(
        self,
        files: str | Sequence[Path],
        *,
        now_ms: int,
        speed: Fraction | int = 1,
        symbols: Sequence[str] = (),
    ) -> None:
        """`symbols`: only these of the files'. Raises: BadTape; ValueError, no such speed."""
        self._speed = Fraction(speed)
        if not Fraction(1, 1000) <= self._speed <= 1_000_000:
            raise ValueError("The speed of a replay is between 0.001 and 1000000.")
        paths = files_of(files) if isinstance(files, str) else list(files)
        by_symbol: dict[str, list[Path]] = {}
        for one in paths:
            by_symbol.setdefault(symbol_of(one), []).append(one)
        missing = [symbol for symbol in symbols if symbol not in by_symbol]
        if missing:
            raise BadTape(f"No file is named after {', '.join(missing)}.")
        self.tapes = [scan(by_symbol[symbol]) for symbol in symbols or by_symbol]
        self._reel = TapeSource(self.tapes, started_ms=now_ms, speed=self._speed)
        super().__init__(
            [tape.market for tape in self.tapes],
            self._reel,
            {tape.symbol: tape.first for tape in self.tapes},
            now_ms=now_ms,
        )

    def identity(self) -> Any:
        return {
            "speed": str(self._speed),
            "tapes": [[t.symbol, t.start_ms, t.end_ms, t.trades] for t in self.tapes],
        }

    def _reopen(self, started_ms: int) -> None:
        self._reel.begin(started_ms)


def compare(trades: Sequence[Path], klines: Path, interval: str) -> dict[str, Any]:
    """Do candles rebuilt from the tape equal the archive's? Counts, and the first difference.

    Candles that begin before the tape does, or end after it, are not compared. Raises: BadTape.
    """
    tape = scan(trades)
    feed = ReplayFeed(tape.paths, now_ms=tape.start_ms)
    compared, different, example = 0, 0, None
    for row in read(klines):
        if not isinstance(row, Candle):
            raise BadTape(f"{klines.name} holds trades, not candles.")
        if row.open_ms < tape.start_ms or row.close_ms > tape.end_ms:
            continue
        feed.advance(row.close_ms)
        built = feed.klines(tape.symbol, interval, row.open_ms, row.close_ms, 1)
        compared += 1
        want, got = row._asdict(), asdict(built[0]) if built else {}
        got["quote"] = got.get("quote_volume")
        wrong = {name: [want[name], got.get(name)] for name in want if want[name] != got.get(name)}
        if wrong:
            different += 1
            example = example or {"open_ms": row.open_ms, "archive_and_rebuilt": wrong}
    return {"compared": compared, "different": different, "first_difference": example}
