"""The kill switch over all accounts: read by whoever takes new risk, in the same transaction.

The row is read FOR SHARE first, before any account's row, so a halt that has committed is seen by
every later placement and every later claim of an entry (R19). Exits, stops and cancels never ask.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection, transaction

from risk.protocol import Book
from testudo import clock
from trading import decisions, events
from trading.actors import Actor
from trading.models import ExchangeAccount, GlobalHalt
from trading.models.switches import GLOBAL
from trading.risk_lock import lock_risk
from trading.settlement import tell

ONE_ADMIN_WAITS = timedelta(minutes=10)  # where there is no second admin to agree
ASKING_LASTS = timedelta(hours=24)  # a second admin agrees within, or it is asked again
NOTED_WITHIN = 3  # rounds over the accounts whose risk row was held
LOCK_NOT_AVAILABLE = "55P03"
TITLE = "All trading is halted"
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Switch:
    """The switch as read."""

    halted: bool
    reason: str = ""


class NotForYou(Exception):
    """This switch is another's to put back. The message says whose."""


# Its value: global.
SHARE = "SELECT halted, reason FROM trading_globalhalt WHERE id = %(global)s FOR SHARE"


def share() -> Switch:
    """The switch, held FOR SHARE until the transaction ends. Read it before any other row."""
    with connection.cursor() as cursor:
        cursor.execute(SHARE, {"global": GLOBAL})
        found = cursor.fetchone()
    if found is None:  # a new database: make the row, then read it again under its lock
        GlobalHalt.objects.get_or_create(pk=GLOBAL)
        return share()
    return Switch(*found)


def read() -> Switch:
    """The switch now, unlocked: for pages, previews and the loop's first look."""
    row = GlobalHalt.objects.filter(pk=GLOBAL).values_list("halted", "reason").first()
    return Switch(*row) if row else Switch(halted=False)


def over(book: Book, switch: Switch | None = None) -> Book:
    """The book as the rules must see it: halted, where the global switch is pulled."""
    switch = switch or read()
    if not switch.halted:
        return book
    reason = f"{TITLE}: {switch.reason}"[:200]
    return replace(book, state="halted", state_reason=reason, state_until=None)


def halt_all(*, reason: str, by: Actor) -> bool:
    """Stop new risk on every account, and note it in each log. False: it was halted already."""
    with transaction.atomic():
        row = _locked()
        # A halt ends any way back that was under way, also where it was pulled already.
        row.release_by_user_id, row.release_reason, row.release_asked_at = None, "", None
        changed = not row.halted
        if changed:
            row.halted, row.reason, row.at = True, reason, clock.now()
            row.by_role, row.by_user_id = by.role, by.user_id
        row.save()
    if changed:
        _note("halted", reason, by)
    return changed


def resume_all(*, reason: str, by: Actor) -> tuple[bool, str]:
    """Ask for, or agree to, the way back: two admins, or one and ten minutes (R19).

    Returns: whether trading may go on now, and what is waited for, in a sentence.
    Raises: NotForYou, for anyone but an active admin.
    """
    admins = _admins()
    if by.user_id not in admins:
        raise NotForYou("Only an admin puts the global switch back. Name one.")
    with transaction.atomic():
        row = _locked()
        if not row.halted:
            return True, "Nothing is halted."
        now = clock.now()
        asked_at = row.release_asked_at or now
        stands = row.release_asked_at is not None and now - asked_at <= ASKING_LASTS
        if not stands or row.release_by_user_id not in admins:
            row.release_by_user_id, row.release_reason = by.user_id, reason
            row.release_asked_at = asked_at = now
            row.save()
        waits = _waits(row.release_by_user_id, by.user_id, asked_at, now, admins)
        if waits:
            return False, waits
        row.halted, row.reason, row.at = False, "", now
        row.by_role, row.by_user_id = by.role, by.user_id
        row.release_by_user_id, row.release_reason, row.release_asked_at = None, "", None
        row.save()
    _note("resumed", reason, by)
    return True, "Trading goes on."


def _waits(
    asked_by: UUID, by: UUID | None, asked_at: datetime, now: datetime, admins: frozenset[UUID]
) -> str:
    if len(admins) >= 2:
        return "" if asked_by != by else "A second admin must agree: let them do the same."
    ready = asked_at + ONE_ADMIN_WAITS
    if now >= ready:
        return ""
    return f"You are the only admin: do this again after {ready:%H:%M:%S} UTC."


@dataclass(frozen=True, slots=True)
class Standing:
    """The switch for whoever may pull it: who pulled it, and how far its way back is."""

    halted: bool
    reason: str
    at: datetime | None  # since when it is as it is; None: it was never pulled
    by_role: str
    asked_by: UUID | None  # the admin whose word for the way back stands
    asked_at: datetime | None
    asked_reason: str
    waits: str  # what the way back waits for, as `by` would be told; "" for nothing


def standing(by: Actor) -> Standing:
    """The switch, and what is still waited for where its way back was asked for. Reads only."""
    row = GlobalHalt.objects.filter(pk=GLOBAL).first()
    if row is None:
        return Standing(False, "", None, "", None, None, "", "")
    now, admins, asked_at = clock.now(), _admins(), row.release_asked_at
    stands = asked_at is not None and now - asked_at <= ASKING_LASTS
    if not row.halted or not stands or row.release_by_user_id not in admins:
        return Standing(row.halted, row.reason, row.at, row.by_role, None, None, "", "")
    waits = _waits(row.release_by_user_id, by.user_id, asked_at, now, admins)
    return Standing(
        row.halted, row.reason, row.at, row.by_role,
        row.release_by_user_id, asked_at, row.release_reason, waits,
    )  # fmt: skip


def _admins() -> frozenset[UUID]:
    people = get_user_model().objects.filter(is_active=True, role="admin")
    return frozenset(people.values_list("pk", flat=True))


def _locked() -> GlobalHalt:
    GlobalHalt.objects.get_or_create(pk=GLOBAL)
    return GlobalHalt.objects.select_for_update().get(pk=GLOBAL)


def _note(kind: str, reason: str, by: Actor) -> None:
    """Write it into every account's log and stream. After the switch itself has committed."""
    kinds = {"halted": events.TradingHalted, "resumed": events.TradingResumed}
    text = {
        "halted": f"{TITLE}: {reason}. Exits go on.",
        "resumed": f"The halt of all trading is over: {reason}.",
    }[kind]
    waiting = list(ExchangeAccount.objects.filter(removed_at=None).values_list("pk", flat=True))
    for _ in range(NOTED_WITHIN):
        held = []  # a row somebody holds keeps none of the others without its note
        for account_id in waiting:
            try:
                with transaction.atomic():
                    lock_risk(account_id)
                    facts = {"scope": "global", "cause": "operator", "reason": reason, **by.facts()}
                    decisions.record(account_id, kind, facts)
                    tell(account_id, kinds[kind](account_id=account_id, reason=reason, text=text))
            except OperationalError as error:
                if getattr(error.__cause__, "pgcode", None) != LOCK_NOT_AVAILABLE:
                    raise
                held.append(account_id)
        if not (waiting := held):
            return
    log.error("global_switch_not_noted", kind=kind, accounts=[str(each) for each in waiting])
