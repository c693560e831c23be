"""What was asked of the exchange about a trade, and its answer word for word. Append-only."""

from django.db import models
from django.db.models import Q

from testudo import clock
from testudo.db.ids import new_id
from trading.models.trades import Trade

MOST_TEXT = 8_000  # characters of an answer; a longer one is cut, and says so


class ExchangeCall(models.Model):
    """One request about a trade. Evidence for the trader: nothing is ever decided from it.

    Holds no key and no signature. Bounded: so many rows a trade, so many characters a row. The
    database itself forbids changing or deleting. Written by `trading.exchange_calls`.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    trade = models.ForeignKey(Trade, models.PROTECT, related_name="exchange_calls")
    method = models.CharField(max_length=6)
    path = models.CharField(max_length=1000)  # with its parameters
    status = models.PositiveSmallIntegerField(null=True, blank=True)  # NULL: no answer
    answer = models.TextField(max_length=MOST_TEXT)  # or why there was none
    ms = models.PositiveIntegerField()
    at = models.DateTimeField(default=clock.now)  # when it was sent

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="exchange_call_method_known", condition=Q(method__in=["GET", "POST", "DELETE"])
            ),
            models.CheckConstraint(
                name="exchange_call_status_is_one",
                condition=Q(status=None) | Q(status__gte=100, status__lt=600),
            ),
            models.CheckConstraint(
                name="exchange_call_keeps_no_signature",
                condition=~Q(path__contains="signature=") & ~Q(path__contains="apiKey="),
            ),
        ]
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.method} {self.path} answered {self.status} in {self.ms} ms"
