"""Alive and ready: what a balancer and a watcher are told, and what they are not."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.db import OperationalError, connection

from testudo.web import health

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.web.doors")]


@pytest.fixture(autouse=True)
def asked_anew():
    health._redis_client.cache_clear()
    health._migrations.cache_clear()
    yield
    health._redis_client.cache_clear()
    health._migrations.cache_clear()


@pytest.fixture
def paper_answers(settings):
    """Something that answers where the paper exchange is looked for, with the status given."""

    class Ping(BaseHTTPRequestHandler):
        status = 200

        def do_GET(self):
            self.send_response(self.status if self.path == "/api/v3/ping" else 404)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Ping)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    settings.VENUES = {**settings.VENUES, "paper": {**settings.VENUES["paper"], "rest": url}}
    yield Ping
    server.shutdown()


def test_alive_asks_nothing(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


def test_ready_when_everything_answers(client, paper_answers):
    answer = client.get("/readyz")
    assert answer.status_code == 200
    body = answer.json()
    assert body["ready"] is True
    assert body["status"] == "ok", body
    assert set(body["checks"]) == {"database", "migrations", "redis", "paper_venue"}
    assert all(check["ok"] for check in body["checks"].values())


@pytest.mark.parametrize("lost", ["redis", "paper_venue"])
def test_degraded_but_ready_without_what_may_vanish(client, settings, paper_answers, lost):
    if lost == "redis":
        settings.REDIS_URL = "redis://user:hunter2-canary@127.0.0.1:1/0"
    else:
        paper_answers.status = 500
    answer = client.get("/readyz")
    body = answer.json()
    assert (answer.status_code, body["ready"], body["status"]) == (200, True, "degraded")
    assert not body["checks"][lost]["ok"]
    assert body["checks"][lost]["detail"]
    assert body["checks"][lost]["ms"] < 1500
    assert b"canary" not in answer.content


def test_not_ready_without_the_database_and_silent_about_why(client, monkeypatch, paper_answers):
    def lost():
        raise OperationalError('connection to "10.0.0.5" failed: password canary')

    monkeypatch.setattr(connection, "cursor", lost)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "down"
    assert b"canary" not in answer.content
    assert b"10.0.0.5" not in answer.content


def test_not_ready_until_migrated_and_then_not_asked_again(client, monkeypatch, paper_answers):
    plans = [["one", "two"], []]
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda self, to: plans.pop(0))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "2 migrations are not applied" in answer.json()["checks"]["migrations"]["detail"]
    assert client.get("/readyz").status_code == 200
    assert client.get("/readyz").status_code == 200  # a third question would find no plan left
