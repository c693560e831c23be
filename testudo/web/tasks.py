"""Housekeeping of what every door shares. Started by Celery beat; lost or repeated, no harm."""

from celery import shared_task
from django.core.management import call_command

from testudo.web import idempotency


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def tidy_up() -> None:
    """Forget answers older than a week, and sessions that ended."""
    idempotency.forget_old_answers()
    call_command("clearsessions")
