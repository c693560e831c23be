"""The account's loss breakers: opened and closed under its risk row, latched, told and recorded.

What opens and what ends one is `risk.breaker`'s, pure; here it is stored. The trading state on the
risk row follows from the breakers, so that a claim of an entry needs to read one row (R19). Open
blocks new risk only: exits, cancels and stops never ask (R18).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction

from risk import nav
from risk.breaker import (
    HALTING,
    Breaker,
    Cause,
    Phase,
    after_close,
    measure,
    settled,
    trading_state,
)
from risk.exposure import gauges
from risk.rules import Book, Limits
from testudo import clock
from trading import breaker_log, points
from trading.book import book_of, limits_of, losing_streak, nav_of, store_nav
from trading.book_facts import BookFacts, QuoteOf, facts_of_account
from trading.market import prices
from trading.models import AccountBreaker, AccountRisk, ExchangeAccount, Trade, TraderRisk
from trading.periods import starts_of
from trading.risk_lock import lock_risk, lock_trader, save_risk
from trading.trader_totals import mark_trader, trader_totals
from trading.venue_health import health_of


def breakers_of(account_id: UUID) -> tuple[Breaker, ...]:
    """Every breaker of the account that ever opened, as stored."""
    rows = AccountBreaker.objects.filter(account_id=account_id).order_by("cause")
    return tuple(
        Breaker(
            cause=Cause(row.cause),
            phase=Phase(row.phase),
            opened_at=row.opened_at,
            until=row.until,
            reason=row.reason,
            recovered_r=row.recovered_r,
            recovered_trades=row.recovered_trades,
        )
        for row in rows
    )


def open_breaker(
    account_id: UUID,
    cause: Cause,
    *,
    reason: str,
    until: datetime | None = None,
    by: str = "rule",
    extra: Mapping[str, object] | None = None,
) -> bool:
    """Stop new risk for this cause. False: it was open already, and stays as it was."""
    with transaction.atomic():
        risk = lock_risk(account_id)
        standing = _by_cause(account_id)
        if standing[cause].phase is Phase.OPEN:
            return False
        opened = Breaker(
            cause=cause, phase=Phase.OPEN, opened_at=clock.now(), until=until, reason=reason
        )
        _move(risk, standing, [opened], by=by, extra=extra or {})
        save_risk(risk)
    return True


def close_breaker(
    account_id: UUID,
    cause: Cause,
    *,
    reason: str,
    by: str = "rule",
    extra: Mapping[str, object] | None = None,
    quote_of: QuoteOf = prices.latest,
) -> bool:
    """End it. False: it was closed. Whether it may end is asked before: `closed_by_a_person`.

    After a drawdown the peak NAV starts again from this moment (PROTOCOL 2).
    """
    with transaction.atomic():
        risk = lock_risk(account_id)
        standing = _by_cause(account_id)
        if standing[cause].phase is Phase.CLOSED:
            return False
        facts = dict(extra or {})
        if cause is Cause.DRAWDOWN:
            facts |= _rebase(risk, quote_of=quote_of)
        _move(risk, standing, [Breaker(cause=cause)], by=by, extra=facts, why=reason)
        save_risk(risk)
    return True


def _rebase(risk: AccountRisk, *, quote_of: QuoteOf) -> dict[str, object]:
    account = ExchangeAccount.objects.get(pk=risk.account_id)
    facts = facts_of_account(account)
    book = _book(account, risk, facts, limits_of(account), quote_of=quote_of)
    before = nav.marked(nav_of(risk), book.equity)
    store_nav(risk, nav.rebased(before))
    return {"peak_before": before.peak, "peak_after": risk.peak_nav}


def sweep(account: ExchangeAccount, *, quote_of: QuoteOf = prices.latest) -> None:
    """Look at everything that could open, move on or close, and at the warnings. Safe to repeat."""
    with transaction.atomic():
        trader, risk = lock_trader(account), lock_risk(account.pk)
        settle_risk(account, risk, trader=trader, quote_of=quote_of)


def count_closed(account: ExchangeAccount, facts: BookFacts, *, quote_of: QuoteOf) -> bool:
    """Before a placement, with its locks: no trade that just closed may be missing from the streak.
    True: one was, and what was read before is outdated."""
    if all(each.counted for each in facts.past):
        return False
    trader, risk = lock_trader(account), lock_risk(account.pk)
    settle_risk(account, risk, trader=trader, quote_of=quote_of)
    return True


def latch(account: ExchangeAccount, *, book: Book, limits: Limits, quote_of: QuoteOf) -> None:
    """After a refusal, with its locks: a limit that was found broken opens its breaker now."""
    causes = {found.cause for found in measure(book, limits)}
    if causes and causes - open_causes(account.pk):
        trader, risk = lock_trader(account), lock_risk(account.pk)
        settle_risk(account, risk, trader=trader, quote_of=quote_of)


def open_causes(account_id: UUID) -> set[Cause]:
    """The causes whose breaker is not closed."""
    return {each.cause for each in breakers_of(account_id) if each.phase is not Phase.CLOSED}


def settle_risk(
    account: ExchangeAccount, risk: AccountRisk, *, trader: TraderRisk | None, quote_of: QuoteOf
) -> None:
    """The same with the rows locked: count closed trades, mark the NAV, settle the breakers."""
    limits = limits_of(account)
    facts = facts_of_account(account)
    standing = _by_cause(account.pk)
    counted = _count_closed(facts, standing, limits)
    book = _book(account, risk, facts, limits, quote_of=quote_of)
    if trader is not None and book.trader is not None:
        mark_trader(trader, book.trader.equity)
    before = (risk.units, risk.peak_nav, list(risk.warned))
    store_nav(risk, nav.marked(nav_of(risk), book.equity))
    starts = starts_of(account, risk, book.at, book.equity)
    after = settled(
        {**standing, **{each.cause: each for each in counted}},
        book,
        limits,
        day_began=starts.day_began,
        week_began=starts.week_began,
    )
    moved = [each for cause, each in after.items() if each != standing[cause]]
    _move(risk, standing, moved, by="rule", extra=_measured(book))
    breaker_log.warn(risk, gauges(book, limits))
    if moved or counted or before != (risk.units, risk.peak_nav, risk.warned):
        save_risk(risk)
        points.record(account, book, risk.nav or nav.START)


def _book(
    account: ExchangeAccount, risk: AccountRisk, facts: BookFacts, limits: Limits, *,
    quote_of: QuoteOf,
) -> Book:  # fmt: skip
    return book_of(
        account,
        facts,
        risk=risk,
        limits=limits,
        health=health_of(account.venue),
        trader=trader_totals(account, quote_of=quote_of),
        quote_of=quote_of,
    )


def _measured(book: Book) -> dict[str, object]:
    """The figures a breaker moved by, for the decision log."""
    return {
        "equity": book.equity,
        "day_start_equity": book.day_start_equity,
        "week_start_equity": book.week_start_equity,
        "heat": book.heat,
        "drawdown": book.drawdown,
        "losing_streak": book.losing_streak,
        "stop_outs": book.stop_outs,
    }


def _by_cause(account_id: UUID) -> dict[Cause, Breaker]:
    stored = {each.cause: each for each in breakers_of(account_id)}
    return {cause: stored.get(cause, Breaker(cause=cause)) for cause in Cause}


def _count_closed(
    facts: BookFacts, standing: Mapping[Cause, Breaker], limits: Limits
) -> list[Breaker]:
    """Let the streak's breaker hear of every closed trade once, in the order they closed."""
    new = [each for each in reversed(facts.past) if not each.counted]
    if not new:
        return []
    breaker = standing[Cause.LOSING_STREAK]
    for trade in new:
        until_then = [each for each in facts.past if each.closed_at <= trade.closed_at]
        streak, _ = losing_streak(until_then)
        r = None
        if trade.profit is not None and trade.initial_risk:
            r = trade.profit / trade.initial_risk
        breaker = after_close(
            breaker, r=r, in_plan=trade.in_plan, streak=streak, limits=limits, at=trade.closed_at
        )
    Trade.objects.filter(pk__in=[each.id for each in new]).update(counted_at=clock.now())
    return [breaker]


