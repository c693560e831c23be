"""The global kill switch, and the heads of the decision log that were mailed."""

from django.db import models
from django.db.models import Q

from testudo import clock
from testudo.db.ids import new_id
from trading.models.accounts import ExchangeAccount

GLOBAL = 1  # the switch's only row
ROLES = ["trader", "admin", "operator", "rule"]


class GlobalHalt(models.Model):
    """The kill switch of the whole platform: one row, read FOR SHARE by whoever takes new risk.

    After a halt has committed no later claim of an entry exists (R19). Exits and stops go on.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=GLOBAL)
    halted = models.BooleanField(default=False)
    by_role = models.CharField(max_length=10, default="operator")
    by_user_id = models.UUIDField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(default=clock.now)
    # The way back needs two admins, or, where there is one, ten minutes (R19).
    release_by_user_id = models.UUIDField(null=True, blank=True)
    release_reason = models.CharField(max_length=200, blank=True)
    release_asked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="one_global_halt", condition=Q(id=GLOBAL)),
            models.CheckConstraint(name="global_halt_role_known", condition=Q(by_role__in=ROLES)),
            models.CheckConstraint(
                name="global_halt_says_why", condition=Q(halted=False) | ~Q(reason="")
            ),
        ]

    def __str__(self) -> str:
        return f"global halt: {self.reason}" if self.halted else "no global halt"


class AccountHalt(models.Model):
    """Who pulled an account's kill switch: only they, or their kind, may put it back."""

    account = models.OneToOneField(ExchangeAccount, models.PROTECT, primary_key=True)
    by_role = models.CharField(max_length=10)
    by_user_id = models.UUIDField(null=True, blank=True)
    reason = models.CharField(max_length=200)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(name="account_halt_role_known", condition=Q(by_role__in=ROLES)),
            models.CheckConstraint(name="account_halt_says_why", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"halt of {self.account_id} by {self.by_role}"


class ChainBreak(models.Model):
    """A place where an account's decision log does not hold. An operator who has looked into it
    accepts it, so that it halts the account no more; it is reported for ever."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(ExchangeAccount, models.PROTECT, related_name="chain_breaks")
    number = models.PositiveBigIntegerField()
    text = models.CharField(max_length=200)
    found_at = models.DateTimeField(default=clock.now)
    accepted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="chain_break_once", fields=["account", "number", "text"])
        ]

    def __str__(self) -> str:
        return self.text


class DecisionHead(models.Model):
    """The end of an account's decision log at a reset, mailed to the trader: the outside witness.

    Whoever rewrites the log after that must also change a mail that is not ours any more.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(ExchangeAccount, models.PROTECT, related_name="decision_heads")
    day = models.DateField()  # the day that began, in the account's reset zone
    number = models.PositiveBigIntegerField()
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=clock.now)
    claimed_at = models.DateTimeField(null=True, blank=True)  # by the process that mails it
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="one_head_a_day", fields=["account", "day"]),
        ]
        ordering = ["account", "day"]

    def __str__(self) -> str:
        return f"head {self.number} of {self.account_id} on {self.day}"
