"""How a venue's clock stands to ours, and whether the venue answers: one row for all processes."""

from django.db import models
from django.db.models import Q

from trading.models.accounts import Venue


class VenueHealth(models.Model):
    """The venue's clock and the breaker of its health (R18, R20). Opens for new risk only."""

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
