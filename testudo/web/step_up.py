"""Asking again who is there, before what must not be done with a browser left open (R30).

`POST /api/v1/step-up` takes the password and marks the session for five minutes; a door that needs
it wears `@stepped_up`, or calls `require(request)` where only some requests need it. Tries are
counted exactly as at sign-in. A second factor joins by adding its proof to `PROOFS`.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate
from django.dispatch import Signal
from django.http import HttpRequest
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from testudo import clock
from testudo.web.problems import Problem, invalid
from testudo.web.serializers import StrictSerializer, read_body

GOOD_FOR = timedelta(minutes=5)
MARK = "step_up"  # in the session
CODE = "step_up_required"

# Sent with `request` and `user` when someone has proved who they are: tries start over.
proved = Signal()

View = Callable[..., Response]
Proof = Callable[[HttpRequest, str], bool]


def by_password(request: HttpRequest, secret: str) -> bool:
    """Whether this is the password of the one signed in. A wrong one counts as at sign-in.

    Raises: Problem (429), where it was tried too often: then even the right one waits.
    """
    user = request.user
    found = authenticate(request, username=user.get_username(), password=secret)
    if getattr(request, "axes_locked_out", False):
        request.axes_locked_out = False  # type: ignore[attr-defined]  # a problem, not axes' page
        wait = int(settings.AXES_COOLOFF_TIME.total_seconds())
        raise Problem(
            429,
            "too_many_tries",
            "Too many wrong passwords",
            f"Wait {wait // 60} minutes, then try again.",
            headers={"Retry-After": str(wait)},
        )
    return found is not None and found.pk == user.pk


PROOFS: dict[str, Proof] = {"password": by_password}  # field of the request: its proof


def fresh_until(request: HttpRequest | Request) -> datetime | None:
    """Until when this session counts as proved; None where it does not."""
    session = getattr(request, "session", None)
    mark = session.get(MARK) if session is not None else None
    if not mark or mark.get("user") != str(request.user.pk):
        return None
    at = datetime.fromtimestamp(mark["at"], UTC)
    until, now = at + GOOD_FOR, clock.now()
    return until if at <= now < until else None


def require(request: HttpRequest | Request) -> None:
    """Raises: Problem (403, `step_up_required`), where the session was not proved just now."""
    if fresh_until(request) is None:
        raise Problem(
            403,
            CODE,
            "Confirm that it is you",
            "Send your password to /api/v1/step-up, then repeat this within 5 minutes.",
        )


def stepped_up(view: View) -> View:
    """For a method of an APIView that must not be done with a browser left open."""

    @wraps(view)
    def guarded(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        require(request)
        return view(self, request, *args, **kwargs)

    return guarded


class StepUpForm(StrictSerializer):
    password = serializers.CharField(max_length=1024, trim_whitespace=False, write_only=True)


class StepUpView(APIView):
    """Prove again who you are. Good for five minutes in this session."""

    @extend_schema(request=StepUpForm, responses={204: None}, tags=["me"])
    def post(self, request: Request) -> Response:
        asked = read_body(StepUpForm, request)
        ((kind, secret),) = asked.items()
        below: HttpRequest = request._request
        if not PROOFS[kind](below, secret):
            message = "This is not your password. Type it again."
            raise invalid(kind, None, message, code="wrong_password")
        below.session[MARK] = {
            "at": int(clock.now().timestamp()),
            "user": str(request.user.pk),
            "by": kind,
        }
        proved.send(sender=StepUpView, request=below, user=request.user)
        return Response(status=204)
