"""The account manager: one account's equity, cash, heat and counts as one value, a `risk` Book.

Three layers: what PostgreSQL knows (`book_facts`, cached under a stamp by `book_cache`), what the
latest prices make of it (`book_totals`), and what the clock makes of that, here. Placements read
PostgreSQL under the account's risk row (R17); previews and pages may be answered from the cache.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from risk import nav, pauses
from risk.exposure import Totals, totals
from risk.models import RiskProfile
from risk.nav import Nav
from risk.protocol import MAX_ACCOUNT_AGE, STREAK_PAUSE, TraderTotals
from risk.rules import Book, Limits
from testudo import clock
from trading import global_halt
from trading.book_cache import cached_facts
from trading.book_facts import ZERO, BookFacts, Past, QuoteOf, Standing, facts_of_account
from trading.book_known import Known
from trading.book_totals import at_mark, holdings
from trading.global_halt import Switch
from trading.models import AccountRisk, ExchangeAccount, VenueHealth
from trading.periods import Starts, begin_days, day_of, starts_of, week_of
from trading.trader_totals import trader_totals
from trading.venue_health import clock_uncertainty, health_of

__all__ = ["QuoteOf", "begin_days", "book_of", "day_of", "in_step", "read_book", "week_of"]


def read_book(
    account: ExchangeAccount,
    *,
    risk: AccountRisk,
    symbol: str,
    quote_of: QuoteOf,
    setup: str = "",
    limits: Limits | None = None,
    health: VenueHealth | None = None,
    switch: Switch | None = None,
    facts: BookFacts | None = None,
    known: Known | None = None,
    fresh: bool = True,
) -> Book:
    """The account now, as the rules see it for a plan in `symbol`, tagged `setup`.

    `fresh`: from PostgreSQL, for placements; else the cache may answer. `limits`, `health`,
    `switch`, `facts`, `known`: where the caller has read them already, after `risk` or with it.
    """
    facts = facts or read_facts(account, known=known, fresh=fresh)
    limits = limits_of(account) if limits is None else limits
    book = book_of(
        account,
        facts,
        risk=risk,
        limits=limits,
        health=health or health_of(account.venue),
        trader=trader_totals(account, quote_of=quote_of),
        symbol=symbol,
        setup=setup,
        quote_of=quote_of,
    )
    return global_halt.over(book, switch)


def read_facts(
    account: ExchangeAccount, *, known: Known | None = None, fresh: bool = True
) -> BookFacts:
    """What the book is made of, before prices. `fresh`, `known`: see `read_book`."""
    return facts_of_account(account) if fresh else cached_facts(account, known=known)


def limits_of(account: ExchangeAccount) -> Limits:
    profile = RiskProfile.objects.filter(account_id=account.pk).first()
    return profile.limits() if profile else Limits()


def book_of(
    account: ExchangeAccount,
    facts: BookFacts,
    *,
    risk: AccountRisk,
    limits: Limits,
    health: VenueHealth,
    trader: TraderTotals | None,
    quote_of: QuoteOf,
    symbol: str = "",
    setup: str = "",
) -> Book:
    """The book at the latest prices and at this moment. Reads nothing but them."""
    now = clock.now()
    found = holdings(facts.stakes, venue=account.venue, quote_of=quote_of)
    at_risk = totals(found)
    equity = facts.booked + at_mark(found)
    starts = starts_of(account, risk, now, equity)
    streak, last_loss = losing_streak(facts.past)
    return Book(
        at=now,
        currency=account.currency,
        equity=equity,
        cash=max(facts.free - sum((each.cash for each in facts.stakes), ZERO), ZERO),
        **_periods(facts, starts),
        **_at_risk(at_risk),
        drawdown=nav.marked(nav_of(risk), equity).drawdown,
        open_positions=sum(each.counts for each in facts.stakes),
        positions_in_symbol=sum(each.symbol == symbol for each in facts.stakes if each.counts),
        losing_streak=streak,
        streak_until=last_loss + STREAK_PAUSE if last_loss else None,
        half_size=facts.half_size,
        **_pauses(facts.past, limits, symbol=symbol, setup=setup, at=now),
        trades_today=sum(moment >= starts.day_began for moment in facts.placed_at),
        state=risk.state,
        state_reason=risk.reason,
        state_until=risk.state_until,
        reconciled=in_step(account, now),
        account_age=now - account.stream_alive_at if account.stream_alive_at else None,
        clock_uncertainty=clock_uncertainty(health, now),
        clock_jump=timedelta(milliseconds=health.clock_jump_ms),
        exchange_breaker=health.breaker,
        exchange_retry_at=health.retry_at,
        order_room=facts.order_room,
        **_open_orders(facts.standing, symbol),
        trader=trader,
    )


def _periods(facts: BookFacts, starts: Starts) -> dict[str, Decimal | datetime | None]:
    """Day and week. A period that was not stored yet began with the present equity: no flow is in
    between."""
    return {
        "day_start_equity": starts.day_equity,
        "week_start_equity": starts.week_equity,
        "day_flows": facts.day_flows if starts.day_stored else ZERO,
        "week_flows": facts.week_flows if starts.week_stored else ZERO,
        "day_ends_at": starts.day_ends,
        "week_ends_at": starts.week_ends,
    }


def _at_risk(found: Totals) -> dict[str, Decimal]:
    return {
        "heat": found.heat,
        "open_risk": found.open_risk,
        "pending_risk": found.pending_risk,
        "exposure": found.exposure,
    }


def _open_orders(standing: Sequence[Standing], symbol: str) -> dict[str, int]:
    """What MAX_NUM_* counts in the symbol, and EXCHANGE_MAX_NUM_* over all of them."""
    found = dict.fromkeys(("algo_orders", "orders", "order_lists"), 0)
    for name in tuple(found):
        found[name] = sum(getattr(each, name) for each in standing if each.symbol == symbol)
        found[f"account_{name}"] = sum(getattr(each, name) for each in standing)
    return found


def _pauses(
    past: Sequence[Past], limits: Limits, *, symbol: str, setup: str, at: datetime
) -> dict[str, int | datetime | None]:
    """The pauses that earlier trades cause: what the rules read of each is when it ends."""
    stopped = [each.closed_at for each in reversed(past) if each.stopped_out]
    count, until = pauses.stop_outs(stopped, limits, at=at)
    lost = next((each.closed_at for each in past if each.symbol == symbol and each.lost), None)
    return {
        "stop_outs": count,
        "stop_outs_until": until,
        "symbol_cooldown_until": pauses.cooldown(lost, limits),
        "symbol_locked_until": _lock(each for each in past if each.symbol == symbol),
        "setup_locked_until": _lock(each for each in past if setup and each.setup == setup),
    }


def _lock(trades: Iterable[Past]) -> datetime | None:
    results = [
        (each.closed_at, each.profit / each.initial_risk)
        for each in trades
        if each.profit is not None and each.initial_risk
    ]
    return pauses.losing_lock(results[: pauses.LOCK_TRADES][::-1])


def losing_streak(past: Sequence[Past]) -> tuple[int, datetime | None]:
    """Losses in a row, the latest included, and when the last of them closed."""
    streak, last = 0, None
    for each in past:
        if each.profit is None or each.profit >= 0:
            break
        streak, last = streak + 1, last or each.closed_at
    return streak, last


def nav_of(risk: AccountRisk) -> Nav:
    """The account's units, NAV and peak as stored; a fresh series before the first mark."""
    if risk.units is None:
        return Nav()
    return Nav(units=risk.units, nav=risk.nav or nav.START, peak=risk.peak_nav or nav.START)


def store_nav(risk: AccountRisk, standing: Nav) -> None:
    """Put it on the row, which the caller has locked and saves."""
    risk.units, risk.nav = standing.units, standing.nav
    if risk.peak_nav is None or standing.peak != risk.peak_nav:
        risk.peak_nav, risk.peak_at = standing.peak, clock.now()


def in_step(account: ExchangeAccount, now: datetime) -> bool:
    """Whether the account was matched with the exchange and its stream is proved alive (R14)."""
    alive = account.stream_alive_at
    fresh = alive is not None and now - alive <= MAX_ACCOUNT_AGE
    return account.reconciled_at is not None and not account.stream_gap and fresh
