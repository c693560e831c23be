"""The daily look at every decision log: verify it, halt what does not hold, mail its head.

The head in the trader's mailbox is the witness outside of our reach: whoever rewrote the log later
could not rewrite that. One head a day and account; lost or repeated, this does no harm.
"""

from datetime import date, datetime, timedelta
from smtplib import SMTPException
from zoneinfo import ZoneInfo

import structlog
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F, OuterRef, Q, Subquery

from risk.breaker import Cause
from testudo import clock
from trading import breakers, decisions
from trading.book import day_of
from trading.models import ChainBreak, Decision, DecisionHead, ExchangeAccount
from trading.risk_lock import lock_risk

log = structlog.get_logger(__name__)

MONDAY = 0
CLAIM_LASTS = timedelta(minutes=10)  # after that its mailer is taken for dead
MAIL = """Head of your decision log of the account "{name}" ({venue}) at the reset of {day}:

    {number} {digest}

Keep this mail. Your export of the log can be checked against it at any time:

    python3 verify.py --head {digest}

If that head is not in the log, the log was rewritten after this mail was sent.
"""


def verify(account: ExchangeAccount, *, after: DecisionHead | None = None) -> list[decisions.Break]:
    """Check one account's chain, whole or `after` a head. A break that nobody has looked into
    halts the account."""
    broken = list(decisions.breaks(account.pk, after=after))
    if not broken:
        return []
    with transaction.atomic():
        lock_risk(account.pk)
        for each in broken:
            ChainBreak.objects.get_or_create(
                account=account, number=each.number, text=each.text[:200]
            )
        if ChainBreak.objects.filter(account=account, accepted_at=None).exists():
            first = broken[0]
            reason = f"The decision log does not hold: {first.text}"
            breakers.open_breaker(account.pk, Cause.CHAIN, reason=reason, by="rule")
    log.error("decision_chain_broken", account=str(account.pk), breaks=len(broken))
    return broken


def accounts_without_head(now: datetime) -> list[ExchangeAccount]:
    """The accounts whose day began since their last head, and whose log has grown since: one task
    each. Whether there is a head to take, `take_head` decides."""
    logs = Decision.objects.filter(account=OuterRef("pk")).order_by("-number")
    heads = DecisionHead.objects.filter(account=OuterRef("pk")).order_by("-day")
    grown = ExchangeAccount.objects.filter(removed_at=None).annotate(
        newest=Subquery(logs.values("number")[:1]),
        oldest_at=Subquery(logs.reverse().values("created_at")[:1]),
        last=Subquery(heads.values("number")[:1]),
        last_day=Subquery(heads.values("day")[:1]),
    )
    due = []
    for account in grown.filter(Q(last=None) | Q(newest__gt=F("last")), newest__isnull=False):
        begun, day = _day_of(account, now)
        if account.oldest_at < begun and (account.last_day is None or account.last_day < day):
            due.append(account)
    return due


def take_head(account: ExchangeAccount, now: datetime) -> bool:
    """Verify the account's log and note its head at the last reset, once a day.

    Walked from the last head on, which was verified when it was taken; on Mondays from the first
    record. False: there is nothing new, or the log does not hold.
    """
    begun, day = _day_of(account, now)
    last = DecisionHead.objects.filter(account=account).order_by("-day").first()
    if last is not None and last.day >= day:
        return False
    newest = (
        Decision.objects.filter(account=account, created_at__lt=begun)
        .order_by("-number")
        .only("number", "digest")
        .first()
    )
    if newest is None or (last is not None and newest.number <= last.number):
        return False
    if verify(account, after=None if day.weekday() == MONDAY else last):
        return False  # no head is vouched for while the log does not hold
    _, made = DecisionHead.objects.get_or_create(
        account=account,
        day=day,
        defaults={"number": newest.number, "digest": newest.digest, "created_at": now},
    )
    return made


def _day_of(account: ExchangeAccount, now: datetime) -> tuple[datetime, date]:
    """When the account's day began, and its date in the account's reset zone."""
    begun, _ = day_of(account, now)
    return begun, begun.astimezone(ZoneInfo(account.reset_zone)).date()


def mail_heads(now: datetime) -> int:
    """Mail every head that was noted and not sent. Returns how many were sent."""
    sent = 0
    free = Q(claimed_at=None) | Q(claimed_at__lt=now - CLAIM_LASTS)
    for head in DecisionHead.objects.filter(free, sent_at=None).select_related("account__user"):
        # Claimed by compare-and-set, and sent outside of any transaction: a mail server is slow.
        if not DecisionHead.objects.filter(free, pk=head.pk, sent_at=None).update(claimed_at=now):
            continue
        try:
            _mail(head)
        except (OSError, SMTPException) as error:
            log.warning("decision_head_not_mailed", head=str(head.pk), error=str(error))
            continue  # the claim runs out, and it is tried again
        DecisionHead.objects.filter(pk=head.pk).update(sent_at=clock.now())
        sent += 1
    return sent


def _mail(head: DecisionHead) -> None:
    account = head.account
    text = MAIL.format(
        name=account.name,
        venue=account.venue,
        day=head.day,
        number=head.number,
        digest=head.digest,
    )
    EmailMessage(
        subject=f"Testudo: head of your decision log, {head.day}",
        body=text,
        to=[account.user.email],
        # The same for a repeat: mail programs show it once.
        headers={"Message-ID": f"<decision-head-{head.pk}@testudo>"},
    ).send()
