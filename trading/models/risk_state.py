"""What must outlive a restart of the rules: day, week, NAV, breakers, and the rows that are locked.

Lock order: global, trader (`TraderRisk`), account (`AccountRisk`), trade (R17).
"""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from risk.breaker import Cause, Phase
from testudo import clock
from testudo.db.amounts import MOST, amount, is_number
from testudo.db.ids import new_id
from trading.models.accounts import ExchangeAccount

CAUSES = [cause.value for cause in Cause]
PHASES = [phase.value for phase in Phase]


def empty_list() -> list[str]:
    return []


class AccountRisk(models.Model):
    """The row every placement locks first (R17), and the figures a limit is measured from."""

    class TradingState(models.TextChoices):
        ACTIVE = "active"
        REDUCING = "reducing"  # no new risk; exits and tighter stops go on
        HALTED = "halted"

    account = models.OneToOneField(ExchangeAccount, models.PROTECT, primary_key=True)
    # Raised in every transaction that changes this row: part of the book's stamp (trading.book).
    version = models.PositiveBigIntegerField(default=0, db_default=0)
    # Follows from the breakers: `risk.breaker.trading_state`.
    state = models.CharField(max_length=10, choices=TradingState, default=TradingState.ACTIVE)
    reason = models.CharField(max_length=200, blank=True)
    state_until = models.DateTimeField(null=True, blank=True)  # None: it does not end by itself
    day = models.DateField(null=True, blank=True)  # in the account's reset zone
    day_start_equity = amount(null=True, blank=True)
    day_start_late = models.BooleanField(default=False)  # first seen long after the reset
    day_start_at = models.DateTimeField(null=True, blank=True)  # flows booked later are not in it
    week = models.DateField(null=True, blank=True)  # its Monday, in the account's reset zone
    week_start_equity = amount(null=True, blank=True)
    week_start_late = models.BooleanField(default=False, db_default=False)
    week_start_at = models.DateTimeField(null=True, blank=True)
    # NAV = equity / units. Deposits and withdrawals buy and sell units, so they move no drawdown.
    units = amount(null=True, blank=True)
    nav = amount(null=True, blank=True)  # the last one measured: at it a flow buys its units
    peak_nav = amount(null=True, blank=True)
    peak_at = models.DateTimeField(null=True, blank=True)
    # Codes of the gauges above 80 % that were told of: a warning is given once a crossing.
    warned = models.JSONField(default=empty_list, db_default=[], blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="account_risk_state_known",
                condition=Q(state__in=["active", "reducing", "halted"]),
            ),
            models.CheckConstraint(
                name="account_risk_numbers",
                condition=Q(day_start_equity=None) | is_number("day_start_equity"),
            ),
            models.CheckConstraint(
                name="account_risk_week_is_a_number",
                condition=Q(week_start_equity=None) | is_number("week_start_equity"),
            ),
            models.CheckConstraint(
                name="account_risk_nav_is_a_number",
                condition=(Q(units=None) | Q(units__gte=0, units__lt=MOST))
                & (Q(nav=None) | is_number("nav"))
                & (Q(peak_nav=None) | is_number("peak_nav", positive=True)),
            ),
            models.CheckConstraint(
                name="account_risk_week_begins_on_monday",
                condition=Q(week=None) | Q(week__iso_week_day=1),
            ),
        ]

    def __str__(self) -> str:
        return f"risk of {self.account_id}: {self.state}"


class AccountBreaker(models.Model):
    """One cause that stops new risk on one account, latched: see `risk.breaker.Breaker`."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(ExchangeAccount, models.PROTECT, related_name="breakers")
    cause = models.CharField(max_length=20, choices=[(each, each) for each in CAUSES])
    phase = models.CharField(max_length=10, choices=[(each, each) for each in PHASES])
    reason = models.CharField(max_length=300, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField(null=True, blank=True)  # when it moves on by itself
    recovered_r = amount(default=0)  # since it became half-open
    recovered_trades = models.PositiveIntegerField(default=0)
    changed_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="breaker_once", fields=["account", "cause"]),
            models.CheckConstraint(name="breaker_phase_known", condition=Q(phase__in=PHASES)),
            models.CheckConstraint(
                name="breaker_says_since_when_and_why",
                condition=Q(phase="closed") | ~Q(reason="") & Q(opened_at__isnull=False),
            ),
            models.CheckConstraint(
                name="breaker_recovery_is_a_number", condition=is_number("recovered_r")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cause} of {self.account_id}: {self.phase}"


class TraderRisk(models.Model):
    """All live accounts of a trader in one currency: the lock and the peak of the trader's cap."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    currency = models.CharField(max_length=12)
    units = amount(null=True, blank=True)
    peak_nav = amount(null=True, blank=True)
    changed_at = models.DateTimeField(default=clock.now, db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(name="trader_risk_once", fields=["user", "currency"]),
            models.CheckConstraint(
                name="trader_risk_numbers",
                condition=(Q(units=None) | Q(units__gte=0, units__lt=MOST))
                & (Q(peak_nav=None) | is_number("peak_nav", positive=True)),
            ),
        ]

    def __str__(self) -> str:
        return f"risk of {self.user_id} in {self.currency}"
