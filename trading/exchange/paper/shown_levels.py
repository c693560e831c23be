"""What the resting orders of one side show to everybody, by price. Pure; amounts in e8.

Kept up with each change of an order, so that reading it costs what is read, however many orders
rest. Keys are those of the queues of `waiting.py`, best first: a bid's key is its negated price.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Sequence

REMEMBERED = 10_000  # changes: who asks for older ones looks at all levels again


class ShownLevels:
    """Prices and quantities of one side, and which of them changed lately."""

    def __init__(self, sign: int, queue: Sequence[tuple[int, int, int]]) -> None:
        """`sign`: -1 of bids, 1 of asks; price times sign is the key. `queue`: the side's orders
        as (key, rank, order id), sorted, which its owner keeps.
        """
        self.sign = sign
        self._queue = queue
        self.version = 0  # how many changes there were
        self._quantities: dict[int, int] = {}
        self._orders: dict[int, tuple[int, int]] = {}  # order id → key, quantity
        self._changed: deque[int] = deque(maxlen=REMEMBERED)

    def put(self, order_id: int, price: int, quantity: int) -> None:
        """An order shows this much from now on, in place of what it showed."""
        key = price * self.sign
        if self._orders.get(order_id) == (key, quantity):
            return
        self.drop(order_id)
        if not quantity:
            return
        self._orders[order_id] = key, quantity
        self._note(key, quantity)

    def drop(self, order_id: int) -> None:
        """An order shows nothing any more; nothing happens where it did not."""
        found = self._orders.pop(order_id, None)
        if found is None:
            return
        key, quantity = found
        self._note(key, -quantity)
        if not self._quantities[key]:
            del self._quantities[key]

    def __len__(self) -> int:
        """How many levels there are."""
        return len(self._quantities)

    def has(self, order_id: int) -> bool:
        """Whether an order rests here."""
        return order_id in self._orders

    def quantity(self, key: int) -> int:
        return self._quantities.get(key, 0)

    def keys(self) -> Iterable[int]:
        """Of all levels, in no order."""
        return self._quantities.keys()

    def best(self, beyond: int | None, most: int, until: int | None = None) -> list[int]:
        """At most so many keys behind `beyond` (None: from the very best), none behind `until`."""
        found: list[int] = []
        queue = self._queue
        place = 0 if beyond is None else bisect_left(queue, (beyond + 1, 0, 0))
        while place < len(queue) and len(found) < most:
            key = queue[place][0]
            if until is not None and key > until:
                break
            found.append(key)
            place += 1
            if place < len(queue) and queue[place][0] == key:  # many orders may stand at a price
                place = bisect_left(queue, (key + 1, 0, 0), place)
        return found

    def changed_since(self, version: int) -> Iterable[int] | None:
        """The keys that changed after `version`; None where that is too long ago to say."""
        count = self.version - version
        if count > len(self._changed):
            return None
        return {self._changed[-place] for place in range(1, count + 1)}

    def _note(self, key: int, more: int) -> None:
        self._quantities[key] = self._quantities.get(key, 0) + more
        self._changed.append(key)
        self.version += 1
