"""A trader's own limits, per exchange account, and changes that wait: the only Django in risk."""

from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from risk.limits import CAPS, DEFAULTS, PRESETS, RESET_ZONE, Limits
from testudo import clock
from testudo.db.amounts import amount
from testudo.db.ids import new_id

FIGURES = tuple(name for name, (_, most) in CAPS.items() if isinstance(most, Decimal))
COUNTS = tuple(name for name, (_, most) in CAPS.items() if type(most) is int)


def _figure(name: str, help_text: str = "") -> "models.DecimalField[Any, Any]":
    """A column with the protocol's default in the database too, for rows of an older version."""
    default = getattr(DEFAULTS, name)
    return amount(default=default, db_default=default, help_text=help_text)


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

    Fractions are of equity. The account is known by its key alone: risk knows no other app. Only
    `trading.limits` changes a row: tightening acts at once, loosening waits as a `PendingChange`.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account_id = models.UUIDField(unique=True)
    max_risk = amount(default=DEFAULTS.max_risk, help_text="Risk per trade, fees in: 0.01 is 1 %.")
    max_heat = amount(default=DEFAULTS.max_heat, help_text="Risk of all open trades together.")
    max_day_loss = amount(default=DEFAULTS.max_day_loss, help_text="Loss of a day, open risk in.")
    max_week_loss = _figure("max_week_loss", "Loss of a week.")
    max_drawdown = _figure("max_drawdown", "From the peak NAV.")
    min_reward_to_risk = amount(default=DEFAULTS.min_reward_to_risk, help_text="Net of fees, in R.")
    max_spread_share = _figure("max_spread_share", "Of the stop distance.")
    max_slippage_r = _figure("max_slippage_r", "Of the entry, in R.")
    max_positions = models.PositiveSmallIntegerField(default=DEFAULTS.max_positions)
    max_losing_streak = models.PositiveSmallIntegerField(default=DEFAULTS.max_losing_streak)
    max_trades_a_day = models.PositiveSmallIntegerField(default=DEFAULTS.max_trades_a_day)
    max_stop_outs = models.PositiveSmallIntegerField(
        default=DEFAULTS.max_stop_outs, db_default=DEFAULTS.max_stop_outs
    )
    stop_out_pause_hours = models.PositiveSmallIntegerField(
        default=DEFAULTS.stop_out_pause_hours, db_default=DEFAULTS.stop_out_pause_hours
    )
    symbol_cooldown_minutes = models.PositiveSmallIntegerField(
        default=DEFAULTS.symbol_cooldown_minutes, db_default=DEFAULTS.symbol_cooldown_minutes
    )
    lock_losing_symbols = models.BooleanField(
        default=DEFAULTS.lock_losing_symbols, db_default=DEFAULTS.lock_losing_symbols
    )
    lock_losing_setups = models.BooleanField(
        default=DEFAULTS.lock_losing_setups, db_default=DEFAULTS.lock_losing_setups
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [within_caps(name) for name in (*FIGURES, *COUNTS)]

    def __str__(self) -> str:
        return f"Limits of account {self.account_id}"

    def clean(self) -> None:
        """Forms and admin refuse with the rule's own sentence, before the database does."""
        try:
            self.limits()
        except (ValueError, TypeError) as beyond:
            raise ValidationError(str(beyond)) from beyond

    def limits(self) -> Limits:
        """These limits as the rules read them.

        Raises: ValueError, for an unsaved profile beyond the caps.
        """
        figures: dict[str, Any] = {name: Decimal(getattr(self, name)) for name in FIGURES}
        others = {name: getattr(self, name) for name in CAPS if name not in figures}
        return Limits(**figures, **others)

    @property
    def preset(self) -> str:
        """The preset these limits equal; "own" where they equal none."""
        limits = self.limits()
        return next((name for name, preset in PRESETS.items() if preset == limits), "own")


class PendingChangeQuerySet(models.QuerySet["PendingChange"]):
    def open(self) -> "PendingChangeQuerySet":
        """What was asked for and neither withdrawn nor in effect."""
        return self.filter(withdrawn_at=None, effective_at=None)


class PendingChange(models.Model):
    """A loosening that waits (PROTOCOL 2): 24 hours and the next reset, then calm. Never deleted.

    `name` is a limit's, or `reset_zone`. Values are text as on the wire: "0.01", "5", "true".
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account_id = models.UUIDField()
    name = models.CharField(max_length=40)
    from_value = models.CharField(max_length=64)
    to_value = models.CharField(max_length=64)
    asked_at = models.DateTimeField()
    earliest_at = models.DateTimeField()  # the later of 24 hours on and the next reset
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    effective_at = models.DateTimeField(null=True, blank=True)

    objects = PendingChangeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_open_change_per_limit",
                fields=["account_id", "name"],
                condition=Q(withdrawn_at=None, effective_at=None),
            ),
            models.CheckConstraint(
                name="pending_change_ends_once",
                condition=Q(withdrawn_at=None) | Q(effective_at=None),
            ),
            models.CheckConstraint(
                name="pending_change_waits",
                condition=Q(earliest_at__gt=F("asked_at"))
                & (Q(effective_at=None) | Q(effective_at__gte=F("earliest_at"))),
            ),
            models.CheckConstraint(
                name="pending_change_name_known", condition=Q(name__in=[*CAPS, RESET_ZONE])
            ),
        ]
        indexes = [
            models.Index(name="pending_change_of_account", fields=["account_id", "asked_at"])
        ]
        ordering = ["asked_at", "id"]

    def __str__(self) -> str:
        return f"{self.name} of {self.account_id}: {self.from_value} to {self.to_value}"
