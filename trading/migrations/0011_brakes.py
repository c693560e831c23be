"""A breaker for each part of a venue; the exchange's answers, kept as they came."""

import django.db.models.deletion
from django.db import migrations, models

import testudo.clock
import testudo.db.ids

APPEND_ONLY = """
CREATE TRIGGER exchange_call_append_only BEFORE UPDATE OR DELETE ON trading_exchangecall
    FOR EACH ROW EXECUTE FUNCTION trading_append_only();
"""
# A breaker that stood open goes on standing, as that of the questions about accounts.
STANDING = """
INSERT INTO trading_venuebreaker (venue, part, phase, failures, opened_at, retry_at, last_error)
SELECT venue, 'account', breaker, failures, coalesce(opened_at, retry_at), retry_at, last_error
FROM trading_venuehealth WHERE breaker <> 'closed'
"""
NOT_ANY_MORE = "DROP TRIGGER exchange_call_append_only ON trading_exchangecall"


class Migration(migrations.Migration):
    dependencies = [
        ("trading", "0010_incidents"),
    ]

    operations = [
        migrations.CreateModel(
            name="VenueBreaker",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "venue",
                    models.CharField(
                        choices=[
                            ("paper", "Paper"),
                            ("binance-demo", "Binance Demo"),
                            ("binance", "Binance"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "part",
                    models.CharField(
                        choices=[
                            ("orders", "Orders"),
                            ("account", "Account"),
                            ("public", "Public"),
                            ("prices", "Prices"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "phase",
                    models.CharField(
                        choices=[
                            ("closed", "Closed"),
                            ("open", "Open"),
                            ("half_open", "Half Open"),
                        ],
                        default="closed",
                        max_length=10,
                    ),
                ),
                ("failures", models.PositiveIntegerField(default=0)),
                ("opened_at", models.DateTimeField(blank=True, null=True)),
                ("retry_at", models.DateTimeField(blank=True, null=True)),
                ("last_error", models.CharField(blank=True, default="", max_length=200)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("venue", "part"), name="one_breaker_a_part"),
                    models.CheckConstraint(
                        condition=models.Q(("part__in", ["orders", "account", "public", "prices"])),
                        name="venue_part_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("phase__in", ["closed", "open", "half_open"])),
                        name="venue_part_phase_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("phase", "closed"),
                            models.Q(("opened_at__isnull", False), ("retry_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="venue_part_says_when_it_retries",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ExchangeCall",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=testudo.db.ids.new_id,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("method", models.CharField(max_length=6)),
                ("path", models.CharField(max_length=1000)),
                ("status", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("answer", models.TextField(max_length=8000)),
                ("ms", models.PositiveIntegerField()),
                ("at", models.DateTimeField(default=testudo.clock.now)),
                (
                    "trade",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="exchange_calls",
                        to="trading.trade",
                    ),
                ),
            ],
            options={
                "ordering": ["at", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("method__in", ["GET", "POST", "DELETE"])),
                        name="exchange_call_method_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status", None),
                            models.Q(("status__gte", 100), ("status__lt", 600)),
                            _connector="OR",
                        ),
                        name="exchange_call_status_is_one",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("path__contains", "signature="), _negated=True),
                            models.Q(("path__contains", "apiKey="), _negated=True),
                        ),
                        name="exchange_call_keeps_no_signature",
                    ),
                ],
            },
        ),
        migrations.RunSQL(STANDING, migrations.RunSQL.noop),
        migrations.RunSQL(APPEND_ONLY, NOT_ANY_MORE),
    ]
