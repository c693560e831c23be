"""Entries that wait: taken back wherever they are, or armed here until the price comes."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("trading", "0006_newest_first")]

    operations = [
        migrations.AlterField(
            "trade",
            "kind",
            models.CharField(
                max_length=10,
                choices=[("now", "Now"), ("pullback", "Pullback"), ("breakout", "Breakout")],
                default="now",
            ),
        ),
        migrations.AddField(
            "trade", "cancel_entry_at", models.DateTimeField(null=True, blank=True)
        ),
        migrations.AddField(
            "trade",
            "cancel_entry_why",
            models.CharField(max_length=300, blank=True, default="", db_default=""),
        ),
        migrations.AddField("trade", "crossed_at", models.DateTimeField(null=True, blank=True)),
        migrations.AddField("trade", "released_at", models.DateTimeField(null=True, blank=True)),
        migrations.AddConstraint(
            "trade",
            models.CheckConstraint(
                name="trade_kind_known", condition=Q(kind__in=["now", "pullback", "breakout"])
            ),
        ),
        migrations.AddConstraint(
            "trade",
            models.CheckConstraint(
                name="trade_released_once_crossed",
                condition=Q(released_at=None) | Q(crossed_at__isnull=False),
            ),
        ),
    ]