def _move(
    risk: AccountRisk, standing: dict[Cause, Breaker], moved: Iterable[Breaker], *, by: str,
    extra: Mapping[str, object], why: str = "",
) -> None:  # fmt: skip
    """Store the breakers that moved, let the trading state follow, tell and record it."""
    for breaker in moved:
        before, standing[breaker.cause] = standing[breaker.cause], breaker
        _store(risk.account_id, breaker)
        if before.phase is breaker.phase:
            continue  # its end was put off, or it has recovered some more
        state_before = risk.state
        _follow(risk, standing.values())
        reason = why or breaker.reason or before.reason
        breaker_log.record(
            risk, before, breaker, reason, by=by, state_before=state_before, extra=extra
        )
        breaker_log.announce(risk, breaker, reason, state_before=state_before)
    _follow(risk, standing.values())


def _store(account_id: UUID, breaker: Breaker) -> None:
    AccountBreaker.objects.update_or_create(
        account_id=account_id,
        cause=breaker.cause.value,
        defaults={
            "phase": breaker.phase.value,
            "reason": breaker.reason[:300],
            "opened_at": breaker.opened_at,
            "until": breaker.until,
            "recovered_r": breaker.recovered_r,
            "recovered_trades": breaker.recovered_trades,
            "changed_at": clock.now(),
        },
    )


def _follow(risk: AccountRisk, breakers: Iterable[Breaker]) -> None:
    """State, reason and end on the risk row. Halting reasons come first."""
    stopping = sorted(
        (each for each in breakers if each.phase is Phase.OPEN),
        key=lambda each: (each.cause not in HALTING, each.cause),
    )
    risk.state = trading_state(stopping)
    risk.reason = " ".join(each.reason for each in stopping)[:200]
    ends = [each.until for each in stopping]
    known = [each for each in ends if each is not None]
    risk.state_until = max(known) if known and len(known) == len(ends) else None
