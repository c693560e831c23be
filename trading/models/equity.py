"""What an account was worth, what came in and went out, and what the trader declared managed."""

from django.db import models
from django.db.models import F, Q

from testudo import clock
from testudo.db.amounts import MOST, amount, is_number
from testudo.db.ids import new_id
from trading.models.accounts import ExchangeAccount


class EquityPoint(models.Model):
    """One look at an account: its worth and what was at stake, in its currency."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(
        ExchangeAccount, models.PROTECT, related_name="equity_points", db_index=False
    )
    at = models.DateTimeField()
    equity = amount()
    nav = amount()
    drawdown = amount()  # fraction, from the peak NAV
    heat = amount()
    open_risk = amount()
    exposure = amount()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="equity_point_once", fields=["account", "at"]),
            models.CheckConstraint(
                name="equity_point_numbers",
                condition=is_number("equity", "nav")
                & Q(
                    drawdown__gte=0, drawdown__lt=MOST, heat__gte=0, heat__lt=MOST,
                    open_risk__gte=0, open_risk__lt=MOST, exposure__gte=0, exposure__lt=MOST,
                ),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.equity} at {self.at:%Y-%m-%d %H:%M}"


class AccountFlow(models.Model):
    """Money or coins that came in or went out, and not by a trade of ours. Append-only.

    `key` is the exchange's own event, so that one told twice is booked once.
    """

    class Kind(models.TextChoices):
        OPENING = "opening"  # what was there when the account was connected
        TRANSFER = "transfer"  # the exchange said: deposit or withdrawal
        FOREIGN_TRADE = "foreign_trade"  # an execution of an order that is not ours
        EXTERNAL = "external"  # the balance differed and nobody said why
        MANAGED = "managed"  # a position made by hand was declared managed, or no longer is

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(
        ExchangeAccount, models.PROTECT, related_name="flows", db_index=False
    )
    kind = models.CharField(max_length=14, choices=Kind)
    key = models.CharField(max_length=120)
    asset = models.CharField(max_length=20)
    change = amount()  # of the asset; negative: went out
    value = amount(default=0)  # in the reporting currency; 0 for what is no part of equity
    units = amount(default=0)  # of NAV bought, or sold
    since = models.DateTimeField(null=True, blank=True)  # EXTERNAL: between then and `at`
    at = models.DateTimeField()  # the exchange's time
    booked_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="flow_once", fields=["account", "key"]),
            models.CheckConstraint(
                name="flow_kind_known",
                condition=Q(
                    kind__in=["opening", "transfer", "foreign_trade", "external", "managed"]
                ),
            ),
            models.CheckConstraint(
                name="flow_numbers", condition=is_number("change", "value", "units")
            ),
        ]
        indexes = [models.Index(name="flow_by_time", fields=["account", "at"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.change} {self.asset}"


class ManagedHolding(models.Model):
    """A position the trader made by hand and declared managed: it counts in equity and heat.

    With a stop it counts by the loss at the stop, without one by its whole worth (PROTOCOL 2).
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(ExchangeAccount, models.PROTECT, related_name="managed_holdings")
    symbol = models.CharField(max_length=20)
    base_asset = models.CharField(max_length=20)
    quantity = amount()  # base asset
    entry = amount()  # what it cost, quote asset for one
    stop = amount(null=True, blank=True)
    declared_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_managed_holding_per_symbol",
                fields=["account", "symbol"],
                condition=Q(ended_at=None),
            ),
            models.CheckConstraint(
                name="managed_holding_numbers",
                condition=is_number("quantity", "entry", positive=True)
                & (Q(stop=None) | is_number("stop", positive=True)),
            ),
            models.CheckConstraint(
                name="managed_holding_ends_after_it_began",
                condition=Q(ended_at=None) | Q(ended_at__gte=F("declared_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} {self.symbol}, declared"
