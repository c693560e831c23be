"""How much one may ask: weight per address, orders per account. Fixed windows, as Binance's.

Source: rest-api.md "LIMITS", faqs/order_count_decrement.md. Times in milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from trading.exchange.paper import errors

WEIGHT_LIMIT = 6000
MINUTE_MS = 60_000
RAW_LIMIT = 300_000
RAW_MS = 5 * MINUTE_MS
CONNECTIONS = 300  # attempts in the same five minutes
# /sapi paths have a budget a minute each, by address or by account; beyond it 429, never a ban
# (developers.binance.com, Wallet, "General Info": limits of /sapi/*).
WALLET_IP_LIMIT, WALLET_UID_LIMIT = 12_000, 180_000
PATIENCE = 20  # requests into a 429 before the ban
FIRST_BAN_MS, LONGEST_BAN_MS = 2 * MINUTE_MS, 3 * 86_400_000
# (interval, number, header suffix, milliseconds, limit)
ORDER_LIMITS = (
    ("SECOND", 10, "10S", 10_000, 100),
    ("DAY", 1, "1D", 86_400_000, 200_000),
)


@dataclass(slots=True)
class _Window:
    begins_ms: int = -1
    used: int = 0

    def at(self, now_ms: int, length_ms: int) -> _Window:
        begins = now_ms // length_ms * length_ms
        if begins != self.begins_ms:
            self.begins_ms, self.used = begins, 0
        return self


@dataclass(slots=True)
class _Ignored:
    """How one address takes a 429."""

    times: int = 0
    bans: int = 0
    until_ms: int = 0


@dataclass(slots=True)
class Limits:
    """Counts in the running windows. Forgotten at a restart, as they would soon be anyway."""

    weight_limit: int = WEIGHT_LIMIT
    raw_limit: int = RAW_LIMIT
    connection_limit: int = CONNECTIONS
    refused: int = 0  # answers 429 and 418 so far
    heaviest: int = 0  # the most weight an address has used in one minute
    _raw: dict[str, _Window] = field(default_factory=dict)
    _connections: dict[str, _Window] = field(default_factory=dict)
    _ignored: dict[str, _Ignored] = field(default_factory=dict)
    _weights: dict[str, _Window] = field(default_factory=dict)
    _orders: dict[int, tuple[_Window, ...]] = field(default_factory=dict)
    _wallet: dict[tuple[str, str | int], _Window] = field(default_factory=dict)

    def weigh(self, address: str, weight: int, now_ms: int) -> None:
        """Charge a request. Raises: BinanceError 429 -1003 once a budget is used up, and 418 for
        who goes on all the same; each further ban is twice as long.
        """
        try:
            self._weigh(address, weight, now_ms)
        except errors.BinanceError:
            self.refused += 1
            raise

    def _weigh(self, address: str, weight: int, now_ms: int) -> None:
        here = self._ignored.setdefault(address, _Ignored())
        if now_ms < here.until_ms:
            raise errors.banned(here.until_ms, -(-(here.until_ms - now_ms) // 1000))
        raw = self._raw.setdefault(address, _Window()).at(now_ms, RAW_MS)
        window = self._weight(address, now_ms)
        if raw.used < self.raw_limit and window.used + weight <= self.weight_limit:
            raw.used += 1
            window.used += weight
            self.heaviest = max(self.heaviest, window.used)
            here.times = 0
            return
        here.times += 1
        if here.times > PATIENCE:
            here.bans += 1
            here.times = 0
            lasts = min(FIRST_BAN_MS << (here.bans - 1), LONGEST_BAN_MS)
            here.until_ms = now_ms + lasts
            raise errors.banned(here.until_ms, lasts // 1000)
        if raw.used >= self.raw_limit:
            raise errors.too_many_raw_requests(
                self.raw_limit, -(-(RAW_MS - now_ms % RAW_MS) // 1000)
            )
        raise errors.too_many_requests(-(-(MINUTE_MS - now_ms % MINUTE_MS) // 1000))

    def connect(self, address: str, now_ms: int) -> None:
        """Count a new WebSocket connection. Raises: BinanceError 429 -1034 over the limit."""
        window = self._connections.setdefault(address, _Window()).at(now_ms, RAW_MS)
        if window.used >= self.connection_limit:
            self.refused += 1
            raise errors.too_many_connections(self.connection_limit, "5 MINUTE")
        window.used += 1

    def refund(self, address: str, weight: int, now_ms: int) -> None:
        """An order call that succeeded weighs nothing (since 2026-04-02)."""
        window = self._weight(address, now_ms)
        window.used = max(0, window.used - weight)

    def weigh_wallet(self, path: str, who: str | int, weight: int, now_ms: int) -> dict[str, str]:
        """Charge a /sapi request to an address or an account. Returns the header that says so.

        Raises: BinanceError 429 -1003.
        """
        window = self._wallet.setdefault((path, who), _Window()).at(now_ms, MINUTE_MS)
        kind, most = ("UID", WALLET_UID_LIMIT) if type(who) is int else ("IP", WALLET_IP_LIMIT)
        fits = window.used + weight <= most
        window.used += weight if fits else 0
        header = {f"X-SAPI-USED-{kind}-WEIGHT-1M": str(window.used)}
        if not fits:
            left_ms = MINUTE_MS - now_ms % MINUTE_MS
            refusal = errors.too_many_requests(-(-left_ms // 1000), most)
            refusal.headers |= header
            raise refusal
        return header

    def used_weight(self, address: str, now_ms: int) -> int:
        return self._weight(address, now_ms).used

    def count_orders(self, account: int, orders: int, now_ms: int) -> None:
        """Count unfilled orders. Raises: BinanceError 429 -1015 over a limit (none counted)."""
        windows = self._windows(account, now_ms)
        for (interval, number, _, length, limit), window in zip(ORDER_LIMITS, windows, strict=True):
            if window.used + orders > limit:
                left = length - now_ms % length
                raise errors.too_many_orders(limit, f"{number} {interval}", -(-left // 1000))
        for window in windows:
            window.used += orders

    def give_back(self, account: int, orders: int, now_ms: int) -> None:
        """An order got its first fill (or was refused): it no longer counts as unfilled."""
        for window in self._windows(account, now_ms):
            window.used = max(0, window.used - orders)

    def order_counts(self, account: int, now_ms: int) -> list[dict[str, Any]]:
        """As `GET /api/v3/rateLimit/order` shows them."""
        windows = self._windows(account, now_ms)
        return [
            {
                "rateLimitType": "ORDERS",
                "interval": interval,
                "intervalNum": number,
                "limit": limit,
                "count": window.used,
            }
            for (interval, number, _, _, limit), window in zip(ORDER_LIMITS, windows, strict=True)
        ]

    def weight_count(self, address: str, now_ms: int) -> dict[str, Any]:
        """The REQUEST_WEIGHT element of a WS API answer's `rateLimits`."""
        return {
            "rateLimitType": "REQUEST_WEIGHT",
            "interval": "MINUTE",
            "intervalNum": 1,
            "limit": self.weight_limit,
            "count": self.used_weight(address, now_ms),
        }

    def order_headers(self, account: int, now_ms: int) -> dict[str, str]:
        windows = self._windows(account, now_ms)
        return {
            f"X-MBX-ORDER-COUNT-{suffix}": str(window.used)
            for (_, _, suffix, _, _), window in zip(ORDER_LIMITS, windows, strict=True)
        }

    def _weight(self, address: str, now_ms: int) -> _Window:
        return self._weights.setdefault(address, _Window()).at(now_ms, MINUTE_MS)

    def _windows(self, account: int, now_ms: int) -> tuple[_Window, ...]:
        windows = self._orders.setdefault(account, tuple(_Window() for _ in ORDER_LIMITS))
        for (_, _, _, length, _), window in zip(ORDER_LIMITS, windows, strict=True):
            window.at(now_ms, length)
        return windows


def table(weight_limit: int = WEIGHT_LIMIT) -> list[dict[str, Any]]:
    """The `rateLimits` of exchangeInfo."""
    orders = [
        {"rateLimitType": "ORDERS", "interval": interval, "intervalNum": number, "limit": limit}
        for interval, number, _, _, limit in ORDER_LIMITS
    ]
    return [
        {
            "rateLimitType": "REQUEST_WEIGHT",
            "interval": "MINUTE",
            "intervalNum": 1,
            "limit": weight_limit,
        },
        *orders,
        {
            "rateLimitType": "RAW_REQUESTS",
            "interval": "MINUTE",
            "intervalNum": 5,
            "limit": RAW_LIMIT,
        },
    ]
