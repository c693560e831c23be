"""Redis may vanish at any instant: pages, sessions and sign-out go on without it (R23)."""

import time
from contextvars import Context

import pytest
from django.core.cache import caches
from django.test import Client

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.web.doors")]


@pytest.fixture
def redis_gone(settings):
    gone = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    sessions = {**settings.CACHES["sessions"], "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {"default": gone, "sessions": sessions}


def test_without_redis_the_cache_is_an_empty_one(redis_gone):
    cache = caches["default"]
    began = time.monotonic()
    cache.set("a", 1)
    assert cache.get("a", "absent") == "absent"
    assert cache.add("a", 1) is False
    assert cache.delete("a") is False
    assert cache.get_many(["a"]) == {}
    assert "a" not in cache
    assert time.monotonic() - began < 0.5


def test_without_redis_people_sign_in_look_around_and_sign_out(redis_gone, alice):
    browser = Client()
    browser.post("/sign-in/", {"username": "alice", "password": "a long pass phrase"})
    assert browser.get("/api/v1/me").json()["username"] == "alice"
    assert browser.post("/sign-out/").status_code == 302
    assert browser.get("/api/v1/me").status_code == 401


def test_a_session_stays_in_redis_for_a_minute_at_most(signed_in):
    """A sign-out that could not reach Redis must not be undone by what Redis remembers."""
    signed_in.get("/api/v1/me")
    cache = caches["sessions"]
    key = cache.make_and_validate_key(
        f"django.contrib.sessions.cached_db{signed_in.session.session_key}"
    )
    client = cache._cache.get_client(key)
    assert 0 < client.ttl(key) <= 60


def test_the_cache_works_where_redis_is():
    cache = caches["default"]
    cache.set("tests:a", {"b": [1]}, 5)
    assert cache.get("tests:a") == {"b": [1]}
    assert cache.delete("tests:a") is True


def test_every_request_uses_the_connections_of_the_one_before():
    def ask():
        caches["sessions"].get("tests:nothing")
        return caches["sessions"]._cache.get_client().connection_pool

    first, second = Context().run(ask), Context().run(ask)
    assert first is second
