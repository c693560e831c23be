"""Orders know which target and which try of a move they belong to; a move may lay out targets."""

from django.db import migrations, models
from django.db.models import F, Q

REASONS = [
    ("trader", "Trader"),
    ("break_even", "Break Even"),
    ("trailing", "Trailing"),
    ("ratchet", "Ratchet"),
    ("targets", "Targets"),
]


def counted():
    return models.PositiveSmallIntegerField(default=0, db_default=0)


class Migration(migrations.Migration):
    dependencies = [("trading", "0011_brakes")]

    operations = [
        migrations.AddField("order", "part", counted()),
        migrations.AddField("order", "rung", counted()),
        migrations.RemoveConstraint("move", "move_why_known"),
        migrations.RemoveConstraint("move", "move_changes_something"),
        migrations.AlterField("move", "why", models.CharField(max_length=12, choices=REASONS)),
        migrations.AddConstraint(
            "move",
            models.CheckConstraint(
                name="move_why_known", condition=Q(why__in=[name for name, _ in REASONS])
            ),
        ),
        migrations.AddConstraint(
            "move",
            models.CheckConstraint(
                name="move_changes_something",
                condition=Q(why="targets")
                | ~Q(from_stop=F("to_stop"), from_target=F("to_target")),
            ),
        ),
    ]
