"""A trader's own limits: tightening acts at once, loosening waits, all of it in the decision log.

PROTOCOL 2, "Loosening any limit": 24 hours *and* the next reset, then the first later moment with
the drawdown at most half of its limit and no open position. A change of the reset zone waits alike.
Every change is made under the account's risk row, so no placement reads half of one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import QuerySet

from risk.limits import RESET_ZONE, Limits, describe, earliest, is_tighter, may_loosen, said
from risk.models import PendingChange, RiskProfile
from testudo import clock
from trading.actors import RULE, Actor
from trading.book import QuoteOf, day_of, read_book
from trading.limit_log import log_changes, log_lines
from trading.limit_values import LimitRefused, as_text, check, from_text
from trading.market import prices
from trading.models import AccountRisk, ExchangeAccount
from trading.risk_lock import lock_risk, save_risk

NOTHING = ""  # no symbol: the account as a whole


class LoosenRefused(LimitRefused):
    """Staff may tighten a trader's limits, never loosen them."""


class NoSuchChange(LookupError):
    """Nothing of this key waits on this account."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of a wish: the names in effect now, and what waits."""

    tightened: tuple[str, ...]
    pending: tuple[PendingChange, ...]


def profile_of(account_id: UUID) -> RiskProfile:
    """The account's profile; the protocol's defaults where it has none yet."""
    return RiskProfile.objects.get_or_create(account_id=account_id)[0]


def limits_of(account_id: UUID) -> Limits:
    return profile_of(account_id).limits()


def open_changes(account_id: UUID) -> QuerySet[PendingChange]:
    return PendingChange.objects.open().filter(account_id=account_id)


def accounts_with_changes_due(now: datetime) -> set[UUID]:
    rows = PendingChange.objects.open().filter(earliest_at__lte=now)
    return set(rows.values_list("account_id", flat=True))


def ask(account: ExchangeAccount, wanted: Mapping[str, Any], *, by: Actor) -> Asked:
    """Take a wish: what is tighter acts at once, what is looser waits. All of it or nothing.

    `wanted` holds limits by name and, under `reset_zone`, an IANA zone. Asking twice changes
    nothing. A wish between the present value and a pending one lowers the pending one, whose clock
    goes on; a laxer wish than the pending one starts it anew. Tightening ends what waits.
    Raises: LimitRefused, naming the field.
    """
    check(wanted)
    with transaction.atomic():
        now = _lock(account)
        profile = profile_of(account.pk)
        limits = profile.limits()
        waiting = {change.name: change for change in open_changes(account.pk)}
        tighter = {
            name: value
            for name, value in wanted.items()
            if name != RESET_ZONE
            and value != getattr(limits, name)
            and is_tighter(name, value, getattr(limits, name))
        }
        looser = {
            name: value
            for name, value in wanted.items()
            if name not in tighter and value != _current(name, account, limits)
        }
        _withdraw([waiting[name] for name in tighter if name in waiting], by=by, now=now)
        _tighten(profile, tighter, by=by)
        limits = profile.limits()
        asked = [
            change
            for name, value in looser.items()
            if (change := _let_wait(account, name, value, limits, waiting.get(name), by, now))
        ]
        log_changes(account.pk, "asked", asked, limits, by=by)
    return Asked(tightened=tuple(sorted(tighter)), pending=tuple(open_changes(account.pk)))


def tighten(account: ExchangeAccount, wanted: Mapping[str, Any], *, by: Actor) -> Asked:
    """Make limits stricter for a trader. Raises: LoosenRefused, where anything would be laxer."""
    check(wanted)
    with transaction.atomic():
        _lock(account)
        limits = profile_of(account.pk).limits()
        for name, value in wanted.items():
            now = _current(name, account, limits)
            if value != now and (name == RESET_ZONE or not is_tighter(name, value, now)):
                raise LoosenRefused(
                    name,
                    value,
                    f"{describe(name).title} is {said(name, now)}: {said(name, value)} would be "
                    "laxer. Only the trader may ask for that, and it waits.",
                )
        return ask(account, wanted, by=by)


def withdraw(account: ExchangeAccount, change_id: UUID, *, by: Actor) -> PendingChange:
    """Take back a loosening that waits. Raises: NoSuchChange."""
    with transaction.atomic():
        now = _lock(account)
        change = open_changes(account.pk).filter(pk=change_id).first()
        if change is None:
            raise NoSuchChange("This change is not pending: it is in effect, or was withdrawn.")
        _withdraw([change], by=by, now=now)
    return change


