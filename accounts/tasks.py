"""Housekeeping. Started by Celery beat; lost or repeated, no harm."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from accounts.models import SignInCount


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def forget_sign_in_tries() -> None:
    """Delete counts whose window is over: the next try would begin anew in any case."""
    SignInCount.objects.filter(began_at__lt=timezone.now() - settings.AXES_COOLOFF_TIME).delete()
