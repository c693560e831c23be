"""People, for admins: to look, to close a sign-in, to change a role. Passwords are never shown."""

from django.contrib import admin
from django.contrib.auth.models import Group
from django.http import HttpRequest

from accounts.models import SignInCount, User
from testudo.web.read_only import ReadOnlyAdmin

admin.site.unregister(Group)  # the role decides; groups would decide nothing


@admin.register(User)
class UserAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("username", "email", "role", "is_active", "last_login", "created_at")
    list_filter = ("role", "is_active")
    search_fields = ("username", "email")
    fields = (
        "id",
        "username",
        "email",
        "role",
        "is_active",
        "time_zone",
        "theme",
        "last_login",
        "created_at",
    )
    readonly_fields = ("id", "username", "last_login", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # `manage.py ensure_user`: the admin site takes no passwords

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False  # orders and the log point here; close the sign-in instead


@admin.register(SignInCount)
class SignInCountAdmin(ReadOnlyAdmin):
    list_display = ("key", "tried", "began_at")
