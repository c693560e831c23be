"""Remembered answers to repeated requests, and tries to confirm who one is: to look at."""

from django.contrib import admin

from testudo.web.models import IdempotencyKey, StepUpCount
from testudo.web.read_only import ReadOnlyAdmin


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    list_display = ("key", "user", "status", "created_at")
    list_select_related = ("user",)
    exclude = ("body",)


@admin.register(StepUpCount)
class StepUpCountAdmin(ReadOnlyAdmin):
    list_display = ("key", "tried", "began_at")
