"""The double-entry ledger of assets: what each fill and flow moved, and between which books."""

from django.db import models
from django.db.models import Q

from testudo import clock
from testudo.db.amounts import amount, is_number
from testudo.db.ids import new_id
from trading.models.accounts import ExchangeAccount, Venue


class LedgerEntry(models.Model):
    """One side of a movement of one asset. Append-only, written by `trading.ledger` alone.

    The entries of one source sum to zero for each asset: a deferred trigger of the database checks
    it at the commit. `wallet` is the account at the exchange; the others stand against it.
    """

    class Book(models.TextChoices):
        WALLET = "wallet"  # free and locked at the exchange
        MARKET = "market"  # whoever took the other side of our trades
        FEES = "fees"  # paid to the exchange
        EXTERNAL = "external"  # openings, deposits, withdrawals, trades that are not ours

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(
        ExchangeAccount, models.PROTECT, related_name="ledger_entries", db_index=False
    )
    source = models.CharField(max_length=150)  # "fill:BTCUSDT:17", "flow:" and the flow's key
    book = models.CharField(max_length=8, choices=Book)
    asset = models.CharField(max_length=20)
    change = amount()
    at = models.DateTimeField()  # the exchange's time
    booked_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            # However often a fill or flow is told, its entries are there once.
            models.UniqueConstraint(
                name="ledger_entry_once", fields=["account", "source", "asset", "book"]
            ),
            models.CheckConstraint(
                name="ledger_book_known",
                condition=Q(book__in=["wallet", "market", "fees", "external"]),
            ),
            models.CheckConstraint(
                name="ledger_change_is_a_number", condition=is_number("change") & ~Q(change=0)
            ),
        ]
        indexes = [
            # What moved after the exchange's word on a balance.
            models.Index(name="ledger_by_time", fields=["account", "asset", "at"])
        ]

    def __str__(self) -> str:
        return f"{self.book} {self.change:f} {self.asset} ({self.source})"


class LedgerBalance(models.Model):
    """The wallet's entries of one asset, added up: moved on in the transaction of each entry."""

    account = models.ForeignKey(
        ExchangeAccount, models.PROTECT, related_name="ledger_balances", db_index=False
    )
    asset = models.CharField(max_length=20)
    total = amount(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="ledger_balance_once", fields=["account", "asset"]),
            models.CheckConstraint(name="ledger_balance_is_a_number", condition=is_number("total")),
        ]

    def __str__(self) -> str:
        return f"{self.total:f} {self.asset}"


class RequestBan(models.Model):
    """Until when a venue takes no request from this installation's address (429, 418: R21).

    In PostgreSQL, so that a restart neither forgets a ban nor lengthens it by asking.
    """

    venue = models.CharField(max_length=16, primary_key=True, choices=Venue)
    until = models.DateTimeField()
    status = models.PositiveSmallIntegerField()  # 429: slow down; 418: banned
    said = models.CharField(max_length=200, blank=True, default="", db_default="")
    noted_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(name="request_ban_is_one", condition=Q(status__in=[418, 429])),
        ]

    def __str__(self) -> str:
        return f"{self.venue}: HTTP {self.status} until {self.until:%Y-%m-%d %H:%M:%S}"


class ForeignOrder(models.Model):
    """An order of the trader's own, made elsewhere, that rests at the exchange: shown, never
    touched. Rows come and go with what the exchange tells."""

    account = models.ForeignKey(
        ExchangeAccount, models.PROTECT, related_name="foreign_orders", db_index=False
    )
    symbol = models.CharField(max_length=20)
    exchange_order_id = models.BigIntegerField()
    client_order_id = models.CharField(max_length=36, blank=True)
    side = models.CharField(max_length=4)
    type = models.CharField(max_length=20)
    price = amount(null=True, blank=True)
    stop_price = amount(null=True, blank=True)
    quantity = amount(null=True, blank=True)
    executed = amount(default=0)
    status = models.CharField(max_length=20)
    seen_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="foreign_order_once", fields=["account", "symbol", "exchange_order_id"]
            ),
            models.CheckConstraint(
                name="foreign_order_numbers",
                condition=(Q(price=None) | is_number("price"))
                & (Q(stop_price=None) | is_number("stop_price"))
                & (Q(quantity=None) | is_number("quantity"))
                & is_number("executed"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.symbol} ({self.status})"
