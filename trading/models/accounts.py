"""Exchange accounts, what they hold and pay, and the row that guards their risk."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from testudo import clock
from testudo.db.amounts import MOST, amount, is_number
from testudo.db.ids import new_id


class Venue(models.TextChoices):
    PAPER = "paper"
    BINANCE_DEMO = "binance-demo"
    BINANCE = "binance"


class ExchangeAccountQuerySet(models.QuerySet["ExchangeAccount"]):
    def for_principal(self, user: Any) -> "ExchangeAccountQuerySet":
        """The accounts this user may see: the trader's own, unremoved. The one door (R29)."""
        return self.filter(user=user, removed_at=None)


class ExchangeAccount(models.Model):
    """A trader's account at one venue, with its sealed keys. Never deleted, only removed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    venue = models.CharField(max_length=16, choices=Venue)
    name = models.CharField(max_length=60)
    currency = models.CharField(max_length=12, default="USDT")  # equity is counted in it
    reset_zone = models.CharField(max_length=64, default="UTC")  # IANA; where its day begins
    sealed_keys = models.BinaryField()  # see credentials.py
    key_fingerprint = models.CharField(max_length=64)  # HMAC of the API key: one owner per key
    key_hint = models.CharField(max_length=4)
    created_at = models.DateTimeField(default=clock.now)
    removed_at = models.DateTimeField(null=True, blank=True)
    # No new risk before the books were matched with the exchange once (R14), nor in a stream gap.
    reconciled_at = models.DateTimeField(null=True, blank=True)
    stream_alive_at = models.DateTimeField(null=True, blank=True)
    stream_gap = models.BooleanField(default=True)

    objects = ExchangeAccountQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="account_venue_known", condition=Q(venue__in=Venue.values)),
            models.UniqueConstraint(
                name="one_owner_per_key",
                fields=["venue", "key_fingerprint"],
                condition=Q(removed_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.venue})"


class AccountRisk(models.Model):
    """The row every placement locks first (R17), and what must outlive a restart of the rules."""

    class TradingState(models.TextChoices):
        ACTIVE = "active"
        REDUCING = "reducing"  # no new risk; exits and tighter stops go on
        HALTED = "halted"

    account = models.OneToOneField(ExchangeAccount, models.PROTECT, primary_key=True)
    state = models.CharField(max_length=10, choices=TradingState, default=TradingState.ACTIVE)
    reason = models.CharField(max_length=200, blank=True)
    day = models.DateField(null=True, blank=True)  # in the account's reset zone
    day_start_equity = amount(null=True, blank=True)
    day_start_late = models.BooleanField(default=False)  # first seen long after the reset

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
        ]

    def __str__(self) -> str:
        return f"risk of {self.account_id}: {self.state}"


class Balance(models.Model):
    """What an account holds of one asset, as the exchange last said."""

    account = models.ForeignKey(ExchangeAccount, models.PROTECT, related_name="balances")
    asset = models.CharField(max_length=20)
    free = amount()
    locked = amount()
    as_of = models.DateTimeField()  # the exchange's time: an older word never replaces a newer one

    class Meta:
        constraints = [
            models.UniqueConstraint(name="balance_once", fields=["account", "asset"]),
            models.CheckConstraint(
                name="balance_numbers",
                condition=Q(free__gte=0, free__lt=MOST, locked__gte=0, locked__lt=MOST),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.free} + {self.locked} {self.asset}"


class FeeRate(models.Model):
    """The commission an account pays on one symbol, as fractions: 0.001 is 0.1 %."""

    account = models.ForeignKey(ExchangeAccount, models.PROTECT, related_name="fee_rates")
    symbol = models.CharField(max_length=20)
    maker = amount()
    taker = amount()
    fetched_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="fee_rate_once", fields=["account", "symbol"]),
            models.CheckConstraint(
                name="fee_rate_is_a_fraction",
                condition=Q(maker__gte=0, maker__lt=1, taker__gte=0, taker__lt=1),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.symbol}: maker {self.maker}, taker {self.taker}"
