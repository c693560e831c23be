"""Remembered answers to repeated requests, to look at."""

from django.contrib import admin

from testudo.web.models import IdempotencyKey
from testudo.web.read_only import ReadOnlyAdmin


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    list_display = ("key", "user", "status", "created_at")
    list_select_related = ("user",)
    exclude = ("body",)
