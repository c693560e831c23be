"""An account's risk on the wire: each limit's reading, the breakers and the way back, history."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from risk.breaker import TITLES, Phase, way_back
from risk.exposure import Gauge, by_symbol, gauges, warnings
from risk.losses import day_lost, week_lost
from risk.rules import Book, Limits
from risk.wording import cents_down
from trading import global_halt, naked
from trading.api.present import moment, money
from trading.book import limits_of, read_book
from trading.book_cache import cached_facts
from trading.book_facts import ZERO, BookFacts, QuoteOf
from trading.book_totals import holdings as priced
from trading.breakers import breakers_of
from trading.limits import open_changes
from trading.market import prices
from trading.models import AccountRisk, Balance, EquityPoint, ExchangeAccount, ManagedHolding, Trade
from trading.order_states import FINISHED
from trading.venue_standing import standing_of


def risk_facts(account: ExchangeAccount, *, quote_of: QuoteOf = prices.latest) -> dict[str, Any]:
    """The whole panel of one account, as `GET accounts/{id}/risk` answers it."""
    risk = AccountRisk.objects.get(account=account)
    limits = limits_of(account)
    facts = cached_facts(account)
    book = read_book(account, risk=risk, symbol="", quote_of=quote_of, limits=limits, fresh=False)
    found = gauges(book, limits)
    return {
        **_summary(account, book, limits),
        "state_reason": book.state_reason,
        "state_until": moment(book.state_until),
        "at": moment(book.at),
        "version": facts.stamp,
        "locked": money(_locked(account)),
        "available": money(cents_down(book.cash)),
        "holdings": _holdings(account, quote_of=quote_of),
        "nav": money(risk.nav),
        "peak_nav": money(risk.peak_nav),
        "drawdown": money(book.drawdown),
        "day": {
            **_period(book.day_start_equity, day_lost(book)[0], book.day_flows),
            "late": risk.day_start_late,
            "ends_at": moment(book.day_ends_at),
        },
        "week": {
            **_period(book.week_start_equity, week_lost(book)[0], book.week_flows),
            "late": risk.week_start_late,
            "ends_at": moment(book.week_ends_at),
        },
        "gauges": [gauge(each) for each in found],
        "by_symbol": _by_symbol(account, facts, quote_of=quote_of),
        "breakers": _breakers(account),
        "unprotected": _unprotected(account),
        "naked": _naked(account),
        "exchange": exchange_trouble(account.venue),
        "warnings": list(warnings(found)),
        "pending_changes": open_changes(account.pk).count(),
    }


def _summary(account: ExchangeAccount, book: Book, limits: Limits) -> dict[str, Any]:
    """What the desk's strip shows."""
    lost, base = day_lost(book)
    used = lost + book.open_risk + book.pending_risk
    messages = []
    if book.state != "active":
        messages.append(
            f"No new risk ({(book.state_reason or book.state).rstrip('.')}). Exits go on."
        )
    if not book.reconciled:
        messages.append("Being compared with the exchange; new trades wait. Exits go on.")
    return {
        "account": str(account.pk),
        "currency": book.currency,
        "state": book.state,
        "equity": money(cents_down(book.equity)),
        "cash": money(cents_down(book.cash)),
        "heat": _room(book.heat, book.equity * limits.max_heat),
        "day_loss": _room(used, base * limits.max_day_loss),
        "positions": {"value": book.open_positions, "limit": limits.max_positions},
        "streak": {"value": book.losing_streak, "limit": limits.max_losing_streak},
        "reconciled": book.reconciled,
        "messages": messages,
    }


def _room(value: Decimal, limit: Decimal) -> dict[str, str | None]:
    room = max(limit - value, ZERO)
    return {"value": money(value), "limit": money(limit), "room": money(room)}


def gauge(each: Gauge) -> dict[str, Any]:
    return {
        "code": each.code,
        "title": each.title,
        "used": money(each.used),
        "limit": money(each.limit),
        "room": money(each.room),
        "share": money(each.share),
        "unit": each.unit,
        "warn": each.warn,
        "broken": each.broken,
        "text": each.text,
    }


def _period(start: Decimal | None, lost: Decimal, flows: Decimal) -> dict[str, str | None]:
    return {"start_equity": money(start), "lost": money(lost), "flows": money(flows)}


def _locked(account: ExchangeAccount) -> Decimal:
    row = Balance.objects.filter(account=account, asset=account.currency).first()
    return row.locked if row else ZERO


