"""Leaving in numbers: withdraw what waits, close what is held; of one account, or of all.

One trade after the other, each in a transaction of its own: one that somebody holds keeps none of
the others from going. Only exits are asked for here; the loop sends them, and no halt stops them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import structlog
from django.db import OperationalError, transaction

from trading import decisions, global_halt, orders
from trading.actors import Actor
from trading.models import ExchangeAccount, Trade, Venue
from trading.order_states import FINISHED
from trading.risk_lock import lock_risk

log = structlog.get_logger(__name__)

HELD = frozenset({"55P03", "40P01"})  # PostgreSQL: lock not available, deadlock
TRIES = 2  # each waits for the lock up to `lock_timeout`


@dataclass(frozen=True, slots=True)
class Left:
    """What was asked for besides stopping new risk."""

    withdrawn: int = 0  # entries that wait, here or at the exchange
    closing: int = 0  # trades on their way out at the market
    busy: int = 0  # trades somebody else held: ask again for these

    def __add__(self, other: "Left") -> "Left":
        return Left(
            self.withdrawn + other.withdrawn, self.closing + other.closing, self.busy + other.busy
        )


class LiveNeedsYes(Exception):
    """It would sell on the live venue, and nobody has said that this is meant."""


def stop_all(
    *,
    reason: str,
    by: Actor,
    cancel_entries: bool = False,
    flatten: bool = False,
    yes_live: bool = False,
) -> Left:
    """Stop new risk on every account, first of all; then leave, where that is asked for (R19).

    Raises: LiveNeedsYes, before anything is done, for a flatten that reaches the live venue.
    """
    if flatten and not yes_live and (live := live_accounts()):
        raise LiveNeedsYes(f"This would sell on {live} live accounts.")
    global_halt.halt_all(reason=reason, by=by)  # one row: it stops every account at once
    left = Left()
    if cancel_entries or flatten:
        for account_id in _accounts_in_trades():
            left += leave(account_id, flatten=flatten, reason=reason, by=by, scope="global")
    return left


def live_accounts() -> int:
    """How many accounts of the live venue there are."""
    return ExchangeAccount.objects.filter(venue=Venue.BINANCE, removed_at=None).count()


def leave(
    account_id: UUID, *, flatten: bool, reason: str, by: Actor, scope: str = "account"
) -> Left:
    """Withdraw the account's entries that wait; with `flatten`, leave every trade at the market.

    Repeating it asks for nothing twice. What was asked for, and by whom, is in the decision log.
    """
    left = Left()
    unfinished = Trade.objects.filter(account=account_id).exclude(state__in=FINISHED)
    for trade_id in list(unfinished.order_by("placed_at").values_list("pk", flat=True)):
        left += _leave_one(trade_id, flatten=flatten)
    if left.withdrawn or left.closing:
        facts = {
            "scope": scope, "cause": "operator", "withdrawn": left.withdrawn,
            "closing": left.closing, "reason": reason,
        }  # fmt: skip
        with transaction.atomic():
            lock_risk(account_id)
            decisions.record(account_id, "flattened", {**facts, **by.facts()})
    return left


def _leave_one(trade_id: UUID, *, flatten: bool) -> Left:
    withdrawn = closing = False
    try:
        withdrawn = _asked(orders.request_cancel, trade_id)
        if flatten:
            closing = _asked(orders.request_close, trade_id)
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", None) not in HELD:
            raise  # the database itself is in trouble: nothing more is asked of it
        log.error("trade_held_while_leaving", trade=str(trade_id), flatten=flatten)
        return Left(withdrawn=int(withdrawn), closing=int(closing), busy=1)
    return Left(withdrawn=int(withdrawn), closing=int(closing))


def _asked(request: Callable[[UUID], object], trade_id: UUID) -> bool:
    """Whether there was something to leave. Raises: OperationalError."""
    for tries_left in reversed(range(TRIES)):
        try:
            request(trade_id)
        except (orders.AlreadySent, orders.TradeOver):
            return False  # it fills or ends by itself, and its stop comes with it
        except OperationalError as error:
            if tries_left and getattr(error.__cause__, "pgcode", None) in HELD:
                continue
            raise
        return True
    raise AssertionError("unreachable")


def _accounts_in_trades() -> list[UUID]:
    unfinished = Trade.objects.exclude(state__in=FINISHED)
    return list(unfinished.order_by().values_list("account_id", flat=True).distinct())
