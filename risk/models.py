"""A trader's own limits, per exchange account: the only Django in risk."""

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from risk.protocol import CAPS, DEFAULTS, Limits
from testudo import clock
from testudo.db.amounts import amount
from testudo.db.ids import new_id


def within_caps(name: str) -> models.CheckConstraint:
    """The database's own refusal of a limit beyond its cap. PostgreSQL sorts NaN above every
    number, so the upper bound keeps it out."""
    least, most = CAPS[name]
    return models.CheckConstraint(
        name=f"risk_profile_{name}_within_caps",
        condition=Q(**{f"{name}__gte": least, f"{name}__lte": most}),
        violation_error_message=f"{name}: choose a value from {least} to {most}.",
    )


class RiskProfile(models.Model):
    """The limits a trader keeps on one account, within the protocol's caps.

    Fractions are of equity. The account is known by its key alone: risk knows no other app.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account_id = models.UUIDField(unique=True)
    max_risk = amount(default=DEFAULTS.max_risk, help_text="Risk per trade, fees in: 0.01 is 1 %.")
    max_heat = amount(default=DEFAULTS.max_heat, help_text="Risk of all open trades together.")
    max_day_loss = amount(default=DEFAULTS.max_day_loss, help_text="Loss of a day, open risk in.")
    min_reward_to_risk = amount(default=DEFAULTS.min_reward_to_risk, help_text="Net of fees, in R.")
    max_positions = models.PositiveSmallIntegerField(default=DEFAULTS.max_positions)
    max_losing_streak = models.PositiveSmallIntegerField(default=DEFAULTS.max_losing_streak)
    max_trades_a_day = models.PositiveSmallIntegerField(default=DEFAULTS.max_trades_a_day)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [within_caps(name) for name in CAPS]

    def __str__(self) -> str:
        return f"Limits of account {self.account_id}"

    def clean(self) -> None:
        """Forms and admin refuse with the rule's own sentence, before the database does."""
        try:
            self.limits()
        except ValueError as beyond:
            raise ValidationError(str(beyond)) from beyond

    def limits(self) -> Limits:
        """These limits as the rules read them.

        Raises: ValueError, for an unsaved profile beyond the caps.
        """
        return Limits(
            max_risk=Decimal(self.max_risk),
            max_heat=Decimal(self.max_heat),
            max_day_loss=Decimal(self.max_day_loss),
            min_reward_to_risk=Decimal(self.min_reward_to_risk),
            max_positions=self.max_positions,
            max_losing_streak=self.max_losing_streak,
            max_trades_a_day=self.max_trades_a_day,
        )
