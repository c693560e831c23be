"""The account's days and weeks in its reset zone: when they begin, and what it was worth then.

What a limit is measured from is stored, not remembered: a restart changes no limit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db import transaction

from testudo import clock
from trading.book_facts import QuoteOf, facts_of_account
from trading.book_totals import worth
from trading.models import AccountRisk, ExchangeAccount
from trading.risk_lock import lock_risk, save_risk

LATE = timedelta(minutes=5)  # a first equity taken later than this is marked so


def day_of(account: ExchangeAccount, moment: datetime) -> tuple[datetime, datetime]:
    """Start and end of the account's trading day in its reset zone; 23 or 25 hours happen."""
    today = local_date(account, moment)
    return midnight(account, today), midnight(account, today + timedelta(days=1))


def week_of(account: ExchangeAccount, moment: datetime) -> tuple[datetime, datetime]:
    """Start and end of its week, from Monday's reset to the next."""
    monday = monday_of(local_date(account, moment))
    return midnight(account, monday), midnight(account, monday + timedelta(days=7))


def local_date(account: ExchangeAccount, moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(account.reset_zone)).date()


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def midnight(account: ExchangeAccount, day: date) -> datetime:
    start = datetime.combine(day, time(), ZoneInfo(account.reset_zone))
    return start.astimezone(clock.now().tzinfo)


@dataclass(frozen=True, slots=True, kw_only=True)
class Starts:
    """What the running day and week began with. Not stored yet: with the present equity."""

    day_equity: Decimal
    week_equity: Decimal
    day_stored: bool
    week_stored: bool
    day_began: datetime
    day_ends: datetime
    week_began: datetime
    week_ends: datetime


def starts_of(
    account: ExchangeAccount, risk: AccountRisk, now: datetime, equity: Decimal
) -> Starts:
    """The stored figures where they are of today and of this week."""
    today = local_date(account, now)
    day_began, day_ends = day_of(account, now)
    week_began, week_ends = week_of(account, now)
    day = risk.day_start_equity if risk.day == today else None
    week = risk.week_start_equity if risk.week == monday_of(today) else None
    return Starts(
        day_equity=equity if day is None else day,
        week_equity=equity if week is None else week,
        day_stored=day is not None,
        week_stored=week is not None,
        day_began=day_began,
        day_ends=day_ends,
        week_began=week_began,
        week_ends=week_ends,
    )


def is_new_day(account: ExchangeAccount, risk: AccountRisk, now: datetime) -> bool:
    """Whether the stored day is not today's. A new week always begins with a new day."""
    return risk.day != local_date(account, now)


def begin_days(accounts: Iterable[ExchangeAccount], *, quote_of: QuoteOf) -> int:
    """Store the first equity where a new day has begun, and where a new week has. Returns how many
    accounts began one."""
    return sum(begin_day(account, quote_of=quote_of) for account in accounts)


def begin_day(account: ExchangeAccount, *, quote_of: QuoteOf) -> bool:
    """The same for one account. False: its day had begun, or its books were never matched."""
    now = clock.now()
    with transaction.atomic():
        risk = lock_risk(account.pk)
        if account.reconciled_at is None or not is_new_day(account, risk, now):
            return False
        facts = facts_of_account(account)
        # The higher of balance and equity: PROTOCOL 2.
        start = max(facts.booked, worth(facts, venue=account.venue, quote_of=quote_of))
        _store_day(account, risk, start, now)
        _store_week(account, risk, start, now)
        save_risk(risk)
    return True


def _store_day(account: ExchangeAccount, risk: AccountRisk, equity: Decimal, now: datetime) -> None:
    risk.day = local_date(account, now)
    risk.day_start_equity, risk.day_start_at = equity, now
    risk.day_start_late = now - midnight(account, risk.day) > LATE


def _store_week(
    account: ExchangeAccount, risk: AccountRisk, equity: Decimal, now: datetime
) -> None:
    monday = monday_of(local_date(account, now))
    if risk.week == monday:
        return
    risk.week = monday
    risk.week_start_equity, risk.week_start_at = equity, now
    risk.week_start_late = now - midnight(account, monday) > LATE
