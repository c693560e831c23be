"""What went wrong, as RFC 9457 problems: a stable `code`, the field, the value, the way out."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions
from rest_framework.response import Response

MEDIA_TYPE = "application/problem+json"
SECRET_FIELDS = re.compile(r"key|secret|password|token|signature|code", re.I)
SHOWN = 64  # characters of a refused value that are said back
# None: the connection was lost or refused, or no pooled one became free; shut down, starting up.
_AWAY = {None, "57P01", "57P02", "57P03", "53300"}
_BUSY = {"55P03", "40P01", "40001"}  # lock not available, deadlock, serialisation

log = structlog.get_logger(__name__)

# status → (code, title) where an exception names none of its own
TITLES = {
    400: ("bad_request", "This request cannot be understood"),
    401: ("not_authenticated", "Sign in first"),
    403: ("forbidden", "Not allowed"),
    404: ("not_found", "Not found"),
    405: ("method_not_allowed", "This address does not take that method"),
    406: ("not_acceptable", "Only JSON is served here"),
    413: ("too_large", "The request is too large"),
    415: ("unsupported_media_type", "Send application/json in UTF-8"),
    429: ("too_many_requests", "Too many requests"),
    500: ("internal_error", "Something broke on our side"),
    503: ("busy", "Busy; try again"),
}


class Problem(Exception):
    """A refusal with everything its reader needs. Raise it anywhere below an API view.

    `errors` are {"field", "value", "message"}; `extra` adds members of its own to the document.
    """

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str = "",
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {detail or title}")
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.errors = list(errors)
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})

    def document(self) -> dict[str, Any]:
        return {
            "type": f"urn:testudo:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "errors": self.errors,
            **self.extra,
        }


def not_found(thing: str = "object") -> Problem:
    """The one answer for what is absent and for what is another's."""
    return Problem(404, "not_found", "Not found", f"There is no such {thing}.")


def invalid(field: str, value: object, message: str, *, code: str = "invalid") -> Problem:
    """A 400 about one field."""
    error = {"field": field, "value": shown(field, value), "message": message}
    return Problem(400, code, "Some of this cannot be", f"{field}: {message}", errors=[error])


def shown(field: str, value: object) -> str | None:
    """A refused value as it may be said back: short, and never a secret."""
    if value is None or isinstance(value, dict | list):
        return None
    if SECRET_FIELDS.search(field):
        return None
    text = "true" if value is True else "false" if value is False else str(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's hook. None lets an unexpected error through to the 500 handler and its alarm."""
    problem = _problem_of(error, context.get("request"))
    if problem is None:
        return None
    response = Response(problem.document(), problem.status, headers=problem.headers)
    response.content_type = MEDIA_TYPE
    return response


def plain_response(problem: Problem) -> HttpResponse:
    """The problem outside of DRF: Django's own 404s, 400s and 500s under /api/."""
    return HttpResponse(
        json.dumps(problem.document()),
        status=problem.status,
        content_type=MEDIA_TYPE,
        headers=problem.headers,
    )


def of_status(status: int, detail: str = "", **extra: Any) -> Problem:
    code, title = TITLES[status]
    return Problem(status, code, title, detail, extra=extra)


def _problem_of(error: Exception, request: Any) -> Problem | None:
    if isinstance(error, Problem):
        return error
    if isinstance(error, exceptions.ValidationError):
        return _of_validation(error, request)
    if isinstance(error, exceptions.APIException):
        return _of_api_exception(error)
    if isinstance(error, Http404):
        return not_found()
    if isinstance(error, PermissionDenied):
        return of_status(403)
    if isinstance(error, RequestDataTooBig):
        return of_status(413)
    if isinstance(error, SuspiciousOperation):
        return of_status(400)
    if isinstance(error, OperationalError) and _pgcode(error) in _BUSY:
        log.warning("database_busy", pgcode=_pgcode(error))
        busy = of_status(503, "Someone else is changing the same thing. Try again in a second.")
        busy.headers["Retry-After"] = "1"
        return busy
    if isinstance(error, OperationalError | InterfaceError) and _pgcode(error) in _AWAY:
        log.error("database_away", error=str(error).strip())
        away = of_status(503, "The database does not answer. Nothing was changed; try again soon.")
        away.headers["Retry-After"] = "2"
        return away
    return None


def _of_validation(error: exceptions.ValidationError, request: Any) -> Problem:
    sent = _sent(request)
    errors = [
        {"field": ".".join(path), "value": shown(path[-1], _at(sent, path)), "message": message}
        for path, message in _flat(error.detail)
    ]
    first = errors[0] if errors else {"field": "", "message": "Nothing usable was sent."}
    detail = f"{first['field']}: {first['message']}" if first["field"] else first["message"]
    return Problem(400, "invalid", "Some of this cannot be", detail or "", errors=errors)


def _of_api_exception(error: exceptions.APIException) -> Problem:
    code, title = TITLES.get(error.status_code, (error.default_code, "Refused"))
    if isinstance(error, exceptions.PermissionDenied) and "CSRF" in str(error.detail):
        code, title = "csrf_failed", "Reload the page and try again"
    headers = {}
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    return Problem(error.status_code, code, title, str(error.detail), headers=headers)


def _flat(detail: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """DRF's nested messages as (path, message); what concerns the whole has the path ("",)."""
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            yield from _flat(inner, path if key == "non_field_errors" else (*path, str(key)))
    elif isinstance(detail, list):
        for item in detail:
            yield from _flat(item, path)
    else:
        yield path or ("",), str(detail)


def _sent(request: Any) -> Any:
    """What the client sent, where it could be read at all."""
    if request is None:
        return {}
    if request.method in ("GET", "HEAD", "DELETE"):
        return request.query_params
    try:
        return request.data
    except exceptions.APIException:
        return {}


def _at(sent: Any, path: Sequence[str]) -> Any:
    for step in path:
        if isinstance(sent, Mapping):
            sent = sent.get(step)
        elif isinstance(sent, list) and step.isdigit() and int(step) < len(sent):
            sent = sent[int(step)]
        else:
            return None
    return sent


def _pgcode(error: OperationalError) -> str | None:
    return getattr(error.__cause__, "pgcode", None)


def under_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")
