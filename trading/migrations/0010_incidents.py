"""Incidents: what went wrong, told in a sentence, with what was done."""

import django.db.models.deletion
from django.db import migrations, models

import testudo.clock
import testudo.db.ids


class Migration(migrations.Migration):
    dependencies = [("trading", "0009_ledger")]

    operations = [
        migrations.CreateModel(
            name="Incident",
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
                ("kind", models.CharField(max_length=40)),
                ("about", models.CharField(blank=True, db_default="", default="", max_length=60)),
                (
                    "severity",
                    models.CharField(
                        choices=[("note", "Note"), ("warning", "Warning"), ("alarm", "Alarm")],
                        max_length=7,
                    ),
                ),
                ("text", models.CharField(max_length=500)),
                (
                    "what_was_done",
                    models.CharField(blank=True, db_default="", default="", max_length=500),
                ),
                ("facts", models.JSONField(blank=True, db_default={}, default=dict)),
                ("opened_at", models.DateTimeField(default=testudo.clock.now)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="incidents",
                        to="trading.exchangeaccount",
                    ),
                ),
                (
                    "trade",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="incidents",
                        to="trading.trade",
                    ),
                ),
            ],
            options={
                "ordering": ["-opened_at"],
                "indexes": [models.Index(fields=["account", "-opened_at"], name="incident_newest")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("closed_at", None)),
                        fields=("account", "kind", "trade", "about"),
                        name="one_open_incident",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("severity__in", ["note", "warning", "alarm"])),
                        name="incident_severity_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", ""), _negated=True),
                            models.Q(("text", ""), _negated=True),
                        ),
                        name="incident_says_what",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("closed_at", None),
                            models.Q(("what_was_done", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="closed_incident_says_what_was_done",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("closed_at", None),
                            ("closed_at__gte", models.F("opened_at")),
                            _connector="OR",
                        ),
                        name="incident_closes_after_it_opened",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("account__isnull", False),
                            models.Q(("about", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="incident_of_all_names_whom",
                    ),
                ],
            },
        ),
    ]
