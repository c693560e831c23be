"""The one door to what belongs to someone: another's is absent, in the same words and time."""

from typing import Any, Protocol
from uuid import UUID

from django.apps import apps

from testudo.web.problems import not_found


class Owned(Protocol):
    """A manager or queryset with a door: only what the user may see comes through."""

    def for_principal(self, user: Any) -> Any: ...


def get_owned(owned: Owned, user: Any, pk: object, *, thing: str = "object") -> Any:
    """The user's own object with this key. Raises: Problem (404), if absent or another's alike.

    One query with both conditions: whether the row exists at all cannot be read off the time.
    """
    if not isinstance(pk, UUID):
        try:
            pk = UUID(str(pk))
        except ValueError:
            raise not_found(thing) from None
    found = owned.for_principal(user).filter(pk=pk).first()
    if found is None:
        raise not_found(thing)
    return found


def get_account(user: Any, account_id: object) -> Any:
    """The user's own exchange account. Raises: Problem (404)."""
    # Asked of the registry: the foundation imports no app.
    accounts = apps.get_model("trading", "ExchangeAccount").objects
    return get_owned(accounts, user, account_id, thing="account")
