"""What other apps may ask about people: questions only, answered with frozen values."""

from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from accounts.models import Role, Theme, User

__all__ = ["Person", "Role", "Theme", "admins", "person"]


@dataclass(frozen=True, slots=True)
class Person:
    id: UUID
    username: str
    email: str
    role: Role
    time_zone: ZoneInfo
    theme: Theme
    is_active: bool


def person(user_id: UUID) -> Person | None:
    """The person, or None where there is no such user."""
    user = User.objects.filter(pk=user_id).first()
    return _person(user) if user else None


def admins() -> tuple[Person, ...]:
    """Everyone who may halt and resume for all, by name; a global resume takes two (R19)."""
    found = User.objects.filter(role=Role.ADMIN, is_active=True).order_by("username")
    return tuple(_person(user) for user in found)


def _person(user: User) -> Person:
    return Person(
        id=user.pk,
        username=user.username,
        email=user.email,
        role=Role(user.role),
        time_zone=ZoneInfo(user.time_zone),
        theme=Theme(user.theme),
        is_active=user.is_active,
    )
