"""The guard's eyes: which accounts have work due, read from PostgreSQL alone (R9, R24)."""

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import Error as DatabaseError
from django.db.models import Q

from risk.breaker import Phase
from trading import breakers, venue_health
from trading.decide import POLL_EVERY, SENDING_LEASE
from trading.exchange.binance import BinanceExchange
from trading.exchange.venues import VenueRefused, venue_urls
from trading.limits import accounts_with_changes_due, apply_due
from trading.market import prices
from trading.models import (
    AccountBreaker,
    AccountRisk,
    ExchangeAccount,
    ManagedHolding,
    Order,
    Trade,
)
from trading.order_states import FINISHED, State, TradeState
from trading.periods import begin_days, is_new_day

log = structlog.get_logger(__name__)

UNCLAIMED_FOR = timedelta(seconds=1)  # Celery had its chance


def due_accounts(now: datetime) -> set[UUID]:
    """Accounts for which a turn of the loop would find something to do."""
    orders = Order.objects.filter(
        Q(state=State.PLANNED, created_at__lte=now - UNCLAIMED_FOR)
        | Q(state=State.SENDING, claimed_at__lte=now - SENDING_LEASE)
        | Q(state=State.UNKNOWN) & (Q(next_look_at=None) | Q(next_look_at__lte=now))
    )
    trades = Trade.objects.filter(
        Q(state__in=[TradeState.ENTERING, TradeState.CLOSING])
        | Q(state=TradeState.OPEN)
        & (
            Q(naked_since__isnull=False)
            | Q(protected_at=None)
            | Q(close_requested_at__isnull=False)
            | Q(polled_at=None)
            | Q(polled_at__lte=now - POLL_EVERY)
        )
    )
    return {
        *orders.values_list("account_id", flat=True),
        *trades.values_list("account_id", flat=True),
    }


def begin_new_days(now: datetime) -> int:
    """Store the first equity of a new trading day, for the accounts where one has begun."""
    rows = AccountRisk.objects.select_related("account").filter(account__removed_at=None)
    begun = [row.account for row in rows if is_new_day(row.account, row, now)]
    return begin_days(begun, quote_of=prices.latest)


def look_after_risk(now: datetime) -> int:
    """Days, pending loosenings and breakers of every account that has something at stake.

    One account's trouble does not keep the others from being looked at. Returns how many were.
    """
    begin_new_days(now)
    due = accounts_with_changes_due(now)
    accounts = ExchangeAccount.objects.filter(pk__in=_at_stake() | due, removed_at=None)
    looked = 0
    for account in accounts:
        try:
            if account.pk in due:
                apply_due(account, now)
            breakers.sweep(account)
            looked += 1
        except DatabaseError as error:
            log.warning("risk_not_swept", account=str(account.pk), error=str(error).strip())
    return looked


def _at_stake() -> set[UUID]:
    """Accounts with a position, an open breaker, or a closed trade no breaker has heard of."""
    trades = Trade.objects.exclude(state__in=FINISHED)
    unheard = Trade.objects.filter(state=TradeState.CLOSED, counted_at=None)
    declared = ManagedHolding.objects.filter(ended_at=None)
    stopped = AccountBreaker.objects.exclude(phase=Phase.CLOSED.value)
    return {
        key
        for rows in (trades, unheard, declared, stopped)
        for key in rows.values_list("account_id", flat=True)
    }


def look_at_venues() -> None:
    """The clock of each venue in use, and the probe of an open breaker, one over all processes."""
    rows = ExchangeAccount.objects.filter(removed_at=None)
    for venue in rows.values_list("venue", flat=True).distinct():
        try:
            exchange = BinanceExchange(venue_urls(venue), key="", secret="")
        except VenueRefused as error:
            log.error("venue_refused", venue=venue, error=str(error))
            continue
        probing = venue_health.claim_probe(venue)
        reading = exchange.clock_reading()
        if reading is None:
            venue_health.note_failure(venue, "The exchange does not tell its time.")
            continue
        venue_health.note_clock(venue, offset_ms=reading[0], uncertainty_ms=reading[1])
        if probing or venue_health.new_risk_allowed(venue):
            venue_health.note_success(venue)
