"""Who owns what. Pure: integers in e8, no clock, no IO.

Every amount has two ends: an account gains what the market, the fees or the outside loses. So for
each asset, accounts + fees + market == issued, where `issued` is what came in from outside less
what went out, and `market` is the other side of every trade (it may be negative: it sold us coins).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


class NotEnough(Exception):
    """The account has less than the operation needs. Nothing was changed."""


@dataclass(slots=True)
class Balance:
    free: int = 0
    locked: int = 0


@dataclass(slots=True)
class Totals:
    """The other ends of an asset: fees taken, the market's side, and what was issued."""

    fees: int = 0
    market: int = 0
    issued: int = 0


@dataclass(slots=True)
class Ledger:
    """Balances of every account. `touched` and `moved` say what changed since they were cleared."""

    balances: dict[int, dict[str, Balance]] = field(default_factory=dict)
    totals: dict[str, Totals] = field(default_factory=dict)
    touched: set[tuple[int, str]] = field(default_factory=set)
    moved: set[str] = field(default_factory=set)

    def free(self, account: int, asset: str) -> int:
        held = self.balances.get(account, {}).get(asset)
        return held.free if held else 0

    def locked(self, account: int, asset: str) -> int:
        held = self.balances.get(account, {}).get(asset)
        return held.locked if held else 0

    def issue(self, account: int, asset: str, amount: int) -> None:
        """Money from outside (negative: to outside). Raises: NotEnough."""
        held = self._held(account, asset)
        if held.free + amount < 0:
            raise NotEnough(f"{asset}: {held.free} free, {-amount} to withdraw")
        held.free += amount
        self._total(asset).issued += amount

    def lock(self, account: int, asset: str, amount: int) -> None:
        """Set `amount` aside for an order. Raises: NotEnough."""
        held = self._held(account, asset)
        if amount < 0 or held.free < amount:
            raise NotEnough(f"{asset}: {held.free} free, {amount} needed")
        held.free -= amount
        held.locked += amount

    def unlock(self, account: int, asset: str, amount: int) -> None:
        """Give back what an order no longer needs. Raises: NotEnough."""
        held = self._held(account, asset)
        if amount < 0 or held.locked < amount:
            raise NotEnough(f"{asset}: {held.locked} locked, {amount} to unlock")
        held.locked -= amount
        held.free += amount

    def pay(self, account: int, asset: str, amount: int, *, locked: int) -> None:
        """Hand `amount` to the market, `locked` of it from the lock, the rest from what is free.

        Raises: NotEnough.
        """
        held = self._held(account, asset)
        if not 0 <= locked <= min(amount, held.locked) or held.free < amount - locked:
            raise NotEnough(f"{asset}: {held.free} free, {held.locked} locked, {amount} to pay")
        held.locked -= locked
        held.free -= amount - locked
        self._total(asset).market += amount

    def receive(self, account: int, asset: str, amount: int, *, lock: bool = False) -> None:
        """Take `amount` from the market, straight into the lock where an order list keeps it."""
        if amount < 0:
            raise ValueError(f"Cannot receive {amount} {asset}.")
        held = self._held(account, asset)
        if lock:
            held.locked += amount
        else:
            held.free += amount
        self._total(asset).market -= amount

    def charge(self, account: int, asset: str, amount: int, *, from_lock: bool = False) -> None:
        """Take a commission. Raises: NotEnough."""
        held = self._held(account, asset)
        if amount < 0 or (held.locked if from_lock else held.free) < amount:
            raise NotEnough(f"{asset}: {held.free} free, {held.locked} locked, {amount} fee")
        if from_lock:
            held.locked -= amount
        else:
            held.free -= amount
        self._total(asset).fees += amount

    def discrepancies(self) -> dict[str, int]:
        """Per asset, accounts + fees + market - issued, where that is not zero."""
        sums: dict[str, int] = {}
        for assets in self.balances.values():
            for asset, held in assets.items():
                sums[asset] = sums.get(asset, 0) + held.free + held.locked
        wrong = {}
        for asset in sorted(sums.keys() | self.totals.keys()):
            total = self.totals.get(asset, Totals())
            difference = sums.get(asset, 0) + total.fees + total.market - total.issued
            if difference:
                wrong[asset] = difference
        return wrong

    def assets(self, account: int) -> Iterable[tuple[str, Balance]]:
        """Balances of an account by asset name."""
        return sorted(self.balances.get(account, {}).items())

    def _held(self, account: int, asset: str) -> Balance:
        self.touched.add((account, asset))
        return self.balances.setdefault(account, {}).setdefault(asset, Balance())

    def _total(self, asset: str) -> Totals:
        self.moved.add(asset)
        return self.totals.setdefault(asset, Totals())
