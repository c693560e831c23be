"""The open orders of one symbol, sorted by who goes first: price, then time. Pure.

Four queues: resting buys and sells, and orders that wait for the price to rise or to fall to their
stop price. Each is a sorted list of (key, order id): the head is next, changes bisect.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

from trading.exchange.paper import orders as o
from trading.exchange.paper.orders import Order

Queue = list[tuple[int, int]]


class Waiting:
    """Price-time priority of one symbol's paper orders. Ids grow with time, so they break ties."""

    def __init__(self) -> None:
        self.buys: Queue = []  # highest price first: keys are negated prices
        self.sells: Queue = []
        self.rising: Queue = []  # triggers when the price rises to it: lowest first
        self.falling: Queue = []  # triggers when the price falls to it: highest first, negated

    def __bool__(self) -> bool:
        return bool(self.buys or self.sells or self.rising or self.falling)

    def add(self, order: Order) -> None:
        queue, key = self._place(order)
        insort(queue, (key, order.id))

    def remove(self, order: Order) -> None:
        """Take an order out, wherever it is; nothing happens where it is not in."""
        queue, key = self._place(order)
        at = bisect_left(queue, (key, order.id))
        if at < len(queue) and queue[at] == (key, order.id):
            del queue[at]

    def touched_by(self, price: int, *, buys_first: bool) -> Iterator[int]:
        """Ids of resting orders that a trade at `price` may fill, one at a time, best first.

        The caller fills or leaves each before it asks for the next; one left alone ends its side.
        """
        for is_buy in (buys_first, not buys_first):
            queue = self.buys if is_buy else self.sells
            limit = -price if is_buy else price
            seen = -1
            while queue and queue[0][0] <= limit and queue[0][1] != seen:
                seen = queue[0][1]
                yield seen

    def triggered_by(self, price: int) -> Iterator[int]:
        """Ids of waiting orders that a trade at `price` sets off; the caller removes each."""
        while self.falling and self.falling[0][0] <= -price:
            yield self.falling[0][1]
        while self.rising and self.rising[0][0] <= price:
            yield self.rising[0][1]

    def _place(self, order: Order) -> tuple[Queue, int]:
        if order.is_waiting:
            if order.triggers_above:
                return self.rising, order.stop_price
            return self.falling, -order.stop_price
        if order.side == o.BUY:
            return self.buys, -order.price
        return self.sells, order.price
