"""Whether a venue answers, and how its clock stands to ours: one row a venue, for all processes.

The breaker opens after five failures in a row, for a minute; then one probe goes, claimed by a row
UPDATE, so that it is one over all processes (R18). Open holds new risk only: protective orders,
cancels and reads keep trying.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from testudo import clock
from trading.models import VenueHealth

MOST_FAILURES = 5
OPEN_FOR = timedelta(seconds=60)
PROBE_LEASE = timedelta(seconds=30)  # a probe that was not heard of by then is lost
CLOCK_GOOD_FOR = timedelta(seconds=90)  # three looks missed: the offset is unknown
SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3_600, "DAY": 86_400}

Breaker = VenueHealth.Breaker


def health_of(venue: str) -> VenueHealth:
    """The venue's row; a fresh one, unsaved, where nothing is known of it yet."""
    return VenueHealth.objects.filter(pk=venue).first() or VenueHealth(venue=venue)


def note_failure(venue: str, why: str) -> bool:
    """A request that timed out, broke off, or was answered 5xx, 418 or 429; never a refusal that
    concerns the order itself. Returns whether the breaker opened by it."""
    now = clock.now()
    VenueHealth.objects.get_or_create(venue=venue)
    with transaction.atomic():
        row = VenueHealth.objects.select_for_update(no_key=True).get(pk=venue)
        row.failures += 1
        row.last_error = why[:200]
        # The failed probe opens it again; so does the fifth failure in a row.
        opens = row.breaker == Breaker.HALF_OPEN or (
            row.breaker == Breaker.CLOSED and row.failures >= MOST_FAILURES
        )
        if opens:
            row.breaker, row.opened_at, row.retry_at = Breaker.OPEN, now, now + OPEN_FOR
        row.save()
    return opens


def note_success(venue: str) -> None:
    """The venue answered: no failures in a row any more, and the probe of an open breaker closes
    it. While it is open other answers change nothing. Writes only where there is something to."""
    troubled = VenueHealth.objects.filter(
        Q(pk=venue) & (Q(breaker=Breaker.CLOSED, failures__gt=0) | Q(breaker=Breaker.HALF_OPEN))
    )
    troubled.update(
        breaker=Breaker.CLOSED, failures=0, opened_at=None, retry_at=None, last_error=""
    )


def claim_probe(venue: str) -> bool:
    """Whether the caller may make the one probe of an open breaker now."""
    now = clock.now()
    return bool(
        VenueHealth.objects.filter(
            Q(pk=venue, retry_at__lte=now) & Q(breaker__in=[Breaker.OPEN, Breaker.HALF_OPEN])
        ).update(breaker=Breaker.HALF_OPEN, retry_at=now + PROBE_LEASE)
    )


def new_risk_allowed(venue: str) -> bool:
    """Whether an entry may be sent: the breaker is closed. Exits never ask."""
    return not VenueHealth.objects.filter(pk=venue).exclude(breaker=Breaker.CLOSED).exists()


def note_clock(venue: str, *, offset_ms: int, uncertainty_ms: int) -> None:
    """A look at the venue's clock: theirs less ours, and half the round trip (R20)."""
    facts = {
        "clock_offset_ms": offset_ms,
        "clock_uncertainty_ms": uncertainty_ms,
        "clock_at": clock.now(),
    }
    with transaction.atomic():
        row, new = VenueHealth.objects.select_for_update(no_key=True).get_or_create(
            venue=venue, defaults=facts
        )
        if new:
            return
        before = row.clock_offset_ms
        row.clock_jump_ms = 0 if before is None else abs(offset_ms - before)
        for name, value in facts.items():
            setattr(row, name, value)
        row.save(update_fields=[*facts, "clock_jump_ms"])


def clock_uncertainty(health: VenueHealth, now: datetime) -> timedelta | None:
    """How uncertain the offset is; None where the last look is too old to say."""
    at, ms = health.clock_at, health.clock_uncertainty_ms
    if at is None or ms is None or now - at > CLOCK_GOOD_FOR:
        return None
    return timedelta(milliseconds=ms)


def note_order_limits(venue: str, exchange_info: Mapping[str, Any]) -> None:
    """Keep exchangeInfo's limits of orders for one account."""
    limits = [
        {"seconds": SECONDS[each["interval"]] * int(each["intervalNum"]), "limit": each["limit"]}
        for each in exchange_info.get("rateLimits", [])
        if each.get("rateLimitType") == "ORDERS" and each.get("interval") in SECONDS
    ]
    if limits:
        VenueHealth.objects.update_or_create(venue=venue, defaults={"order_limits": limits})
