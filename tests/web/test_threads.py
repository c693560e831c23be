"""Under ASGI a request makes one trip to a thread for middleware and view, and threads are kept."""

import asyncio
import threading
import time

import pytest
from asgiref.sync import SyncToAsync
from asgiref.testing import ApplicationCommunicator
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import ResolverMatch

from testudo.web import handler
from testudo.web.handler import Handler

pytestmark = pytest.mark.django_db(transaction=True)


async def get(app, path: str = "/healthz") -> int:
    headers = [(b"host", b"testserver")]
    scope = {"type": "http", "method": "GET", "path": path, "headers": headers, "query_string": b""}
    client = ApplicationCommunicator(app, scope)
    await client.send_input({"type": "http.request"})
    answer = await client.receive_output(timeout=20)
    await client.wait(timeout=20)
    return answer["status"]


def answer_with(view, monkeypatch) -> None:
    """Let every address lead to this view."""
    monkeypatch.setattr(
        Handler, "resolve_request", lambda self, request: ResolverMatch(view, (), {})
    )


def trips_of(app, monkeypatch) -> int:
    seen, call = [], SyncToAsync.__call__

    async def counted(self, *args, **kwargs):
        seen.append(self.func)
        return await call(self, *args, **kwargs)

    monkeypatch.setattr(SyncToAsync, "__call__", counted)
    assert asyncio.run(get(app)) == 200
    return len(seen)


def test_a_request_goes_to_its_thread_once(monkeypatch):
    assert trips_of(Handler(), monkeypatch) == 1


def test_upstreams_handler_goes_there_for_every_hook(monkeypatch):
    assert trips_of(ASGIHandler(), monkeypatch) > 10


@pytest.fixture
def ran_in(monkeypatch) -> list[threading.Thread]:
    """The threads views ran in."""
    found = []

    def view(request):
        found.append(threading.current_thread())
        return HttpResponse("here")

    monkeypatch.setattr(
        Handler, "resolve_request", lambda self, request: ResolverMatch(view, (), {})
    )
    return found


def test_one_request_after_the_other_uses_one_thread(ran_in):
    app = Handler()

    async def both():
        await get(app)
        await get(app)

    asyncio.run(both())
    assert ran_in[0] is ran_in[1]


def test_requests_at_once_have_a_thread_each_and_few_are_kept(ran_in, monkeypatch):
    monkeypatch.setattr(handler, "MOST_IDLE", 2)
    app, together = Handler(), threading.Barrier(4, timeout=20)

    def view(request):
        ran_in.append(threading.current_thread())
        together.wait()  # breaks, unless four views run at once
        return HttpResponse("here")

    monkeypatch.setattr(
        Handler, "resolve_request", lambda self, request: ResolverMatch(view, (), {})
    )

    async def all_four():
        return await asyncio.gather(*(get(app) for _ in range(4)))

    assert asyncio.run(all_four()) == [200] * 4
    assert len(set(ran_in)) == 4
    assert len(app._threads._idle) == 2


def test_short_requests_take_turns(monkeypatch):
    monkeypatch.setattr(handler, "LONGEST_TURN", 20)
    app, running, most = Handler(), [], []

    def view(request):
        running.append(request)
        most.append(len(running))
        time.sleep(0.01)
        running.pop()
        return HttpResponse("here")

    answer_with(view, monkeypatch)

    async def many():
        return await asyncio.gather(*(get(app) for _ in range(6)))

    assert asyncio.run(many()) == [200] * 6
    assert max(most) == 1


def test_a_thread_is_given_back_where_the_view_fails(monkeypatch):
    app = Handler()

    def view(request):
        raise RuntimeError("planted")

    monkeypatch.setattr(
        Handler, "resolve_request", lambda self, request: ResolverMatch(view, (), {})
    )
    assert asyncio.run(get(app)) == 500
    assert len(app._threads._idle) == 1


def test_a_streamed_answer_is_closed_when_it_has_been_sent(monkeypatch):
    said = []

    def parts():
        yield b"a"
        said.append("sent")

    def view(request):
        response = StreamingHttpResponse(parts())
        response._resource_closers.append(lambda: said.append("closed"))
        return response

    answer_with(view, monkeypatch)
    assert asyncio.run(get(Handler())) == 200
    assert said == ["sent", "closed"]


def test_a_page_that_leaves_in_the_middle_of_its_request_asks_nothing(ran_in):
    async def leave():
        scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
        client = ApplicationCommunicator(Handler(), scope)
        await client.send_input({"type": "http.disconnect"})
        await client.wait(timeout=20)

    asyncio.run(leave())
    assert not ran_in


def test_it_answers_http_only():
    with pytest.raises(ValueError, match="HTTP only, not websocket"):
        asyncio.run(Handler()({"type": "websocket"}, None, None))
