"""The Celery application. Celery only wakes work up; what is due stands in PostgreSQL (R24)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "testudo.settings")

app = Celery("testudo")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
