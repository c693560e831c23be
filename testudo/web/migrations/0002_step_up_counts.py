"""Tries to confirm who one is, counted apart from those at sign-in."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("web", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="StepUpCount",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("tried", models.PositiveIntegerField()),
                ("began_at", models.DateTimeField()),
            ],
            options={
                "abstract": False,
            },
        ),
    ]
