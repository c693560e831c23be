from decimal import Decimal

from django.db import migrations, models


def amount() -> models.DecimalField:
    return models.DecimalField(blank=True, decimal_places=18, max_digits=38, null=True)


class Migration(migrations.Migration):
    dependencies = [("trading", "0004_decision_chain")]

    operations = [
        migrations.AddField("feerate", "bnb_maker", amount()),
        migrations.AddField("feerate", "bnb_taker", amount()),
        migrations.AddField("feerate", "max_base", amount()),
        migrations.AddField("feerate", "max_quote", amount()),
        migrations.AddConstraint(
            "feerate",
            models.CheckConstraint(
                name="fee_rate_in_bnb_is_no_dearer",
                condition=models.Q(bnb_maker=None, bnb_taker=None)
                | models.Q(
                    bnb_maker__gte=0,
                    bnb_maker__lte=models.F("maker"),
                    bnb_taker__gte=0,
                    bnb_taker__lte=models.F("taker"),
                ),
            ),
        ),
        migrations.AddConstraint(
            "feerate",
            models.CheckConstraint(
                name="fee_rate_limits_are_numbers",
                condition=(
                    models.Q(max_base=None)
                    | models.Q(max_base__gt=0, max_base__lt=Decimal("1E+20"))
                )
                & (
                    models.Q(max_quote=None)
                    | models.Q(max_quote__gt=0, max_quote__lt=Decimal("1E+20"))
                ),
            ),
        ),
    ]
