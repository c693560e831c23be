"""How a venue's clock stands to ours, and whether the venue answers: rows for all processes."""

from django.db import models
from django.db.models import Q

from trading.models.accounts import Venue


class VenueHealth(models.Model):
    """The venue's clock, and what the breakers of its parts come to (R18, R20).

    Whoever takes new risk reads this one row; `venue_health` keeps it in step with `VenueBreaker`.
    """

    class Breaker(models.TextChoices):
        CLOSED = "closed"
        OPEN = "open"
        HALF_OPEN = "half_open"  # one probe is under way

    venue = models.CharField(max_length=16, primary_key=True, choices=Venue)
    breaker = models.CharField(
        max_length=10, choices=Breaker, default=Breaker.CLOSED, db_default="closed"
    )
    failures = models.PositiveIntegerField(default=0, db_default=0)  # in a row
    opened_at = models.DateTimeField(null=True, blank=True)
    retry_at = models.DateTimeField(null=True, blank=True)  # then one probe may go
    last_error = models.CharField(max_length=200, blank=True, default="", db_default="")
    clock_offset_ms = models.IntegerField(null=True, blank=True)  # theirs less ours
    clock_uncertainty_ms = models.PositiveIntegerField(null=True, blank=True)  # RTT / 2
    clock_jump_ms = models.PositiveIntegerField(default=0, db_default=0)  # between two looks
    clock_at = models.DateTimeField(null=True, blank=True)
    # exchangeInfo's ORDERS limits of one account: [{"seconds": 10, "limit": 100}, ...]
    order_limits = models.JSONField(default=list, db_default=[], blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="venue_breaker_known", condition=Q(breaker__in=["closed", "open", "half_open"])
            ),
            models.CheckConstraint(
                name="venue_breaker_says_when_it_retries",
                condition=Q(breaker="closed") | Q(retry_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.venue}: {self.breaker}"


class VenueBreaker(models.Model):
    """The circuit breaker of one part of a venue: what answers may fail while others do not."""

    class Part(models.TextChoices):
        ORDERS = "orders"  # placing and canceling
        ACCOUNT = "account"  # signed questions
        PUBLIC = "public"  # time, rules, market data asked for
        PRICES = "prices"  # the market's stream

    venue = models.CharField(max_length=16, choices=Venue)
    part = models.CharField(max_length=8, choices=Part)
    phase = models.CharField(
        max_length=10, choices=VenueHealth.Breaker, default=VenueHealth.Breaker.CLOSED
    )
    failures = models.PositiveIntegerField(default=0)  # in a row
    opened_at = models.DateTimeField(null=True, blank=True)
    retry_at = models.DateTimeField(null=True, blank=True)  # then one probe may go
    last_error = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="one_breaker_a_part", fields=["venue", "part"]),
            models.CheckConstraint(
                name="venue_part_known",
                condition=Q(part__in=["orders", "account", "public", "prices"]),
            ),
            models.CheckConstraint(
                name="venue_part_phase_known",
                condition=Q(phase__in=["closed", "open", "half_open"]),
            ),
            models.CheckConstraint(
                name="venue_part_says_when_it_retries",
                condition=Q(phase="closed") | Q(opened_at__isnull=False, retry_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.venue} {self.part}: {self.phase}"
