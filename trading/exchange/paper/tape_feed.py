"""What replayed, scripted and live markets have in common: a `values.Feed` over ticks."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Protocol

from trading.exchange.paper.synthetic_markets import Market
from trading.exchange.paper.takers import Extra, Takers, as_extra, time_of_print, walk_of
from trading.exchange.paper.tape_line import Line, Tick
from trading.exchange.paper.values import Book, Fill, Kline, Print

log = logging.getLogger(__name__)

RECENT = 1000


class Source(Protocol):
    """The market outside."""

    ended_ms: int | None  # when its last tick came, once it has; None while there is more

    def until(self, to_ms: int) -> Iterable[Tick]:
        """The ticks up to a time that were not given yet, in order of time."""


class TapeFeed:
    """A market told by a source. Implements `values.Feed`; memory stays flat."""

    kind = "tape"

    def __init__(
        self, markets: Sequence[Market], source: Source, first: Mapping[str, Tick], *, now_ms: int
    ) -> None:
        """`first`: each symbol's first tick, which stands as its price before it is told."""
        self._markets, self._first, self._source = tuple(markets), first, source
        self._lines: dict[str, Line] = {}
        self._takers = Takers()
        self._seeds: dict[str, Print] = {}
        self._told_end = False
        self._begin(now_ms)

    def _begin(self, now_ms: int, kept: Mapping[str, Any] | None = None) -> None:
        """Tell everything up to `now_ms` to nobody: where the market stands now."""
        self._started = self._now = now_ms
        self._takers.clear()
        for market in self._markets:
            first = self._first[market.symbol]
            line = Line(market, first.id or 1)
            seed = Print(
                market.symbol, line.next_id - 1, first.price, first.quantity, now_ms,
                first.buyer_is_maker,
            )  # fmt: skip
            if kept and market.symbol in kept:
                line.restore(kept[market.symbol])
            line.anchor = self._seeds[market.symbol] = seed
            self._lines[market.symbol] = line

    @property
    def symbols(self) -> Sequence[str]:
        return tuple(self._lines)

    @property
    def ended_ms(self) -> int | None:
        """When the market stopped; None while it goes on."""
        return self._source.ended_ms

    def advance(self, to_ms: int) -> list[Print]:
        """Every print in (the last call's time, to_ms]."""
        return self._pull(to_ms) if to_ms >= self._now else []

    def _pull(self, to_ms: int) -> list[Print]:
        told: list[Print] = []
        for tick in self._source.until(to_ms):
            told += self._lines[tick.symbol].tell(tick)
        for line in self._lines.values():
            told += line.due(to_ms)
        self._now, self._takers.takes = max(self._now, to_ms), 0
        if len(self._lines) > 1:
            told.sort(key=attrgetter("at_ms"))  # stable: a symbol's own order stays
        if self.ended_ms is not None and not self._told_end:
            self._told_end = True
            log.warning(
                "The %s market has ended: prices stand still from now on.", self.kind,
                extra={"ended_ms": self.ended_ms},
            )  # fmt: skip
        return told

    def last(self, symbol: str) -> Print:
        prints = self._lines[symbol].prints
        return prints[-1] if prints else self._seeds[symbol]

    def recent(self, symbol: str, limit: int) -> list[Print]:
        """The newest prints, at most RECENT of them, oldest first."""
        return self._lines[symbol].prints[-min(limit, RECENT) :] if limit > 0 else []

    def history(
        self,
        symbol: str,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        from_id: int | None = None,
        limit: int,
    ) -> list[Print]:
        """Prints of the past as far as they are kept, see MOST_PRINTS."""
        end = self._now if end_ms is None else end_ms
        return self._lines[symbol].history(start_ms, end, from_id, limit)

    def klines(
        self,
        symbol: str,
        interval: str,
        start_ms: int | None,
        end_ms: int | None,
        limit: int,
        offset_ms: int = 0,
    ) -> list[Kline]:
        """Candles counted from the prints; flat ones where nothing traded."""
        return self._lines[symbol].candles.klines(
            interval, start_ms, end_ms, limit, now_ms=self._now, offset_ms=offset_ms
        )

    def grid(self, symbol: str) -> tuple[int, int]:
        market = self._lines[symbol].market
        return market.tick, market.step

    def book(self, symbol: str, depth: int = 20) -> Book:
        """A book around the last print; it stands still where the market does."""
        still = self.ended_ms
        now = self._now if still is None else min(self._now, still)
        eaten = self._takers.missing(symbol, now)
        return self._lines[symbol].book(now, depth, self._update_id(), eaten)

    def _update_id(self) -> int:
        return self._now * 10 + self._takers.takes

    def take(
        self, symbol: str, side: str, limit: int | None, quantity: int, at_ms: int
    ) -> list[Fill]:
        """Eat the book down to `limit` (e8; None: any price). What it lacks stays unfilled."""
        fills = self._eat(symbol, side, limit, quantity, at_ms)
        self.recover(symbol, fills)
        return fills

    def _eat(
        self, symbol: str, side: str, limit: int | None, quantity: int, at_ms: int
    ) -> list[Fill]:
        return self._takers.take(
            self.book, symbol, side, limit, quantity, at_ms=at_ms, now_ms=self._now
        )

    def cross(
        self, symbol: str, price: int, quantity: int, *, buyer_is_maker: bool, at_ms: int
    ) -> int:
        """Two of our orders met: a print of theirs. Returns its time."""
        at = time_of_print(at_ms, self._now)
        self._lines[symbol].add(Extra(at, price, quantity, buyer_is_maker, own=True))
        return at

    def move(self, symbol: str, price: int, *, at_ms: int, over_ms: int) -> None:
        """Walk the market to `price` (snapped to the tick); it stays shifted by as much.

        Raises: KeyError, unknown symbol; ValueError, a price or a duration out of bounds.
        """
        line = self._lines[symbol]
        line.walk(*walk_of(price, line.market.tick, at_ms=at_ms, over_ms=over_ms, now_ms=self._now))

    # -- over a restart ---------------------------------------------------------------------------

    def identity(self) -> Any:
        """What tells this market from another one, JSON-able."""
        return [market.symbol for market in self._markets]

    def state(self) -> dict[str, Any]:
        """When it began, where it stands, and what was done to it."""
        return {
            "feed": self.kind,
            "tape": self.identity(),
            "started": self._started,
            "now": self._now,
            "symbols": {symbol: line.state() for symbol, line in self._lines.items()},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state()`: the tape runs through again up to there, unheard.

        Raises: ValueError, when the state is another market's.
        """
        if state.get("feed") != self.kind or state.get("tape") != self.identity():
            raise ValueError(
                "The state file was written with another feed or tape: start with that one, "
                "or with a new state file (--state)."
            )
        self._reopen(state["started"])
        self._begin(state["started"], state["symbols"])
        self._pull(state["now"])

    def _reopen(self, started_ms: int) -> None:
        """Let the source begin again."""
        raise NotImplementedError

    def recover(self, symbol: str, fills: Iterable[Fill]) -> None:
        """Prints of our traders: those that `state` had not seen when the process died."""
        for fill in fills:
            self._lines[symbol].add(as_extra(fill))
