"""What a trader learns from: one entry per closed trade, written by the journal itself."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from testudo.db.amounts import MOST, amount, is_number


class JournalEntryQuerySet(models.QuerySet["JournalEntry"]):
    def for_principal(self, user: Any) -> "JournalEntryQuerySet":
        """The entries this user may see: the trader's own."""
        return self.filter(user=user)

    def newest_first(self) -> "JournalEntryQuerySet":
        return self.order_by("-closed_at", "-trade_id")

    def after(self, entry: "JournalEntry") -> "JournalEntryQuerySet":
        """What comes behind `entry`, the newest first: the next page."""
        return self.newest_first().filter(
            Q(closed_at__lt=entry.closed_at)
            | Q(closed_at=entry.closed_at, trade_id__lt=entry.trade_id)
        )


class JournalEntry(models.Model):
    """One closed trade: the plan as approved, what became of it, and its R. Never changed.

    Its key is the trade's, so that the journal, written again from the events, comes out equal.
    Money is in `currency`, quantities in the base asset.
    """

    trade_id = models.UUIDField(primary_key=True, editable=False)
    account_id = models.UUIDField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    venue = models.CharField(max_length=16)
    symbol = models.CharField(max_length=20)
    side = models.CharField(max_length=5)
    currency = models.CharField(max_length=12)

    # The plan, frozen at approval.
    entry = amount()
    worst_entry = amount()
    stop = amount()
    target = amount()
    planned_quantity = amount()
    planned_risk = amount()  # worst planned loss at the stop, fees in
    risk_fraction = amount()
    reward_to_risk = amount()  # planned, net of fees
    reason = models.CharField(max_length=500, blank=True)
    setup = models.CharField(max_length=60, blank=True)

    # What became of it.
    entry_price = amount()  # average
    exit_price = amount()
    quantity = amount()  # exited
    gross = amount()  # profit before fees
    fees = amount()
    profit = amount()  # after fees
    initial_risk = amount()  # R0, fixed when the entry completed; moved stops do not touch it
    r_multiple = amount()  # profit in R
    exit_reason = models.CharField(max_length=12)
    placed_at = models.DateTimeField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField()
    order_ms = models.PositiveBigIntegerField()  # from the click to the exchange's confirmation
    protected_ms = models.PositiveBigIntegerField(null=True, blank=True)  # ... to the resting stop
    naked_ms = models.PositiveBigIntegerField(default=0)  # held without a stop that covers it
    fills = models.JSONField(default=list)
    written_at = models.DateTimeField()  # when the trade's end was told

    objects = JournalEntryQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="journal_side_known", condition=Q(side__in=["long", "short"])
            ),
            models.CheckConstraint(
                name="journal_plan_is_numbers",
                condition=is_number(
                    "entry", "worst_entry", "stop", "target", "planned_quantity", "planned_risk",
                    "risk_fraction", "reward_to_risk", positive=True,
                ),
            ),
            models.CheckConstraint(
                name="journal_outcome_is_numbers",
                condition=is_number(
                    "entry_price", "exit_price", "quantity", "initial_risk", positive=True
                )
                & is_number("gross", "profit", "r_multiple")
                & Q(fees__gte=0, fees__lt=MOST),
            ),
            models.CheckConstraint(
                name="journal_profit_adds_up",
                condition=Q(profit=F("gross") - F("fees")),
            ),
            models.CheckConstraint(
                name="journal_stop_on_losing_side",
                condition=Q(side="long", stop__lt=F("entry"), target__gt=F("entry"))
                | Q(side="short", stop__gt=F("entry"), target__lt=F("entry")),
            ),
            models.CheckConstraint(
                name="journal_times_in_order", condition=Q(opened_at__lte=F("closed_at"))
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(name="journal_of_user", fields=["user", "-closed_at", "-trade_id"]),
            models.Index(name="journal_of_account", fields=["account_id", "-closed_at"]),
        ]
        verbose_name_plural = "journal entries"

    def __str__(self) -> str:
        return f"{self.side} {self.symbol}: {self.r_multiple:+.2f} R"
