"""The one door to what belongs to someone: another's is absent, in the same words and time."""

from functools import cache
from typing import Any, Protocol
from uuid import UUID

from django.apps import apps

from testudo.db.lookup import Lookup
from testudo.web.problems import not_found


class Owned(Protocol):
    """A manager or queryset with a door: only what the user may see comes through."""

    def for_principal(self, user: Any) -> Any: ...


def get_owned(owned: Owned, user: Any, pk: object, *, thing: str = "object") -> Any:
    """The user's own object with this key. Raises: Problem (404), if absent or another's alike.

    One query with both conditions: whether the row exists at all cannot be read off the time.
    """
    found = owned.for_principal(user).filter(pk=_key(pk, thing=thing)).first()
    if found is None:
        raise not_found(thing)
    return found


def get_account(user: Any, account_id: object) -> Any:
    """The user's own exchange account. Raises: Problem (404)."""
    key = _key(account_id, thing="account")
    found = own_account().find(user=user.pk, key=key)
    if found is None:
        raise not_found("account")
    return found


def _key(value: object, *, thing: str) -> UUID:
    """Raises: Problem (404), where this is no key of anything."""
    try:
        return value if isinstance(value, UUID) else UUID(str(value))
    except ValueError:
        raise not_found(thing) from None


@cache
def own_account() -> Lookup[Any]:
    """The door itself: `user` and `key` to one account of theirs. Use `get_account`, unless the
    account is to be found by a statement that reads more."""
    # Asked of the registry: the foundation imports no app.
    accounts = apps.get_model("trading", "ExchangeAccount").objects
    return Lookup(
        "own_account",
        lambda user, key: accounts.for_principal(user).filter(pk=key),
        {"user": "uuid", "key": "uuid"},
    )
