"""Commission rates: standard, special and tax, each by role (maker, taker) and side.

A fill pays the sum of its role's and its side's rate of all three kinds, on what it brought. Paid
in BNB, the standard commission is multiplied by the discount; special and tax never are. Amounts
and rates are integers in e8 (0.1 % is 100,000); fractions of the last digit fall away, once.

Source: faqs/commission_faq.md. Pure.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from trading.exchange.paper import orders as o
from trading.exchange.paper.values import E8, from_e8, to_e8

DISCOUNT = to_e8("0.75")  # what is left to pay: the FAQ multiplies by it
KINDS = ("standard", "special", "tax")
PARTS = ("maker", "taker", "buyer", "seller")


@dataclass(frozen=True, slots=True)
class Rates:
    """One kind of commission."""

    maker: int = 0
    taker: int = 0
    buyer: int = 0
    seller: int = 0

    def of(self, side: str, *, is_maker: bool) -> int:
        """The rate of one fill: role and side together."""
        return (self.maker if is_maker else self.taker) + (
            self.buyer if side == o.BUY else self.seller
        )

    def shown(self) -> dict[str, str]:
        """As `account/commission` shows it."""
        return {part: from_e8(getattr(self, part)) for part in PARTS}

    def for_order(self, side: str) -> dict[str, str]:
        """As `order/test` shows it: the side is part of both roles."""
        return {
            "maker": from_e8(self.of(side, is_maker=True)),
            "taker": from_e8(self.of(side, is_maker=False)),
        }


@dataclass(frozen=True, slots=True)
class Commissions:
    """What an account pays on a symbol."""

    standard: Rates = Rates()
    special: Rates = Rates()
    tax: Rates = Rates()

    def on(self, received: int, side: str, *, is_maker: bool) -> int:
        """The commission on what a fill brought, in the same asset."""
        kinds = (self.standard, self.special, self.tax)
        return received * sum(kind.of(side, is_maker=is_maker) for kind in kinds) // E8

    def in_bnb(
        self, value: int, side: str, *, is_maker: bool, price: int = E8, discount: int = DISCOUNT
    ) -> int:
        """The commission in BNB on a fill of that value, where one BNB costs `price` of the same
        asset (e8; 1 where the value is in BNB already).
        """
        full = self.special.of(side, is_maker=is_maker) + self.tax.of(side, is_maker=is_maker)
        rate = self.standard.of(side, is_maker=is_maker) * discount + full * E8
        return value * rate // (price * E8)

    def text(self) -> str:
        """For the state file."""
        return json.dumps({kind: getattr(self, kind).shown() for kind in KINDS})


@lru_cache(maxsize=1024)
def standard(maker: int, taker: int) -> Commissions:
    """What everybody pays where an account has no rates of its own."""
    return Commissions(Rates(maker, taker))


def read(text: str) -> Commissions:
    """The inverse of `Commissions.text`. Raises: ValueError."""
    return of_tables(json.loads(text))


def of_tables(tables: Any) -> Commissions:
    """Rates from `{"standard": {"maker": "0.001", …}, "special": {…}, "tax": {…}}`; what is not
    named is 0. Raises: ValueError, whose sentence says what to send.
    """
    _known("commissions", tables, KINDS)
    found = {}
    for kind, table in tables.items():
        _known(kind, table, PARTS)
        found[kind] = Rates(**{part: _rate(f"{kind}.{part}", v) for part, v in table.items()})
    rates = Commissions(**found)
    kinds = [getattr(rates, one.name) for one in fields(rates)]
    for side in (o.BUY, o.SELL):
        if any(sum(k.of(side, is_maker=role) for k in kinds) > E8 for role in (True, False)):
            raise ValueError("All rates of one fill together must be at most 1 (100 %).")
    return rates


def of_texts(texts: list[str]) -> Commissions:
    """Rates from `standard.maker=0.001` texts. Raises: ValueError."""
    tables: dict[str, dict[str, str]] = {}
    for text in texts:
        name, _, rate = text.partition("=")
        kind, _, part = name.partition(".")
        tables.setdefault(kind, {})[part] = rate
    return of_tables(tables)


def _known(name: str, table: Any, names: tuple[str, ...]) -> None:
    if not isinstance(table, dict) or not table.keys() <= set(names):
        raise ValueError(f"{name} takes {', '.join(names)}.")


def _rate(name: str, text: Any) -> int:
    plain = isinstance(text, str) and text.isascii() and text.replace(".", "", 1).isdigit()
    if not plain or len(text) > 20:
        raise ValueError(f'{name} must be a rate like "0.001" (0.1 %), not {str(text)[:40]!r}.')
    rate = to_e8(text)
    if rate > E8:
        raise ValueError(f"{name} must be at most 1 (100 %), not {text}.")
    return rate
