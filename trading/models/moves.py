"""Moves: every wish to put a stop or target elsewhere, and what became of it."""

from django.db import models
from django.db.models import F, Q

from testudo import clock
from testudo.db.amounts import amount, is_number
from testudo.db.ids import new_id
from trading.models.accounts import ExchangeAccount
from trading.models.trades import Trade


class MoveState(models.TextChoices):
    WISHED = "wished"  # recorded; the exchange was told nothing
    UNDER_WAY = "under_way"  # the old stop may be down already
    DONE = "done"  # stop and target rest at the new prices
    KEPT = "kept"  # the exchange refused the new prices; the old ones rest again
    STOP_ONLY = "stop_only"  # it refused the old pair too; a stop alone rests
    EXITED = "exited"  # it took no stop at all: the position was closed
    OVERTAKEN = "overtaken"  # the position ended first, or is being closed
    SUPERSEDED = "superseded"  # a newer wish came before anything was sent


MOVING = (MoveState.WISHED, MoveState.UNDER_WAY)


class MoveReason(models.TextChoices):
    TRADER = "trader"
    BREAK_EVEN = "break_even"
    TRAILING = "trailing"
    RATCHET = "ratchet"
    TARGETS = "targets"  # the legs of the entry become a pair for each target


class Move(models.Model):
    """One wish to move the stop, the target or both of an open position (R10).

    The wish is append-only: the database itself forbids changing or deleting it. Only what became
    of it is written later. Prices are in the quote asset. The trade's plan and its R0 stay.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    trade = models.ForeignKey(Trade, models.PROTECT, related_name="moves")
    account = models.ForeignKey(ExchangeAccount, models.PROTECT, related_name="moves")
    number = models.PositiveIntegerField()  # contiguous per trade
    why = models.CharField(max_length=12, choices=MoveReason)
    by_user_id = models.UUIDField(null=True, blank=True)  # None: a rule chosen at placing
    from_stop = amount()
    from_target = amount()
    to_stop = amount()
    to_target = amount()
    wished_at = models.DateTimeField(default=clock.now)

    state = models.CharField(max_length=10, choices=MoveState, default=MoveState.WISHED)
    claimed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    # Between the old stop's end and the next one's acceptance, by the exchange's clock.
    naked_ms = models.PositiveBigIntegerField(null=True, blank=True)
    said = models.CharField(max_length=300, blank=True)  # the exchange's reason, where it refused

    class Meta:
        constraints = [
            models.UniqueConstraint(name="move_in_order", fields=["trade", "number"]),
            models.UniqueConstraint(
                name="one_move_at_a_time",
                fields=["trade"],
                condition=Q(state__in=MOVING),
            ),
            models.CheckConstraint(
                name="move_state_known", condition=Q(state__in=MoveState.values)
            ),
            models.CheckConstraint(name="move_why_known", condition=Q(why__in=MoveReason.values)),
            models.CheckConstraint(
                name="move_prices_are_numbers",
                condition=is_number(
                    "from_stop", "from_target", "to_stop", "to_target", positive=True
                ),
            ),
            models.CheckConstraint(
                name="move_changes_something",
                condition=Q(why="targets") | ~Q(from_stop=F("to_stop"), from_target=F("to_target")),
            ),
        ]
        indexes = [models.Index(name="move_newest", fields=["account", "-wished_at"])]
        ordering = ["trade", "number"]

    def __str__(self) -> str:
        return f"move {self.number} of {self.trade_id}: {self.state}"
