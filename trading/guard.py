"""The guard's eyes: which accounts have work due, read from PostgreSQL alone (R9, R24)."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q

from trading.book import begin_days, day_of
from trading.decide import POLL_EVERY, SENDING_LEASE
from trading.market import prices
from trading.models import AccountRisk, ExchangeAccount, Order, Trade
from trading.order_states import State, TradeState

UNCLAIMED_FOR = timedelta(seconds=1)  # Celery had its chance


def due_accounts(now: datetime) -> set[UUID]:
    """Accounts for which a turn of the loop would find something to do."""
    orders = Order.objects.filter(
        Q(state=State.PLANNED, created_at__lte=now - UNCLAIMED_FOR)
        | Q(state=State.SENDING, claimed_at__lte=now - SENDING_LEASE)
        | Q(state=State.UNKNOWN) & (Q(next_look_at=None) | Q(next_look_at__lte=now))
    )
    trades = Trade.objects.filter(
        Q(state__in=[TradeState.ENTERING, TradeState.CLOSING])
        | Q(state=TradeState.OPEN)
        & (
            Q(naked_since__isnull=False)
            | Q(protected_at=None)
            | Q(close_requested_at__isnull=False)
            | Q(polled_at=None)
            | Q(polled_at__lte=now - POLL_EVERY)
        )
    )
    return {
        *orders.values_list("account_id", flat=True),
        *trades.values_list("account_id", flat=True),
    }


def begin_new_days(now: datetime) -> int:
    """Store the first equity of a new trading day, for the accounts where one has begun."""
    rows = AccountRisk.objects.select_related("account").filter(account__removed_at=None)
    return begin_days(_at_a_new_day(rows, now), quote_of=prices.latest)


def _at_a_new_day(rows: Iterable[AccountRisk], now: datetime) -> list[ExchangeAccount]:
    begun = []
    for row in rows:
        start, _ = day_of(row.account, now)
        today = start.astimezone(ZoneInfo(row.account.reset_zone)).date()
        if row.day != today:
            begun.append(row.account)
    return begun
