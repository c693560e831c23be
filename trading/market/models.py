"""Candles and symbol rules: what the market said. `trading/models.py` imports them for Django."""

from django.db import models
from django.db.models import F, Q
from timescale.db.models.fields import TimescaleDateTimeField

from testudo import clock
from testudo.db.amounts import MOST, amount


class Candle(models.Model):
    """One closed minute of a symbol at a venue. Longer candles are rolled up when read.

    A hypertable where TimescaleDB is there, else a plain table. No other unique key is possible in
    a hypertable, and no foreign key may point here.
    """

    pk = models.CompositePrimaryKey("venue", "symbol", "time")
    venue = models.CharField(max_length=16)
    symbol = models.CharField(max_length=20)
    time = TimescaleDateTimeField(interval="7 days")  # opening time
    open = amount()
    high = amount()
    low = amount()
    close = amount()
    volume = amount()  # base asset

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="candle_figures_are_numbers",
                # NaN sorts above every number: bounding the high bounds all four prices.
                condition=Q(
                    open__gt=0, low__gt=0, close__gt=0, high__lt=MOST,
                    high__gte=F("open"), low__lte=F("open"),
                    volume__gte=0, volume__lt=MOST,
                )
                & Q(high__gte=F("close"), low__lte=F("close")),
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.venue} {self.symbol} {self.time:%Y-%m-%d %H:%M}"


class SymbolRules(models.Model):
    """What a venue last said about a symbol: its entry of exchangeInfo, as sent, and beside it what
    `risk.listing` names: exchange-wide filters and execution rules."""

    venue = models.CharField(max_length=16)
    symbol = models.CharField(max_length=20)
    raw = models.JSONField()
    fetched_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["venue", "symbol"], name="symbol_rules_once")
        ]

    def __str__(self) -> str:
        return f"{self.venue} {self.symbol}"
