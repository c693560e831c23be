"""What was lost since the day's and the week's start, and of what: one definition for all. Pure."""

from decimal import Decimal
from typing import Protocol

from risk.symbols import ZERO


class Started(Protocol):
    """A book, or the totals of all accounts of a trader."""

    @property
    def equity(self) -> Decimal: ...
    @property
    def day_start_equity(self) -> Decimal: ...
    @property
    def week_start_equity(self) -> Decimal | None: ...
    @property
    def day_flows(self) -> Decimal: ...
    @property
    def week_flows(self) -> Decimal: ...


def day_lost(book: Started) -> tuple[Decimal, Decimal]:
    """(lost since the day's start, the equity its limit is a fraction of), both 0 or more."""
    return lost_since(book.day_start_equity, book.day_flows, book.equity)


def week_lost(book: Started) -> tuple[Decimal, Decimal]:
    """The same since the week's start; before that was stored, since the day's."""
    if book.week_start_equity is None:
        return day_lost(book)
    return lost_since(book.week_start_equity, book.week_flows, book.equity)


def lost_since(start: Decimal, flows: Decimal, equity: Decimal) -> tuple[Decimal, Decimal]:
    """Equity based, open profit and loss in. `flows`: deposits less withdrawals since `start`.

    A deposit is no profit and refreshes nothing: the base stays what it was. A withdrawal is no
    loss, and what was taken away can no longer be lost: the base shrinks by it.
    """
    lost = max(start + flows - equity, ZERO)
    return lost, max(min(start, start + flows), ZERO)
