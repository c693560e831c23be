"""Housekeeping of what every door shares. Started by Celery beat; lost or repeated, no harm."""

from celery import shared_task
from django.core.management import call_command
from django.utils import timezone

from testudo.web import idempotency, step_up
from testudo.web.models import StepUpCount


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def tidy_up() -> None:
    """Forget answers older than a week, tries whose lock is over, and sessions that ended."""
    idempotency.forget_old_answers()
    StepUpCount.objects.filter(began_at__lt=timezone.now() - step_up.LOCKED_FOR).delete()
    call_command("clearsessions")
