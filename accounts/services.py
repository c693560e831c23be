"""Changes to people."""

from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from accounts import names
from accounts.models import Role, User


class NoSuchUser(LookupError):
    """Nobody has this name."""


def find(username: str) -> User:
    """Raises: NoSuchUser."""
    try:
        return User.objects.get_by_natural_key(username)
    except User.DoesNotExist:
        raise NoSuchUser(f"There is no user {username}.") from None


def set_role(*, username: str, role: Role) -> tuple[Role, Role]:
    """Give the user the role. Returns the role before and after. Raises: NoSuchUser."""
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=find(username).pk)
        before = Role(user.role)
        user.role = role
        user.save(update_fields=["role"])
    return before, role


def ensure_user(*, username: str, email: str, password: str, role: Role) -> tuple[User, bool]:
    """The user with exactly this address, password and role, made if absent.

    A password that already fits is left alone, so that open sessions stay. Returns the user and
    whether it is new. Raises: ValidationError.
    """
    with transaction.atomic():
        user = User.objects.select_for_update().filter(username=names.plain(username)).first()
        if user is None:
            validate_password(password, User(username=username, email=email))
            return User.objects.create_user(username, email, password, role=role), True
        user.email, user.role, user.is_active = names.plain(email), role, True
        if not user.check_password(password):
            validate_password(password, user)
            user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save()
        return user, False
