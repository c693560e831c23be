"""Celery's door to the loop. Tasks carry an id and may run never, once or twice (R24)."""

from uuid import UUID

from celery import shared_task

from testudo import clock
from trading import chain_watch, ooda, points
from trading.exchange.factory import exchange_for
from trading.exchange.port import Exchange
from trading.models import ExchangeAccount


# No automatic retry around an exchange call: an unknown outcome is looked up, by the guard at last.
@shared_task(acks_late=True, reject_on_worker_lost=True, ignore_result=True, time_limit=30)
def run_turn(account_id: str) -> None:
    """One turn of the loop for one account. Lost or repeated, nothing breaks: see `ooda`."""
    key = UUID(account_id)

    def reach() -> Exchange:
        return exchange_for(ExchangeAccount.objects.get(pk=key))

    ooda.run_turn(key, exchange=reach, streamed=True)


@shared_task(ignore_result=True)
def mail_heads() -> None:
    """The daily look at every decision log: a task for each account that is due, and the mails
    that could not be sent before. Lost or repeated, nothing breaks: see `chain_watch`."""
    now = clock.now()
    for account in chain_watch.accounts_without_head(now):
        take_head.delay(str(account.pk))
    chain_watch.mail_heads(now)


@shared_task(ignore_result=True)
def take_head(account_id: str) -> None:
    """One account's daily look: verify the log, note its head, mail it."""
    now = clock.now()
    if chain_watch.take_head(ExchangeAccount.objects.get(pk=UUID(account_id)), now):
        chain_watch.mail_heads(now)


@shared_task(ignore_result=True)
def thin_points() -> None:
    """Old equity points to one an hour. Lost or repeated, nothing breaks."""
    now = clock.now()
    for account_id in ExchangeAccount.objects.values_list("pk", flat=True).iterator():
        points.thin(account_id, now=now)
