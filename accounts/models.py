"""Who you are. The role lives here and nowhere else, never in a token."""

import zoneinfo
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from accounts import names
from testudo.db.ids import new_id
from testudo.db.tries import TryCount


class Role(models.TextChoices):
    """What someone may do. Nobody trades for another: an admin halts and tightens."""

    TRADER = "trader", "Trader"
    SUPPORT = "support", "Support (reads the admin site)"
    ADMIN = "admin", "Admin"


class Theme(models.TextChoices):
    SYSTEM = "system", "As the device"
    LIGHT = "light", "Light"
    DARK = "dark", "Dark"


def validate_time_zone(value: str) -> None:
    if value not in zoneinfo.available_timezones():
        raise ValidationError(
            "%(value)s is no IANA time zone. Write for example Europe/Berlin.",
            code="time_zone",
            params={"value": value},
        )


class UserManager(BaseUserManager["User"]):
    def create_user(
        self, username: str, email: str, password: str | None = None, **fields: Any
    ) -> "User":
        """A new user, checked as a form would. Raises: ValidationError."""
        user = self.model(username=names.plain(username), email=names.plain(email), **fields)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save(using=self._db)
        return user

    def create_superuser(
        self, username: str, email: str, password: str | None = None, **fields: Any
    ) -> "User":
        return self.create_user(username, email, password, **{**fields, "role": Role.ADMIN})

    def get_by_natural_key(self, username: str | None) -> "User":
        """Who signs in as `username`, which may be their e-mail address, in any case."""
        name = names.plain(username or "")
        return self.get(email__lower=name) if "@" in name else self.get(username=name)


class User(AbstractBaseUser):
    """A person with a sign-in. Never deleted while an account, an order or the law needs them."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    username = models.CharField(max_length=32, unique=True, validators=[names.validate_username])
    email = models.CharField(max_length=names.EMAIL_LENGTH, validators=[names.validate_address])
    role = models.CharField(max_length=8, choices=Role, default=Role.TRADER)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    theme = models.CharField(max_length=6, choices=Theme, default=Theme.SYSTEM)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["email"]

    objects = UserManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_once",
                violation_error_message="This address already has a sign-in.",
            ),
            models.CheckConstraint(
                name="user_name_plain", condition=Q(username__regex=names.USERNAME)
            ),
            models.CheckConstraint(name="user_role_known", condition=Q(role__in=Role.values)),
            models.CheckConstraint(name="user_theme_known", condition=Q(theme__in=Theme.values)),
        ]

    def __str__(self) -> str:
        return self.username

    def clean(self) -> None:
        self.username, self.email = names.plain(self.username), names.plain(self.email)

    @property
    def is_staff(self) -> bool:
        """May enter the admin site."""
        return self.role in (Role.SUPPORT, Role.ADMIN)

    @property
    def is_superuser(self) -> bool:
        return self.role == Role.ADMIN

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Django's question, answered by the role: an admin may, support may look."""
        if not self.is_active:
            return False
        return self.is_superuser or (self.is_staff and perm.partition(".")[2].startswith("view_"))

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and self.is_staff


# `email__lower=` asks in the words of the unique index, and so is answered by it.
User._meta.get_field("email").register_lookup(Lower)


class SignInCount(TryCount):
    """How often a password was tried for one name from one address since the window began."""
