"""The reference price of a symbol: the moving average that the PRICE_RANGE rule measures by. Pure.

Source: faqs/price_range_execution_rules.md, "How does the Matching Engine calculate the reference
price?". Prices in e8, times in milliseconds. Sums and counts carry four more decimal places.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

BUCKET_MS = 1000
BUCKETS = 300
SCALE = 10_000


@dataclass(slots=True)
class _Bucket:
    open_ms: int
    count: int  # trades, times SCALE
    total: int  # their prices, times SCALE


class ReferencePrice:
    """Mean of the trade prices of the last `buckets * bucket_ms` milliseconds."""

    def __init__(self, first: int, *, bucket_ms: int = BUCKET_MS, buckets: int = BUCKETS) -> None:
        self.bucket_ms, self.buckets = bucket_ms, buckets
        self.price = first  # the last one known; holds through a silence
        self._kept: deque[_Bucket] = deque()
        self._count = self._total = 0

    def add(self, price: int, at_ms: int) -> None:
        """A trade happened."""
        opens = at_ms - at_ms % self.bucket_ms
        if not self._kept or self._kept[-1].open_ms < opens:
            self._kept.append(_Bucket(opens, 0, 0))
        newest = self._kept[-1]
        newest.count += SCALE
        newest.total += price * SCALE
        self._count += SCALE
        self._total += price * SCALE

    def at(self, now_ms: int) -> int:
        """The reference price now."""
        cutoff = now_ms - self.bucket_ms * self.buckets
        while self._kept and self._kept[0].open_ms + self.bucket_ms <= cutoff:
            gone = self._kept.popleft()
            self._count -= gone.count
            self._total -= gone.total
        count, total = self._count, self._total
        if self._kept and self._kept[0].open_ms < cutoff:  # straddles the cutoff: prorated
            oldest, out = self._kept[0], cutoff - self._kept[0].open_ms
            count -= oldest.count * out // self.bucket_ms
            total -= oldest.total * out // self.bucket_ms
        if count > 0:
            self.price = total // count
        return self.price
