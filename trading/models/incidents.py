"""What went wrong, or nearly: one row an incident, told in a sentence, never deleted."""

from django.db import models
from django.db.models import F, Q

from testudo import clock
from testudo.db.ids import new_id
from trading.models.accounts import ExchangeAccount
from trading.models.trades import Trade


class Severity(models.TextChoices):
    NOTE = "note"  # the platform set it right by itself; worth knowing
    WARNING = "warning"  # something is held back until it is over
    ALARM = "alarm"  # a person looks at it now


class Incident(models.Model):
    """Something that a trader or an admin must be able to read about afterwards.

    Opened and closed by `trading.incidents` only. The sentences are for people; `facts` holds ids
    and figures only, so that a removed account leaves nothing personal here.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # NULL: it concerns every account of the venue that `about` names.
    account = models.ForeignKey(
        ExchangeAccount, models.PROTECT, null=True, blank=True, related_name="incidents"
    )
    trade = models.ForeignKey(
        Trade, models.PROTECT, null=True, blank=True, related_name="incidents"
    )
    kind = models.CharField(max_length=40)  # a key of `incidents.KINDS`
    about = models.CharField(max_length=60, blank=True, default="", db_default="")
    severity = models.CharField(max_length=7, choices=Severity)
    text = models.CharField(max_length=500)  # what happened, a plain sentence
    what_was_done = models.CharField(max_length=500, blank=True, default="", db_default="")
    facts = models.JSONField(default=dict, db_default={}, blank=True)
    opened_at = models.DateTimeField(default=clock.now)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_open_incident",
                fields=["account", "kind", "trade", "about"],
                condition=Q(closed_at=None),
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="incident_severity_known", condition=Q(severity__in=Severity.values)
            ),
            models.CheckConstraint(name="incident_says_what", condition=~Q(kind="") & ~Q(text="")),
            models.CheckConstraint(
                name="closed_incident_says_what_was_done",
                condition=Q(closed_at=None) | ~Q(what_was_done=""),
            ),
            models.CheckConstraint(
                name="incident_closes_after_it_opened",
                condition=Q(closed_at=None) | Q(closed_at__gte=F("opened_at")),
            ),
            models.CheckConstraint(
                name="incident_of_all_names_whom",
                condition=Q(account__isnull=False) | ~Q(about=""),
            ),
        ]
        indexes = [models.Index(name="incident_newest", fields=["account", "-opened_at"])]
        ordering = ["-opened_at"]

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"
