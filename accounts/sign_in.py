"""How often a password may be tried, counted exactly, and what someone who may not sees.

django-axes keeps the record of failures for the admin. It looks before the check and writes after
it, so tries at the same instant pass it together; `CountedBackend` counts before, in one statement.
"""

import hashlib
from typing import Any

from axes.utils import reset as axes_reset
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import PermissionDenied
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts import names
from accounts.models import SignInCount, User
from testudo.db.lookup import Lookup


def name_of(request: HttpRequest | None, credentials: dict[str, Any] | None) -> str:
    """The user name meant, however it was written and whether or not it exists."""
    typed = (credentials or {}).get("username")
    if typed is None and request is not None:
        typed = request.POST.get("username")
    name = names.plain(str(typed or ""))[: names.EMAIL_LENGTH]
    if "@" in name and "\x00" not in name:  # an address counts as the name it belongs to
        known = User.objects.filter(email__lower=name).values_list("username", flat=True).first()
        return known or name
    return name


def peer_of(request: HttpRequest) -> str:
    """The address of the peer. What headers say about it anyone can write (B60)."""
    return str(request.META.get("REMOTE_ADDR", ""))


class CountedBackend:
    """First among the authentication backends: lets a password be tried, or ends the attempt."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, **credentials: Any
    ) -> None:
        """Count the try. Raises: PermissionDenied, beyond the limit, before any password check."""
        if request is None:
            return
        key = _key(name_of(request, {"username": username}), peer_of(request))
        tried = SignInCount.count(key, window=settings.AXES_COOLOFF_TIME)
        if tried > settings.AXES_FAILURE_LIMIT:
            request.axes_locked_out = True  # type: ignore[attr-defined]
            raise PermissionDenied

    def get_user(self, user_id: object) -> None:
        return None  # it lets nobody in


_BY_KEY = Lookup("user_by_key", lambda key: User.objects.filter(pk=key), {"key": "uuid"})


class PasswordBackend(ModelBackend):
    """The password, as upstream checks it; who a session belongs to, by a prepared query."""

    def get_user(self, user_id: Any) -> User | None:
        user = _BY_KEY.find(key=user_id)
        return user if user is not None and self.user_can_authenticate(user) else None


@receiver(user_logged_in)
def start_over(request: HttpRequest | None, user: Any, **_: object) -> None:
    """A password that was right forgets the tries before it."""
    if request is not None:
        SignInCount.objects.filter(key=_key(user.get_username(), peer_of(request))).delete()
        axes_reset(ip=peer_of(request), username=user.get_username())


def locked_out(
    request: HttpRequest, response: HttpResponse | None = None, credentials: Any = None
) -> HttpResponse:
    """The same page for every name, known or not."""
    wait = int(settings.AXES_COOLOFF_TIME.total_seconds())
    page = render(request, "accounts/locked_out.html", {"minutes": wait // 60}, status=429)
    page.headers["Retry-After"] = str(wait)
    return page


def _key(name: str, peer: str) -> str:
    return hashlib.sha256(f"{name}\n{peer}".encode()).hexdigest()
