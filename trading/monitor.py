"""The risk monitor's view of one account: read now and then, priced on each tick.

Nothing is remembered only here: breakers, peaks, warnings and history go to PostgreSQL, and a
monitor that starts anew sees the same. The loop around it is `risk_stream`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import F, Q

from risk import nav
from risk.breaker import Cause, measure
from risk.exposure import Gauge, gauges
from risk.nav import Nav
from risk.protocol import TraderTotals
from risk.rules import Book, Limits
from testudo import clock
from trading import breakers, global_halt, monitor_reads, points
from trading.api.risk_present import live
from trading.book import book_of, nav_of
from trading.book_facts import BookFacts, QuoteOf
from trading.market import prices
from trading.market.prices import Quote
from trading.models import AccountRisk, ExchangeAccount, VenueHealth
from trading.risk_hint import tell_monitor
from trading.trader_totals import trader_totals


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One account as last read: everything but the prices."""

    account: ExchangeAccount
    risk: AccountRisk
    limits: Limits
    facts: BookFacts
    health: VenueHealth
    trader: TraderTotals | None
    switch: global_halt.Switch
    standing: frozenset[Cause]  # breakers that are not closed

    @property
    def symbols(self) -> frozenset[tuple[str, str]]:
        """(venue, symbol) of everything whose price moves this account."""
        return frozenset((self.account.venue, stake.symbol) for stake in self.facts.stakes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One account at one moment."""

    book: Book
    gauges: tuple[Gauge, ...]
    nav: Nav
    needs_sweep: bool

    def frame(self) -> dict[str, Any]:
        """What the page is sent."""
        return {"type": "risk", "risk": live(self.book, self.gauges)}


def watch(
    account_id: UUID, known: ExchangeAccount | None = None, *, quote_of: QuoteOf = prices.latest
) -> Watched:
    """Read the account: one statement. `known`: the account as once read."""
    found = monitor_reads.read(known or ExchangeAccount.objects.get(pk=account_id))
    return Watched(
        account=found.account,
        risk=found.risk,
        limits=found.limits,
        facts=found.facts,
        health=found.health,
        trader=trader_totals(found.account, quote_of=quote_of),
        switch=found.switch,
        standing=found.standing,
    )


def read(watched: Watched, *, quote_of: QuoteOf) -> Reading:
    """Price it. Asks no database and no Redis: `quote_of` is the caller's memory."""
    book = book_of(
        watched.account,
        watched.facts,
        risk=watched.risk,
        limits=watched.limits,
        health=watched.health,
        trader=watched.trader,
        quote_of=quote_of,
    )
    found = gauges(book, watched.limits)
    return Reading(
        book=global_halt.over(book, watched.switch),
        gauges=found,
        nav=nav.marked(nav_of(watched.risk), book.equity),
        needs_sweep=_needs_sweep(watched, book, found),
    )


def _needs_sweep(watched: Watched, book: Book, found: tuple[Gauge, ...]) -> bool:
    """Whether a limit was crossed, or a pause ended, that PostgreSQL does not know of yet."""
    new_warning = {gauge.code for gauge in found if gauge.warn} - set(watched.risk.warned)
    measured = {each.cause for each in measure(book, watched.limits)}
    until = watched.risk.state_until
    over = until is not None and book.at >= until
    cooled = Cause.HEAT in watched.standing and Cause.HEAT not in measured
    return bool(new_warning or measured - watched.standing or over or cooled)


def sweep_at(watched: Watched, quotes: dict[tuple[str, str], Quote]) -> None:
    """Settle the account's breakers at the very prices that crossed a limit: by the time the rows
    are locked the market may have turned, and a limit that was reached stays reached."""
    breakers.sweep(watched.account, quote_of=at_prices(quotes))


def at_prices(quotes: dict[tuple[str, str], Quote]) -> Callable[[str, str], Quote | None]:
    """These prices, and the latest ones for any other symbol."""

    def quote_of(venue: str, symbol: str) -> Quote | None:
        return quotes.get((venue, symbol)) or prices.latest(venue, symbol)

    return quote_of


def note_peak(watched: Watched, highest: Nav) -> bool:
    """Store a peak of the NAV that no sweep has seen. Not where units changed since: they would
    not belong together."""
    rows = AccountRisk.objects.filter(
        Q(pk=watched.account.pk, units=highest.units)
        & (Q(peak_nav=None) | Q(peak_nav__lt=highest.peak))
    )
    stored = rows.update(peak_nav=highest.peak, peak_at=clock.now(), version=F("version") + 1)
    if stored:
        tell_monitor(watched.account.pk)
    return bool(stored)


def note_point(watched: Watched, reading: Reading, minute: datetime) -> None:
    """The point of this minute."""
    points.record(watched.account, reading.book, reading.nav.nav, at=minute)


def peak_of(watched: Watched) -> Decimal:
    return nav_of(watched.risk).peak