def _holdings(account: ExchangeAccount, *, quote_of: QuoteOf) -> list[dict[str, str | None]]:
    """What the exchange holds beyond managed positions: shown, counted nowhere (DESIGN 5)."""
    managed: dict[str, Decimal] = defaultdict(Decimal)
    trades = Trade.objects.filter(account=account).exclude(state__in=FINISHED)
    declared = ManagedHolding.objects.filter(account=account, ended_at=None)
    for coin, quantity in [
        *trades.values_list("base_asset", "held"), *declared.values_list("base_asset", "quantity"),
    ]:  # fmt: skip
        managed[coin] += quantity
    found = []
    others = Balance.objects.filter(account=account).exclude(asset=account.currency)
    for row in others.order_by("asset"):
        quantity = row.free + row.locked - managed[row.asset]
        if quantity > ZERO:
            quote = quote_of(account.venue, f"{row.asset}{account.currency}")
            value = cents_down(quantity * quote.bid) if quote else None
            found.append({"asset": row.asset, "quantity": money(quantity), "value": money(value)})
    return found


def _by_symbol(
    account: ExchangeAccount, facts: BookFacts, *, quote_of: QuoteOf
) -> list[dict[str, str | None]]:
    totals = by_symbol(priced(facts.stakes, venue=account.venue, quote_of=quote_of))
    return [
        {
            "symbol": symbol,
            "side": side,
            "heat": money(each.heat),
            "exposure": money(each.exposure),
            "open_risk": money(each.open_risk + each.pending_risk),
        }
        for (symbol, side), each in totals.items()
    ]


def _breakers(account: ExchangeAccount) -> list[dict[str, Any]]:
    """Those that are not closed, and the global switch where it is pulled."""
    found: list[dict[str, Any]] = [
        {
            "cause": each.cause.value,
            "title": TITLES[each.cause],
            "phase": each.phase.value,
            "opened_at": moment(each.opened_at),
            "until": moment(each.until),
            "reason": each.reason,
            "way_back": way_back(each),
        }
        for each in breakers_of(account.pk)
        if each.phase is not Phase.CLOSED
    ]
    switch = global_halt.read()
    if switch.halted:
        found.insert(
            0,
            {
                "cause": "global",
                "title": global_halt.TITLE,
                "phase": "open",
                "opened_at": None,
                "until": None,
                "reason": switch.reason,
                "way_back": "An admin resumes it. Exits and stops go on.",
            },
        )
    return found


def _unprotected(account: ExchangeAccount) -> list[dict[str, Any]]:
    """Positions that no stop covers, the longest first."""
    rows = Trade.objects.filter(account=account, naked_since__isnull=False)
    return [
        {
            "trade": str(row.pk),
            "symbol": row.symbol,
            "base": row.base_asset,
            "held_quantity": money(row.held),
            "state": row.state,
            "since": moment(row.naked_since),
        }
        for row in rows.exclude(state__in=FINISHED).order_by("naked_since")
    ]


def _naked(account: ExchangeAccount) -> dict[str, int]:
    """How long this account's positions went without a stop."""
    found = naked.figures_of(account.pk, venue=account.venue)
    return {
        "days": naked.WINDOW.days,
        "trades": found.trades,
        "p50_ms": found.p50,
        "p99_ms": found.p99,
        "longest_ms": found.longest,
        "unprotected_now": found.naked_now,
    }


def exchange_trouble(venue: str) -> dict[str, Any] | None:
    """What a page says while the exchange does not answer; None while it does."""
    found = standing_of(venue)
    if found is None:
        return None
    facts = asdict(found)
    return {**facts, "since": moment(found.since), "retry_at": moment(found.retry_at)}


def live(book: Book, found: Iterable[Gauge]) -> dict[str, Any]:
    """The figures a page keeps in step by the socket."""
    return {
        "equity": money(cents_down(book.equity)),
        "heat": money(book.heat),
        "open_risk": money(book.open_risk),
        "day_lost": money(day_lost(book)[0]),
        "drawdown": money(book.drawdown),
        "state": book.state,
        "gauges": [
            {
                "code": each.code,
                "share": money(each.share),
                "used": money(each.used),
                "room": money(each.room),
                "warn": each.warn,
                "broken": each.broken,
                "text": each.text,
            }
            for each in found
        ],
        "at": moment(book.at),
    }


def point(row: EquityPoint) -> dict[str, str | None]:
    return {
        "at": moment(row.at),
        "equity": money(row.equity),
        "nav": money(row.nav),
        "heat": money(row.heat),
        "exposure": money(row.exposure),
        "open_risk": money(row.open_risk),
        "drawdown": money(row.drawdown),
    }
