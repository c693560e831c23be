"""Asking again who is there, before what must not be done with a browser left open (R30).

`POST /api/v1/step-up` takes the password and marks the session for five minutes; a door that needs
it wears `@stepped_up`, or calls `require(request)` where only some requests need it. Tries have a
count and a lock of their own, one for each person: someone who guesses in a browser left open locks
this confirmation, not the owner's way in. A second factor joins by adding its proof to `PROOFS`.
"""

import hashlib
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from testudo import clock
from testudo.web.models import StepUpCount
from testudo.web.problems import Problem, invalid
from testudo.web.serializers import StrictSerializer, read_body

GOOD_FOR = timedelta(minutes=5)
MOST_TRIES = 5
LOCKED_FOR = timedelta(minutes=15)  # since the first of them
MARK = "step_up"  # in the session
CODE = "step_up_required"

View = Callable[..., Response]
Proof = Callable[[HttpRequest, str], bool]


class TooManyTries(Exception):
    """Even the right password waits now. The message says for how long, and what is not locked."""

    def __init__(self, wait: timedelta) -> None:
        self.seconds = max(1, math.ceil(wait.total_seconds()))
        minutes = math.ceil(self.seconds / 60)
        super().__init__(
            f"Wait {minutes} {'minute' if minutes == 1 else 'minutes'}, then try again. Only this "
            "confirmation is locked: signing in, halts, stops and exits need none."
        )


def try_password(user: AbstractBaseUser, secret: str) -> bool:
    """Whether this is the user's password. Counted before it is looked at, so that no number of
    tries at once passes the limit. Raises: TooManyTries."""
    key = hashlib.sha256(str(user.pk).encode()).hexdigest()
    tried, wait = StepUpCount.count_and_wait(key, window=LOCKED_FOR)
    if tried > MOST_TRIES:
        raise TooManyTries(wait)
    if not user.check_password(secret):
        return False
    StepUpCount.objects.filter(key=key).delete()  # the right one forgets the tries before it
    return True


def by_password(request: HttpRequest, secret: str) -> bool:
    """Whether this is the password of the one signed in.

    Raises: Problem (429), where it was tried too often: then even the right one waits.
    """
    try:
        return try_password(request.user, secret)  # type: ignore[arg-type]
    except TooManyTries as locked:
        raise Problem(
            429,
            "too_many_tries",
            "Too many wrong passwords",
            str(locked),
            headers={"Retry-After": str(locked.seconds)},
        ) from locked


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
        return Response(status=204)
