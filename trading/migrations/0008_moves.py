"""Moves of stops and targets, and how a position is managed."""

from decimal import Decimal

import django.db.models.deletion
import testudo.clock
import testudo.db.ids
from django.db import migrations, models
from django.db.models import F, Q

MOST = Decimal("1E+20")

# The wish never changes; what became of it is written once it is known.
STAYS = """
CREATE TRIGGER move_stays BEFORE DELETE OR UPDATE OF id, trade_id, account_id, number, why,
    by_user_id, from_stop, from_target, to_stop, to_target, wished_at
    ON trading_move FOR EACH ROW EXECUTE FUNCTION trading_append_only();
"""
MAY_GO = "DROP TRIGGER move_stays ON trading_move"
STATES = [
    ("wished", "Wished"),
    ("under_way", "Under Way"),
    ("done", "Done"),
    ("kept", "Kept"),
    ("stop_only", "Stop Only"),
    ("exited", "Exited"),
    ("overtaken", "Overtaken"),
    ("superseded", "Superseded"),
]
REASONS = [
    ("trader", "Trader"),
    ("break_even", "Break Even"),
    ("trailing", "Trailing"),
    ("ratchet", "Ratchet"),
]


def amount(**options):
    return models.DecimalField(max_digits=38, decimal_places=18, **options)


def maybe_amount():
    return amount(null=True, blank=True)


def maybe_moment():
    return models.DateTimeField(null=True, blank=True)


def a_number(name):
    return Q(**{f"{name}__gt": 0, f"{name}__lt": MOST})


class Migration(migrations.Migration):
    dependencies = [("trading", "0007_entry_kinds")]

    operations = [
        migrations.AddField("order", "ended_at", maybe_moment()),
        migrations.AddField("order", "resting_at", maybe_moment()),
        migrations.AddField(
            "order", "trailing_delta", models.PositiveIntegerField(null=True, blank=True)
        ),
        migrations.AddField("trade", "management", models.JSONField(default=dict, db_default={})),
        migrations.AddField("trade", "moved_stop", maybe_amount()),
        migrations.AddField("trade", "moved_target", maybe_amount()),
        migrations.CreateModel(
            name="Move",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        primary_key=True,
                        default=testudo.db.ids.new_id,
                        editable=False,
                        serialize=False,
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("why", models.CharField(max_length=12, choices=REASONS)),
                ("by_user_id", models.UUIDField(null=True, blank=True)),
                ("from_stop", amount()),
                ("from_target", amount()),
                ("to_stop", amount()),
                ("to_target", amount()),
                ("wished_at", models.DateTimeField(default=testudo.clock.now)),
                ("state", models.CharField(max_length=10, choices=STATES, default="wished")),
                ("claimed_at", maybe_moment()),
                ("ended_at", maybe_moment()),
                ("naked_ms", models.PositiveBigIntegerField(null=True, blank=True)),
                ("said", models.CharField(max_length=300, blank=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="moves",
                        to="trading.exchangeaccount",
                    ),
                ),
                (
                    "trade",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="moves",
                        to="trading.trade",
                    ),
                ),
            ],
            options={"ordering": ["trade", "number"]},
        ),
        migrations.AddField(
            "order",
            "move",
            models.ForeignKey(
                null=True,
                blank=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="orders",
                to="trading.move",
            ),
        ),
        migrations.AddField(
            "trade",
            "open_move",
            models.ForeignKey(
                null=True,
                blank=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="trading.move",
            ),
        ),
        migrations.AddConstraint(
            "order",
            models.CheckConstraint(
                name="order_trails_within_bounds",
                condition=Q(trailing_delta=None)
                | Q(trailing_delta__gt=0, trailing_delta__lt=10_000),
            ),
        ),
        migrations.AddConstraint(
            "trade",
            models.CheckConstraint(
                name="trade_moved_prices_are_numbers",
                condition=(Q(moved_stop=None) | a_number("moved_stop"))
                & (Q(moved_target=None) | a_number("moved_target")),
            ),
        ),
        migrations.AddConstraint(
            "trade",
            models.CheckConstraint(
                name="trade_stop_only_tightens",
                condition=Q(moved_stop=None)
                | Q(side="long", moved_stop__gte=F("stop"))
                | Q(side="short", moved_stop__lte=F("stop")),
                violation_error_message="A stop only moves towards the price.",
            ),
        ),
        migrations.AddIndex(
            "move", models.Index(name="move_newest", fields=["account", "-wished_at"])
        ),
        migrations.AddConstraint(
            "move", models.UniqueConstraint(name="move_in_order", fields=["trade", "number"])
        ),
        migrations.AddConstraint(
            "move",
            models.UniqueConstraint(
                name="one_move_at_a_time",
                fields=["trade"],
                condition=Q(state__in=("wished", "under_way")),
            ),
        ),
        migrations.AddConstraint(
            "move",
            models.CheckConstraint(
                name="move_state_known", condition=Q(state__in=[name for name, _ in STATES])
            ),
        ),
        migrations.AddConstraint(
            "move",
            models.CheckConstraint(
                name="move_why_known", condition=Q(why__in=[name for name, _ in REASONS])
            ),
        ),
        migrations.AddConstraint(
            "move",
            models.CheckConstraint(
                name="move_prices_are_numbers",
                condition=Q(
                    from_stop__gt=0, from_stop__lt=MOST, from_target__gt=0, from_target__lt=MOST,
                    to_stop__gt=0, to_stop__lt=MOST, to_target__gt=0, to_target__lt=MOST,
                ),
            ),
        ),
        migrations.AddConstraint(
            "move",
            models.CheckConstraint(
                name="move_changes_something",
                condition=~Q(from_stop=F("to_stop"), from_target=F("to_target")),
            ),
        ),
        migrations.RunSQL(STAYS, MAY_GO),
    ]
