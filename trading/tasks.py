"""Celery's door to the loop. Tasks carry an id and may run never, once or twice (R24)."""

from uuid import UUID

from celery import shared_task

from trading import ooda
from trading.exchange.factory import exchange_for
from trading.models import ExchangeAccount


# No automatic retry around an exchange call: an unknown outcome is looked up, by the guard at last.
@shared_task(acks_late=True, reject_on_worker_lost=True, ignore_result=True, time_limit=30)
def run_turn(account_id: str) -> None:
    """One turn of the loop for one account. Lost or repeated, nothing breaks: see `ooda`."""
    account = ExchangeAccount.objects.get(pk=UUID(account_id))
    ooda.run_turn(account.pk, exchange=exchange_for(account))
