"""Binds one correlation id for each request, says it back, and writes one line about the answer."""

import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from testudo.observability import correlation

log = structlog.get_logger("testudo.request")

_QUIET = ("/healthz", "/readyz", "/static/")


class CorrelationMiddleware:
    """First of all middleware, so that whatever the others log carries the id."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.monotonic()
        with correlation.bind(request.headers.get(correlation.HEADER)) as current:
            response = self.get_response(request)
            response.headers[correlation.HEADER] = current
            if not request.path.startswith(_QUIET):
                log.info(
                    "request",
                    method=request.method,
                    path=request.path,  # without the query: it may hold what no log should
                    status=response.status_code,
                    ms=round((time.monotonic() - began) * 1000, 1),
                    user=_user_id(request),
                )
        return response


def _user_id(request: HttpRequest) -> str | None:
    """The user, if the view came to know them: a log line alone asks no database."""
    user = getattr(request, "_cached_user", None)
    return str(user.pk) if user is not None and user.is_authenticated else None
