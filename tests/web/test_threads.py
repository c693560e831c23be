"""Under ASGI a request goes to a thread for its view, not once for every hook of a middleware."""

import asyncio

import pytest
from asgiref.sync import SyncToAsync
from asgiref.testing import ApplicationCommunicator
from django.core.asgi import get_asgi_application

pytestmark = pytest.mark.django_db(transaction=True)
# The chain of middleware with the view, and what Django says at the start and end of a request.
HOPS = 5


async def get(path: str) -> int:
    headers = [(b"host", b"testserver")]
    scope = {"type": "http", "method": "GET", "path": path, "headers": headers, "query_string": b""}
    client = ApplicationCommunicator(get_asgi_application(), scope)
    await client.send_input({"type": "http.request"})
    answer = await client.receive_output(timeout=20)
    await client.wait(timeout=20)
    return answer["status"]


def hops_of(path, monkeypatch):
    seen, call = [], SyncToAsync.__call__

    async def counted(self, *args, **kwargs):
        seen.append(self.func)
        return await call(self, *args, **kwargs)

    monkeypatch.setattr(SyncToAsync, "__call__", counted)
    assert asyncio.run(get(path)) == 200
    return len(seen)


def test_a_request_goes_to_its_thread_once(monkeypatch):
    assert hops_of("/healthz", monkeypatch) <= HOPS


def test_without_the_last_middleware_every_hook_would_go_there(monkeypatch, settings):
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "in_one_thread" not in each]
    assert hops_of("/healthz", monkeypatch) > 2 * HOPS
