"""The guard's eyes: which accounts have work due, read from PostgreSQL alone (R9, R24)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import Error as DatabaseError
from django.db.models import F, Q

from risk.breaker import Phase
from trading import armed, breakers, entries, managing, risk_live, venue_health
from trading.credentials import CredentialsUnreadable
from trading.decide import POLL_EVERY, PROTECTIVE_LEASE
from trading.decide_exits import MAY_REST
from trading.due import AHEAD, LONGEST_LOOK
from trading.exchange.binance import BinanceExchange
from trading.exchange.factory import exchange_for, venue_exchange
from trading.exchange.port import ExchangeRefused, ExchangeUnavailable, RequestsHeld
from trading.exchange.venues import VenueRefused
from trading.legs import LIMIT_KINDS
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
from trading.order_states import FINISHED, LIVE, State, TradeState
from trading.periods import begin_days, is_new_day
from trading.rate_budget import Use, close_bans_that_are_over, spending
from trading.venue_health import Part

log = structlog.get_logger(__name__)

UNCLAIMED_FOR = timedelta(seconds=1)  # Celery had its chance


def due_accounts(now: datetime) -> list[UUID]:
    """Accounts for which a turn of the loop would find something to do: first those where a
    position is without a stop, or is to be closed; last those that are only asked about."""
    orders = Order.objects.filter(
        Q(state=State.PLANNED, created_at__lte=now - UNCLAIMED_FOR) & ~entries.only_waits(now)
        | Q(state=State.SENDING)
        & (Q(claimed_at__lte=now - PROTECTIVE_LEASE) | Q(claimed_at__gt=now + AHEAD))
        | Q(state=State.UNKNOWN)
        & (Q(next_look_at=None) | Q(next_look_at__lte=now) | Q(next_look_at__gt=now + LONGEST_LOOK))
    )
    at_stake = Trade.objects.filter(
        Q(state=TradeState.CLOSING)
        | Q(state=TradeState.OPEN)
        & (
            Q(naked_since__isnull=False)
            | Q(protected_at=None)
            | Q(close_requested_at__isnull=False)
            | Q(open_move__isnull=False)
        )
    )
    unheard_of = Trade.objects.filter(
        Q(state=TradeState.ENTERING) & ~entries.only_rests(now)
        | Q(state=TradeState.OPEN)
        & (Q(polled_at=None) | Q(polled_at__lte=now - POLL_EVERY) | Q(polled_at__gt=now + AHEAD))
    )
    set_off = Order.objects.filter(
        Q(working_at__lte=now - MAY_REST) | Q(working_at__gt=now + AHEAD),
        trade__state=TradeState.OPEN,
        type__in=LIMIT_KINDS,
        state__in=LIVE,
    )
    by_urgency = (at_stake, set_off, orders, unheard_of)
    return list(
        dict.fromkeys(
            key for rows in by_urgency for key in rows.values_list("account_id", flat=True)
        )
    )


def look_at_lines() -> int:
    """What waits for a price that has come, or a time that is over, where `stream_market` did not
    notice: breakouts, and the rules of open positions. Returns how many."""
    waiting = (Trade.objects.filter(entries.is_armed()), managing.managed())
    venues = {venue for rows in waiting for venue in rows.values_list("account__venue", flat=True)}
    return sum(armed.sweep(venue) for venue in sorted(venues)) + managing.close_overdue()


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
    accounts = ExchangeAccount.objects.filter(pk__in=_to_sweep(now) | due, removed_at=None)
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


def _to_sweep(now: datetime) -> set[UUID]:
    """Accounts with an open breaker, or a closed trade no breaker has heard of; and those with a
    position, unless the monitor measures their limits at every tick."""
    trades = Trade.objects.exclude(state__in=FINISHED)
    declared = ManagedHolding.objects.filter(ended_at=None)
    unheard = Trade.objects.filter(state=TradeState.CLOSED, counted_at=None)
    stopped = AccountBreaker.objects.exclude(phase=Phase.CLOSED.value)
    held, unsettled = (
        {key for rows in each for key in rows.values_list("account_id", flat=True)}
        for each in ((trades, declared), (unheard, stopped))
    )
    return unsettled | (held - risk_live.watched(held, now))


def look_at_venues() -> None:
    """The clock of each venue in use, and the probe of each open breaker, one over all processes.

    One venue's trouble does not keep the others from being looked at.
    """
    rows = ExchangeAccount.objects.filter(removed_at=None)
    for venue in rows.values_list("venue", flat=True).distinct():
        try:
            exchange = venue_exchange(venue)
        except VenueRefused as error:
            log.error("venue_refused", venue=venue, error=str(error))
            continue
        with spending(Use.PROTECTIVE):
            try:
                exchange.ask_for_room()
            except RequestsHeld as held:  # that it bans us was noted when it said so
                log.info("venue_not_asked", venue=venue, why=str(held))
                continue
            look_at_clock(venue, exchange)
            for part, ask in ((Part.ACCOUNT, _ask_account), (Part.ORDERS, _ask_orders)):
                if venue_health.claim_probe(venue, part=part):
                    probe(venue, part, ask)
    close_bans_that_are_over()


def look_at_clock(venue: str, exchange: BinanceExchange) -> None:
    """The venue's time, and with it whether its public part answers."""
    venue_health.claim_probe(venue, part=Part.PUBLIC)  # then this look is the probe
    reading = exchange.clock_reading()
    if reading is None:
        why = "it does not tell its time"
        venue_health.note_failure(venue, why, part=Part.PUBLIC)
        return
    venue_health.note_clock(venue, offset_ms=reading[0], uncertainty_ms=reading[1])
    venue_health.note_success(venue, part=Part.PUBLIC)


def probe(venue: str, part: Part, ask: Callable[[BinanceExchange], object]) -> None:
    """Ask one part of a venue once, with the keys of the account heard of last. Any answer, a
    refusal of those keys too, shows that it answers."""
    accounts = ExchangeAccount.objects.filter(venue=venue, removed_at=None)
    account = accounts.order_by(F("stream_alive_at").desc(nulls_last=True)).first()
    if account is None:
        return  # nobody left to ask for: the claim lapses
    try:
        ask(exchange_for(account))
    except ExchangeUnavailable as error:
        venue_health.note_failure(venue, str(error), part=part)
        return
    except ExchangeRefused as refused:
        log.info("probe_refused", venue=venue, part=part, code=refused.code)
    except (CredentialsUnreadable, VenueRefused) as error:
        log.error("probe_not_sent", venue=venue, part=part, error=str(error))
        return
    venue_health.note_success(venue, part=part)


def _ask_account(exchange: BinanceExchange) -> None:
    exchange.balances()


def _ask_orders(exchange: BinanceExchange) -> None:
    exchange.try_orders(settings.WATCHED_SYMBOLS[0])
