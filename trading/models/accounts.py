"""Exchange accounts, what they hold and what they pay."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

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


class Balance(models.Model):
    """What an account holds of one asset, as the exchange last said."""

    account = models.ForeignKey(ExchangeAccount, models.PROTECT, related_name="balances")
    asset = models.CharField(max_length=20)
    free = amount()
    locked = amount()
    as_of = models.DateTimeField()  # the exchange's time: an older word never replaces a newer one
    # What our own ledger says it is, of the reporting currency: opening, fills and flows added up.
    # Equity counts this, so that a change nobody explained moves no limit until it is booked.
    booked = amount(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="balance_once", fields=["account", "asset"]),
            models.CheckConstraint(
                name="balance_numbers",
                condition=Q(free__gte=0, free__lt=MOST, locked__gte=0, locked__lt=MOST),
            ),
            models.CheckConstraint(
                name="balance_booked_is_a_number",
                condition=Q(booked=None) | is_number("booked"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.free} + {self.locked} {self.asset}"


class FeeRate(models.Model):
    """What an account pays on one symbol, as fractions (0.001 is 0.1 %), and may move at once."""

    account = models.ForeignKey(ExchangeAccount, models.PROTECT, related_name="fee_rates")
    symbol = models.CharField(max_length=20)
    maker = amount()
    taker = amount()
    # Paid in BNB; NULL where the account or the symbol does not do so.
    bnb_maker = amount(null=True, blank=True)
    bnb_taker = amount(null=True, blank=True)
    # MAX_ASSET: what one order may move; NULL where the exchange sets no such limit.
    max_base = amount(null=True, blank=True)
    max_quote = amount(null=True, blank=True)
    fetched_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="fee_rate_once", fields=["account", "symbol"]),
            models.CheckConstraint(
                name="fee_rate_is_a_fraction",
                condition=Q(maker__gte=0, maker__lt=1, taker__gte=0, taker__lt=1),
            ),
            models.CheckConstraint(
                name="fee_rate_in_bnb_is_no_dearer",
                condition=Q(bnb_maker=None, bnb_taker=None)
                | Q(
                    bnb_maker__gte=0,
                    bnb_maker__lte=F("maker"),
                    bnb_taker__gte=0,
                    bnb_taker__lte=F("taker"),
                ),
            ),
            models.CheckConstraint(
                name="fee_rate_limits_are_numbers",
                condition=(Q(max_base=None) | Q(max_base__gt=0, max_base__lt=MOST))
                & (Q(max_quote=None) | Q(max_quote__gt=0, max_quote__lt=MOST)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.symbol}: maker {self.maker}, taker {self.taker}"
