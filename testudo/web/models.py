"""Answers already given, so that a repeated request is answered and not done again; and how often
a password was asked for again."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from testudo.db.tries import TryCount


class IdempotencyKey(models.Model):
    """One request that changes something, known by its sender's key, and the answer it got."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=128)
    fingerprint = models.CharField(max_length=64)  # SHA-256 of method, path and body
    status = models.PositiveSmallIntegerField(null=True)  # null only inside the transaction
    body = models.TextField(blank=True)  # JSON as it was sent, so that it is sent again alike
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="idempotency_key_once", fields=["user", "key"]),
            models.CheckConstraint(
                name="idempotency_key_keeps_no_5xx",
                condition=Q(status__isnull=True) | Q(status__gte=200, status__lt=500),
            ),
        ]
        indexes = [models.Index(name="idempotency_key_age", fields=["created_at"])]

    def __str__(self) -> str:
        return f"{self.key} answered {self.status}"


class StepUpCount(TryCount):
    """How often someone signed in tried to confirm who they are. No count of the sign-in's."""
