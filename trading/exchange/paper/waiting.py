"""The open orders of one symbol, sorted by who goes first: price, then time. Pure.

Four queues: resting buys and sells, and orders that wait for the price to rise or to fall to their
stop price. Each is a sorted list of (key, rank, order id): the head is next, changes bisect. Orders
that track the price are apart, for each print moves them.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

from trading.exchange.paper import orders as o
from trading.exchange.paper.orders import Order
from trading.exchange.paper.shown_levels import ShownLevels

Queue = list[tuple[int, int, int]]


class Waiting:
    """Price-time priority of one symbol's paper orders. Ranks grow with time and break ties."""

    def __init__(self) -> None:
        self.buys: Queue = []  # highest price first: keys are negated prices
        self.sells: Queue = []
        self.rising: Queue = []  # triggers when the price rises to it: lowest first
        self.falling: Queue = []  # triggers when the price falls to it: highest first, negated
        self.tracking: dict[int, Order] = {}
        # What everybody sees of them.
        self.bids, self.asks = ShownLevels(-1, self.buys), ShownLevels(1, self.sells)

    def __bool__(self) -> bool:
        return bool(self.buys or self.sells or self.rising or self.falling or self.tracking)

    def add(self, order: Order) -> None:
        if order.is_waiting and order.is_tracking:
            self.tracking[order.id] = order
            return
        queue, key = self._place(order)
        insort(queue, (key, order.rank, order.id))
        if not order.is_waiting:
            self._shown(order).put(order.id, order.price, order.showing)

    def changed(self, order: Order) -> None:
        """An order's quantity changed where it stands; nothing happens where it is not in."""
        if self._shown(order).has(order.id):
            self._shown(order).put(order.id, order.price, order.showing)

    def remove(self, order: Order) -> None:
        """Take an order out, wherever it is; nothing happens where it is not in."""
        if order.trailing_delta and self.tracking.pop(order.id, None) is not None:
            return
        queue, key = self._place(order)
        entry = (key, order.rank, order.id)
        at = bisect_left(queue, entry)
        if at < len(queue) and queue[at] == entry:
            del queue[at]
            self._shown(order).drop(order.id)

    def against(self, side: str) -> Queue:
        """The resting orders that a taker of this side meets, best first."""
        return self.sells if side == o.BUY else self.buys

    def triggered_by(self, price: int) -> Iterator[int]:
        """Ids of waiting orders that a trade at `price` sets off; the caller removes each."""
        while self.falling and self.falling[0][0] <= -price:
            yield self.falling[0][2]
        while self.rising and self.rising[0][0] <= price:
            yield self.rising[0][2]

    def _shown(self, order: Order) -> ShownLevels:
        return self.bids if order.side == o.BUY else self.asks

    def _place(self, order: Order) -> tuple[Queue, int]:
        if order.is_waiting:
            if order.triggers_above:
                return self.rising, order.stop_price
            return self.falling, -order.stop_price
        if order.side == o.BUY:
            return self.buys, -order.price
        return self.sells, order.price
