"""One id follows a request through its answer, its events, its tasks and its log lines."""

import time

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker
from django.http import HttpResponse
from django.test import RequestFactory

from testudo.observability import celery as signals
from testudo.observability import correlation
from testudo.observability.middleware import CorrelationMiddleware

GOOD = "request-12345678"


def answer(header=None, seen=None):
    def view(request):
        if seen is not None:
            seen.append(correlation.correlation_id())
        return HttpResponse()

    headers = {} if header is None else {"X-Request-ID": header}
    return CorrelationMiddleware(view)(RequestFactory().get("/", headers=headers))


def test_the_callers_id_is_used_and_said_back():
    seen = []
    assert answer(GOOD, seen).headers["X-Request-ID"] == GOOD
    assert seen == [GOOD]
    assert correlation.correlation_id() == ""


@pytest.mark.parametrize(
    "bad", ["", "short", "x" * 65, "with space in", "new\nline-12345", "a;b;c;d;e", "ідентифікатор"]
)
def test_a_malformed_id_is_replaced(bad):
    seen = []
    given = answer(bad, seen).headers["X-Request-ID"]
    assert given == seen[0] != bad
    assert correlation.acceptable(given)


def test_each_request_gets_an_id_of_its_own():
    assert answer().headers["X-Request-ID"] != answer().headers["X-Request-ID"]


def test_a_celery_message_carries_the_id_and_its_task_works_under_it():
    app = Celery(broker="memory://", set_as_current=False)
    seen = []

    @app.task(name="tests.note")
    def note():
        seen.append(correlation.correlation_id())

    with start_worker(app, perform_ping_check=False, pool="solo"):
        with correlation.bind(GOOD):
            note.apply_async()
        note.apply_async()
        deadline = time.monotonic() + 10
        while len(seen) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)

    assert seen[0] == GOOD
    assert seen[1] not in ("", GOOD)
    assert not signals._bound