def apply_due(
    account: ExchangeAccount, now: datetime, *, quote_of: QuoteOf = prices.latest
) -> list[PendingChange]:
    """Let every loosening take effect whose time has come. Safe to repeat, at any moment."""
    if not open_changes(account.pk).filter(earliest_at__lte=now).exists():
        return []
    with transaction.atomic():
        _lock(account)
        due = list(open_changes(account.pk).filter(earliest_at__lte=now))
        risk = AccountRisk.objects.get(account=account)
        book = read_book(account, risk=risk, symbol=NOTHING, quote_of=quote_of)
        profile = profile_of(account.pk)
        limits = profile.limits()
        done = []
        for change in due:
            if waits_for(
                account,
                change,
                limits,
                now=now,
                drawdown=book.drawdown,
                open_positions=book.open_positions,
            ):
                continue
            _put_in_force(account, profile, change, now)
            change.effective_at = now
            change.save(update_fields=["effective_at"])
            done.append(change)
        log_changes(
            account.pk,
            "effective",
            done,
            profile.limits(),
            by=RULE,
            drawdown=book.drawdown,
            open_positions=book.open_positions,
        )
    return done


def waits_for(
    account: ExchangeAccount,
    change: PendingChange,
    limits: Limits,
    *,
    now: datetime,
    drawdown: Decimal,
    open_positions: int,
) -> tuple[str, ...]:
    """All that a pending change still waits for, in sentences; empty where it is due."""
    _, first_reset = day_of(account, change.asked_at)
    _, waits = may_loosen(
        asked_at=change.asked_at,
        now=now,
        day_resets_since=int(now >= max(first_reset, change.earliest_at)),
        drawdown=drawdown,
        limit_drawdown=limits.max_drawdown,
        open_positions=open_positions,
    )
    if change.name == RESET_ZONE and not waits and not _forgets_nothing(account, change, now):
        waits = ("A moment at which the new zone's day began before the present day did.",)
    return waits


def _lock(account: ExchangeAccount) -> datetime:
    """Take the account's risk row, alone and before any read, and the moment after it."""
    lock_risk(account.pk)
    account.refresh_from_db(fields=["reset_zone"])
    return clock.now()


def _current(name: str, account: ExchangeAccount, limits: Limits) -> Any:
    return account.reset_zone if name == RESET_ZONE else getattr(limits, name)


def _tighten(profile: RiskProfile, tighter: Mapping[str, Any], *, by: Actor) -> None:
    if not tighter:
        return
    before = {name: as_text(getattr(profile, name)) for name in tighter}
    for name, value in tighter.items():
        setattr(profile, name, value)
    profile.save(update_fields=list(tighter))
    lines = [
        {"name": name, "from": before[name], "to": as_text(value)}
        for name, value in tighter.items()
    ]
    log_lines(profile.account_id, "tightened", lines, profile.limits(), by=by)


def _let_wait(
    account: ExchangeAccount,
    name: str,
    value: Any,
    limits: Limits,
    before: PendingChange | None,
    by: Actor,
    now: datetime,
) -> PendingChange | None:
    """A new pending change, or None where the same one waits already."""
    asked_at = now
    if before is not None:
        wished = from_text(name, before.to_value)
        if wished == value:
            return None
        if name != RESET_ZONE and is_tighter(name, value, wished):
            asked_at = before.asked_at  # less than what waits already: its clock goes on
        _withdraw([before], by=by, now=now)
    _, next_reset = day_of(account, asked_at)
    return PendingChange.objects.create(
        account_id=account.pk,
        name=name,
        from_value=as_text(_current(name, account, limits)),
        to_value=as_text(value),
        asked_at=asked_at,
        earliest_at=earliest(asked_at, next_reset),
    )


def _withdraw(changes: Sequence[PendingChange], *, by: Actor, now: datetime) -> None:
    for change in changes:
        change.withdrawn_at = now
        change.save(update_fields=["withdrawn_at"])
    if changes:
        limits = profile_of(changes[0].account_id).limits()
        log_changes(changes[0].account_id, "withdrawn", changes, limits, by=by)


def _put_in_force(
    account: ExchangeAccount, profile: RiskProfile, change: PendingChange, now: datetime
) -> None:
    value = from_text(change.name, change.to_value)
    if change.name != RESET_ZONE:
        setattr(profile, change.name, value)
        profile.save(update_fields=[change.name])
        return
    # The stored starts of day and week stay, under the new zone's dates: no limit starts afresh.
    account.reset_zone = value
    account.save(update_fields=["reset_zone"])
    local = now.astimezone(ZoneInfo(value)).date()
    risk = AccountRisk.objects.get(account=account)
    if risk.day is not None:
        risk.day = local
    if risk.week is not None:
        risk.week = local.fromordinal(local.toordinal() - local.weekday())
    save_risk(risk)


def _forgets_nothing(account: ExchangeAccount, change: PendingChange, now: datetime) -> bool:
    """Whether the day in the new zone began no later: nothing counted today drops out of it."""
    present, _ = day_of(account, now)
    moved = ExchangeAccount(reset_zone=change.to_value)
    return day_of(moved, now)[0] <= present
