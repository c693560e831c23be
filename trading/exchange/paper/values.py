"""The paper exchange's shared values: market prints, books, klines, and the feed they come from.

Prices and quantities are integers in units of 1e-8 ("e8"); quote amounts too. Times are
milliseconds since the epoch, UTC, always passed in. Nothing here reads a clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

E8 = 100_000_000


@dataclass(frozen=True, slots=True)
class Print:
    """One market trade. `id` is contiguous and increasing per symbol, as Binance's trade id."""

    symbol: str
    id: int
    price: int
    quantity: int
    at_ms: int
    buyer_is_maker: bool  # the seller was the taker
    own: bool = False  # a trade of our own traders, which the engine knows already


@dataclass(frozen=True, slots=True)
class Level:
    """A price and the quantity standing (or filled) there."""

    price: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Book:
    """Bids from the highest, asks from the lowest. Never empty on either side."""

    symbol: str
    update_id: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Kline:
    """One candle: [open_ms, close_ms], close_ms inclusive (open + interval - 1), as Binance's."""

    open_ms: int
    close_ms: int
    open: int
    high: int
    low: int
    close: int
    volume: int  # base asset
    quote_volume: int
    trades: int
    taker_base: int  # bought by takers, base asset
    taker_quote: int


class Fill(NamedTuple):
    """What a taker of ours got, as its print shows it."""

    at_ms: int  # of the print
    price: int
    quantity: int
    buyer_is_maker: bool


class MarketData(Protocol):
    """What can be read of a market: its book, trades and candles."""

    @property
    def symbols(self) -> Sequence[str]: ...

    def book(self, symbol: str, depth: int = 20) -> Book:
        """The book as of the last advance. Raises: KeyError for an unknown symbol."""

    def last(self, symbol: str) -> Print:
        """The newest print as of the last advance; there always is one."""

    def klines(
        self,
        symbol: str,
        interval: str,
        start_ms: int | None,
        end_ms: int | None,
        limit: int,
        offset_ms: int = 0,
    ) -> list[Kline]:
        """Candles by opening time, oldest first: from `start_ms` if given, else the newest.

        `offset_ms`: the time zone that days, weeks and months begin by is this far ahead of UTC.
        """

    def recent(self, symbol: str, limit: int) -> list[Print]:
        """The newest prints, oldest first."""

    def history(
        self,
        symbol: str,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        from_id: int | None = None,
        limit: int,
    ) -> list[Print]:
        """Prints of the past, oldest first: from an id, else from a time, else up to `end_ms`."""


class Feed(MarketData, Protocol):
    """A market: synthetic, replayed, scripted or live. One owner drives it; it has no threads."""

    def advance(self, to_ms: int) -> list[Print]:
        """Every market print since the last call, in time order over all symbols."""

    def grid(self, symbol: str) -> tuple[int, int]:
        """The smallest steps of price and of quantity that this market knows, e8."""

    def move(self, symbol: str, price: int, *, at_ms: int, over_ms: int) -> None:
        """Walk the market to a price (admin). It stays shifted by that much afterwards."""

    def take(
        self, symbol: str, side: str, limit: int | None, quantity: int, at_ms: int
    ) -> list[Fill]:
        """A paper taker ("BUY" or "SELL") eats the book down to `limit`: the fills, best first.

        They appear among the prints of the next `advance` too.
        """

    def cross(
        self, symbol: str, price: int, quantity: int, *, buyer_is_maker: bool, at_ms: int
    ) -> int:
        """Two paper orders met: they appear among the prints too. Returns the print's time."""

    def state(self) -> dict[str, Any]:
        """All that must survive a restart, JSON-able."""

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from `state()`."""

    def recover(self, symbol: str, fills: Iterable[Fill]) -> None:
        """After `restore`: prints of our traders that the state had not seen, each at its time."""


def to_e8(value: Decimal | str) -> int:
    """A decimal amount as e8 units. Raises: ValueError when it has more than 8 places."""
    scaled = Decimal(value).scaleb(8)
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{value} has more than 8 decimal places.")
    return int(scaled)


def from_e8(units: int) -> str:
    """e8 units in Binance's notation: always eight decimal places, no exponent."""
    sign, units = ("-", -units) if units < 0 else ("", units)
    return f"{sign}{units // E8}.{units % E8:08d}"
