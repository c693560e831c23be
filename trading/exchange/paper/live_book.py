"""A local copy of an order book, kept as web-socket-streams.md says: a snapshot and diffs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trading.exchange.paper.tape_files import amount
from trading.exchange.paper.values import Level


class BookGap(Exception):
    """A diff does not follow: take a new snapshot."""


class LocalBook:
    """Bids and asks by price, e8."""

    def __init__(self) -> None:
        self.update_id = 0
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self._first = True
        self._sorted: tuple[list[int], list[int]] | None = None

    def load(self, snapshot: Mapping[str, Any]) -> None:
        """Begin again from `GET depth`."""
        self.update_id, self._first = int(snapshot["lastUpdateId"]), True
        self.bids = {amount(price): amount(quantity) for price, quantity in snapshot["bids"]}
        self.asks = {amount(price): amount(quantity) for price, quantity in snapshot["asks"]}
        self._sorted = None

    def apply(self, event: Mapping[str, Any]) -> bool:
        """Take a diff in; False for one that the snapshot already holds. Raises: BookGap."""
        if event["u"] <= self.update_id:
            return False
        follows = event["U"] <= self.update_id + 1 if self._first else None
        if not (follows or event["U"] == self.update_id + 1):
            raise BookGap(f"after {self.update_id} comes {event['U']}")
        changed = self._change(self.bids, event["b"]) | self._change(self.asks, event["a"])
        if changed:
            self._sorted = None
        self.update_id, self._first = event["u"], False
        return True

    @staticmethod
    def _change(side: dict[int, int], levels: Iterable[Sequence[str]]) -> bool:
        """Whether a price came or went."""
        before = len(side)
        came = False
        for text, quantity in levels:
            price, size = amount(text), amount(quantity)
            if size:
                came = came or price not in side
                side[price] = size
            else:
                side.pop(price, None)
        return came or len(side) != before

    def sides(self, depth: int) -> tuple[list[Level], list[Level]]:
        """The best `depth` bids and asks, best first."""
        if self._sorted is None:
            self._sorted = (sorted(self.bids, reverse=True), sorted(self.asks))
        bids, asks = self._sorted
        return (
            [Level(price, self.bids[price]) for price in bids[:depth]],
            [Level(price, self.asks[price]) for price in asks[:depth]],
        )
