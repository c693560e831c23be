"""An account's newest fills and orders, found without reading its whole past. Built while it trades."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index is built concurrently outside a transaction only
    dependencies = [("trading", "0005_fee_rate_terms")]

    operations = [
        AddIndexConcurrently("fill", models.Index(fields=["account", "at"], name="fill_newest")),
        AddIndexConcurrently(
            "order", models.Index(fields=["account", "claimed_at"], name="order_sent")
        ),
    ]
