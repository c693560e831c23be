"""A repeated request is answered, not done again: `Idempotency-Key` on whatever trades.

The key's row commits in the transaction of the work itself, so that an answer is remembered if and
only if the work was done. A second request with the same key waits for the first on that row.
"""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.db import OperationalError, connection, transaction
from django.utils import timezone
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from testudo.db import durable
from testudo.web.models import IdempotencyKey
from testudo.web.problems import MEDIA_TYPE, Problem

HEADER = "Idempotency-Key"
LONGEST_WAIT_MS = 2000
KEPT_FOR = timedelta(days=7)
_WELL_FORMED = re.compile(r"[A-Za-z0-9_-]{8,128}", re.ASCII)

View = Callable[..., Response]


def idempotent(view: View) -> View:
    """For a DRF view method that changes something. The user must be signed in.

    The view runs inside one transaction with its key. What it answers up to 4xx is kept and given
    again (`Idempotent-Replayed: true`); a 429, a 5xx or a crash undoes all and keeps nothing.
    The view must not open a `durable` transaction, and sends nothing outside before commit: use
    `transaction.on_commit`.
    """

    @wraps(view)
    def once(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = _key(request)
        print_ = fingerprint(request)
        with durable.atomic() as first:
            row, is_new = _claim(request.user.pk, key, print_, first=first)
            if not is_new:
                return _replay(row, print_)
            response = _answer(self, view, request, *args, **kwargs)
            if response.status_code >= 500 or response.status_code == 429:
                transaction.set_rollback(True)
            else:
                row.status = response.status_code
                row.body = JSONRenderer().render(response.data).decode()
                row.save(update_fields=["status", "body"])
        return response

    return once


def fingerprint(request: Request) -> str:
    """What the request asks for, whatever the order of its members: a SHA-256."""
    asked = json.dumps(
        [request.method, request.path, request.data], sort_keys=True, default=str, allow_nan=False
    )
    return hashlib.sha256(asked.encode()).hexdigest()


def forget_old_answers() -> int:
    """Delete answers older than a week. Returns how many."""
    deleted, _ = IdempotencyKey.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()
    return deleted


def _key(request: Request) -> str:
    key = request.headers.get(HEADER)
    if not key:
        raise Problem(
            400,
            "idempotency_key_required",
            "Send an Idempotency-Key",
            f"Send a header {HEADER} with a fresh random value, such as a UUID, for each order.",
        )
    if not _WELL_FORMED.fullmatch(key):
        raise Problem(
            400,
            "idempotency_key_invalid",
            "This Idempotency-Key cannot be used",
            f"Use 8 to 128 of A-Z, a-z, 0-9, dash and underscore in {HEADER}.",
        )
    return key


def _claim(user_id: Any, key: str, print_: str, *, first: str) -> tuple[IdempotencyKey, bool]:
    """The row of this key, and whether it is ours to fill. Waits for whoever is filling it.

    `first`: a statement to send before."""
    patience = f"SET LOCAL lock_timeout TO {LONGEST_WAIT_MS}"
    with connection.cursor() as cursor:
        cursor.execute(";".join(filter(None, [first, patience])))
    row = IdempotencyKey(user_id=user_id, key=key, fingerprint=print_)
    try:
        with transaction.atomic():
            # Does nothing where the key exists; where it is being written, waits for its outcome.
            IdempotencyKey.objects.bulk_create([row], ignore_conflicts=True)
            found = IdempotencyKey.objects.get(user_id=user_id, key=key)
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", None) != "55P03":  # lock not available
            raise
        raise Problem(
            409,
            "request_in_progress",
            "The first request with this key is still being worked on",
            "Ask again in a second with the same key: you will get its answer.",
            headers={"Retry-After": "1"},
        ) from None
    return found, found.status is None


def _replay(row: IdempotencyKey, print_: str) -> Response:
    if row.fingerprint != print_:
        raise Problem(
            422,
            "idempotency_key_reused",
            "This Idempotency-Key was used for another request",
            f"Send a fresh {HEADER} for each new order.",
        )
    response = Response(
        json.loads(row.body) if row.body else None,
        row.status,
        headers={"Idempotent-Replayed": "true"},
    )
    if row.status and row.status >= 400:
        response.content_type = MEDIA_TYPE
    return response


def _answer(self: Any, view: View, request: Request, *args: Any, **kwargs: Any) -> Response:
    """The view's answer. A refusal is one too; what is none is raised and undoes everything."""
    try:
        return view(self, request, *args, **kwargs)
    except Exception as error:
        refusal = self.handle_exception(error)  # raises what is no refusal
        assert isinstance(refusal, Response)
        return refusal
