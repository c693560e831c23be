"""An account's kill switch, and the ways back from every halt.

A halt stops new risk only: protective orders stay on the exchange, and exits go on. Its options
withdraw entries that were not sent, or close every trade at the market. Back goes it by rule, or by
a person with step-up and a reason; staff never lift what the trader pulled, nor the reverse.
"""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from risk.breaker import Breaker, Cause, MayNotClose, Phase, closed_by_a_person
from testudo import clock
from trading import breakers
from trading.actors import Actor
from trading.book import QuoteOf
from trading.flattening import Left, leave
from trading.market import prices
from trading.models import AccountHalt, AccountRisk, ChainBreak, ExchangeAccount
from trading.risk_lock import lock_risk

STAFF = frozenset({"admin", "operator"})


@dataclass(frozen=True, slots=True)
class Resumed:
    """What is over, and what is still waited for, in sentences."""

    released: tuple[Cause, ...] = ()
    waits: tuple[str, ...] = ()


def halt(
    account: ExchangeAccount,
    *,
    reason: str,
    by: Actor,
    cancel_entries: bool = False,
    flatten: bool = False,
) -> Left:
    """Stop new risk on one account, and leave where that is asked for. Safe to repeat."""
    with transaction.atomic():
        lock_risk(account.pk)
        _note_who(account, reason, by)
        breakers.open_breaker(account.pk, Cause.OPERATOR, reason=reason, **_who(by))
    if cancel_entries or flatten:
        return leave(account.pk, flatten=flatten, reason=reason, by=by)
    return Left()


def resume(
    account: ExchangeAccount, *, reason: str, by: Actor, quote_of: QuoteOf = prices.latest
) -> Resumed:
    """Take every open halt back that `by` may take back now. The door has asked for step-up.

    A drawdown's release, 24 hours after it opened, re-bases the peak (PROTOCOL 2). What only a rule
    or another person ends is named.
    """
    released, waits = [], []
    with transaction.atomic():
        lock_risk(account.pk)
        for breaker in breakers.breakers_of(account.pk):
            if breaker.phase is not Phase.OPEN:
                continue
            if why := _not_yours(account, breaker, by) or _not_yet(breaker, reason):
                waits.append(why)
                continue
            breakers.close_breaker(
                account.pk, breaker.cause, reason=reason, quote_of=quote_of, **_who(by)
            )
            released.append(breaker.cause)
        if Cause.OPERATOR in released:
            AccountHalt.objects.filter(account=account).delete()
        if Cause.CHAIN in released:
            unaccepted = ChainBreak.objects.filter(account=account, accepted_at=None)
            unaccepted.update(accepted_at=clock.now())
    return Resumed(released=tuple(released), waits=tuple(waits))


def _note_who(account: ExchangeAccount, reason: str, by: Actor) -> None:
    """Remember who pulled the switch; staff's halt is not weakened by the trader's on top."""
    before = AccountHalt.objects.filter(account=account).first()
    halted = AccountRisk.objects.get(account=account).state == AccountRisk.TradingState.HALTED
    if before is not None and halted and before.by_role in STAFF:
        return
    facts = {"by_role": by.role, "by_user_id": by.user_id, "reason": reason, "at": clock.now()}
    AccountHalt.objects.update_or_create(account=account, defaults=facts)


def _not_yours(account: ExchangeAccount, breaker: Breaker, by: Actor) -> str:
    """Why this breaker is not for `by` to close; "" where it is."""
    if breaker.cause is Cause.CHAIN and by.role not in STAFF:
        return "The decision log does not hold: an operator looks into it and resumes."
    if breaker.cause is Cause.DRAWDOWN and by.role != "trader":
        return "Drawdown: only the trader asks for the way back."
    if breaker.cause is Cause.OPERATOR:
        pulled = AccountHalt.objects.filter(account=account).first()
        role = pulled.by_role if pulled else "operator"
        if role in STAFF and by.role not in STAFF:
            return "Staff halted this account: ask them to resume it."
        if role == "trader" and by.role != "trader":
            return "The trader halted this account: only they resume it."
    return ""


def _not_yet(breaker: Breaker, reason: str) -> str:
    """Why nobody may close this breaker now; "" where a person may."""
    try:
        closed_by_a_person(breaker, now=clock.now(), reason=reason)
    except MayNotClose as refused:
        return str(refused)
    return ""


def _who(by: Actor) -> dict[str, Any]:
    return {"by": by.role, "extra": {"by_user": by.user_id}}
