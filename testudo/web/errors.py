"""The last answers: what Django sends when no view did. Problems under /api/, pages elsewhere."""

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from testudo.observability.correlation import correlation_id
from testudo.web import problems


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    status = 413 if isinstance(exception, RequestDataTooBig) else 400
    return _answer(request, status)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if problems.under_api(request):
        return problems.plain_response(problems.not_found("address"))
    return _answer(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Says nothing of the cause; the request id finds it in the log."""
    return _answer(request, 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form was too old, or was not ours."""
    if problems.under_api(request):
        problem = problems.Problem(
            403, "csrf_failed", "Reload the page and try again", "The CSRF token is missing or old."
        )
        return problems.plain_response(problem)
    return _answer(request, 403)


def _answer(request: HttpRequest, status: int) -> HttpResponse:
    if problems.under_api(request):
        problem = problems.of_status(status, request_id=correlation_id())
        return problems.plain_response(problem)
    page = "400.html" if status == 413 else f"{status}.html"
    return render(request, page, {"request_id": correlation_id()}, status=status)
