"""Whether a venue answers, and how its clock stands to ours: rows for all processes.

Each part of a venue has its breaker: five failures in a row open it for a minute; then one probe
goes, claimed by a row UPDATE, so that it is one over all processes (R18). What all of them come to
stands in the venue's own row. Open holds new risk only: protective orders, cancels and reads keep
trying. A refusal that concerns the order or the key is an answer, and no failure.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Q

from risk.protocol import MAX_CLOCK_ERROR
from testudo import clock
from trading import incidents, venue_words
from trading.models import VenueBreaker, VenueHealth

log = structlog.get_logger(__name__)

MOST_FAILURES = 5
OPEN_FOR = timedelta(seconds=60)
PROBE_LEASE = timedelta(seconds=30)  # a probe that was not heard of by then is lost
CLOCK_GOOD_FOR = timedelta(seconds=90)  # three looks missed: the offset is unknown
SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3_600, "DAY": 86_400}

Breaker = VenueHealth.Breaker
Part = VenueBreaker.Part


def health_of(venue: str) -> VenueHealth:
    """The venue's row; a fresh one, unsaved, where nothing is known of it yet."""
    return VenueHealth.objects.filter(pk=venue).first() or VenueHealth(venue=venue)


def note_failure(venue: str, why: str, *, part: str = Part.ACCOUNT) -> bool:
    """A request that timed out, broke off, or was answered 5xx, 418 or 429; or data gone stale.
    Returns whether the part's breaker opened by it. Not inside a transaction on an account."""
    now = clock.now()
    VenueHealth.objects.get_or_create(venue=venue)
    with transaction.atomic():
        health = VenueHealth.objects.select_for_update(no_key=True).get(pk=venue)
        row, _ = VenueBreaker.objects.get_or_create(venue=venue, part=part)
        row.failures += 1
        row.last_error = why[:200]
        # The failed probe opens it again; so does the fifth failure in a row.
        opens = row.phase == Breaker.HALF_OPEN or (
            row.phase == Breaker.CLOSED and row.failures >= MOST_FAILURES
        )
        if opens:
            log.error("venue_breaker_opened", venue=venue, part=part, error=row.last_error)
            row.phase, row.retry_at = Breaker.OPEN, now + OPEN_FOR
            row.opened_at = row.opened_at or now  # since when, however many probes failed
        row.save()
        _sum_up(health)
        if opens:
            incidents.open_incident(
                None,
                "venue_down",
                about=venue,
                text=venue_words.down(venue, Part(part), row.last_error),
                facts={"part": str(part), "failures": row.failures},
                done=venue_words.what_still_works(venue),
            )
    return opens


def note_success(venue: str, *, part: str = Part.ACCOUNT) -> None:
    """The part answered: no failures in a row any more, and the probe of an open breaker closes
    it. While it is open other answers change nothing. Writes only where there is something to."""
    troubled = VenueBreaker.objects.filter(
        Q(venue=venue, part=part)
        & (Q(phase=Breaker.CLOSED, failures__gt=0) | Q(phase=Breaker.HALF_OPEN))
    )
    if not troubled.exists():
        return
    with transaction.atomic():
        health = VenueHealth.objects.select_for_update(no_key=True).get(pk=venue)
        was_open = health.breaker != Breaker.CLOSED
        troubled.update(
            phase=Breaker.CLOSED, failures=0, opened_at=None, retry_at=None, last_error=""
        )
        _sum_up(health)
        if was_open and health.breaker == Breaker.CLOSED:
            log.info("venue_breaker_closed", venue=venue, part=part)
            incidents.close_incident(None, "venue_down", about=venue, done=venue_words.back(venue))


def claim_probe(venue: str, *, part: str) -> bool:
    """Whether the caller may make the one probe of the part's open breaker now."""
    now = clock.now()
    claimed = VenueBreaker.objects.filter(
        Q(venue=venue, part=part, retry_at__lte=now)
        & Q(phase__in=[Breaker.OPEN, Breaker.HALF_OPEN])
    ).update(phase=Breaker.HALF_OPEN, retry_at=now + PROBE_LEASE)
    if claimed:
        with transaction.atomic():
            _sum_up(VenueHealth.objects.select_for_update(no_key=True).get(pk=venue))
    return bool(claimed)


def _sum_up(health: VenueHealth) -> None:
    """Let the venue's row follow from its parts, under that row's lock."""
    rows = list(VenueBreaker.objects.filter(venue=health.pk))
    health.failures = max((row.failures for row in rows), default=0)
    health.last_error = max(rows, key=lambda row: row.failures).last_error if rows else ""
    standing = [row for row in rows if row.phase != Breaker.CLOSED]
    still_open = any(row.phase == Breaker.OPEN for row in standing)
    health.breaker = (
        Breaker.OPEN if still_open else Breaker.HALF_OPEN if standing else Breaker.CLOSED
    )
    health.opened_at = min((row.opened_at for row in standing if row.opened_at), default=None)
    # Nothing is sent before the last of them answers.
    health.retry_at = max((row.retry_at for row in standing if row.retry_at), default=None)
    health.save(update_fields=["failures", "last_error", "breaker", "opened_at", "retry_at"])


def new_risk_allowed(venue: str) -> bool:
    """Whether an entry may be sent: no part's breaker is open. Exits never ask."""
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
        _note_drift(row)


def _note_drift(row: VenueHealth) -> None:
    """An incident while the clocks disagree by more than new risk is taken with."""
    wrong = max(row.clock_jump_ms, row.clock_uncertainty_ms or 0)
    if timedelta(milliseconds=wrong) > MAX_CLOCK_ERROR:
        incidents.open_incident(
            None,
            "clock_drift",
            about=row.pk,
            text=f"The exchange's time is not known better than to {wrong} ms.",
            done="No new risk until it is. Stops rest at the exchange; exits are sent as always.",
            facts={"jump_ms": row.clock_jump_ms, "uncertainty_ms": row.clock_uncertainty_ms},
        )
    else:
        done = f"It is known to {wrong} ms again."
        incidents.close_incident(None, "clock_drift", about=row.pk, done=done)


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
