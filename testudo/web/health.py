"""Is it alive, is it ready: for whoever starts, balances and watches the servers.

Answers say what is wrong in fixed words; what an error says may hold addresses and passwords.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import redis
import requests
import structlog
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger(__name__)


class NotReady(Exception):
    """A dependency fails, in words fit for strangers."""


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    ask: Callable[[], None]
    required: bool  # without it this process cannot serve; the others it can do without for a while


def healthz(request: HttpRequest) -> HttpResponse:
    """The process lives. Nothing else is asked, so that a lost database restarts no one."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:
    """Each dependency with its answer time; 503 when a required one fails."""
    checks = {check.name: _result(check) for check in CHECKS}
    ready = all(result["ok"] for result in checks.values() if result["required"])
    whole = all(result["ok"] for result in checks.values())
    return JsonResponse(
        {
            "ready": ready,
            "status": "ok" if whole else "degraded" if ready else "down",
            "checks": checks,
        },
        status=200 if ready else 503,
    )


def _result(check: Check) -> dict[str, Any]:
    began = time.monotonic()
    try:
        check.ask()
        detail = ""
    except NotReady as reason:
        detail = str(reason)
    except Exception as error:  # whatever it is, it is this dependency that fails
        log.warning("not_ready", check=check.name, error=type(error).__name__)
        detail = "It does not answer."
    milliseconds = round((time.monotonic() - began) * 1000)
    return {"ok": not detail, "required": check.required, "ms": milliseconds, "detail": detail}


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@cache
def _migrations() -> None:
    """Applied for good once applied: asked until then only (an exception is not remembered)."""
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        raise NotReady(f"{len(missing)} migrations are not applied. Run manage.py migrate.")


@cache
def _redis_client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=0.5,
        socket_connect_timeout=0.5,
        retry=Retry(NoBackoff(), 0),
    )


def _redis() -> None:
    _redis_client().ping()


def _paper_venue() -> None:
    answer = requests.get(f"{settings.VENUES['paper']['rest']}/api/v3/ping", timeout=(0.5, 1))
    if answer.status_code != 200:
        raise NotReady("It answers, but not well.")


CHECKS = (
    Check("database", _database, required=True),
    Check("migrations", _migrations, required=True),
    # Both may vanish and come back while the platform goes on (RELIABILITY R13, R23).
    Check("redis", _redis, required=False),
    Check("paper_venue", _paper_venue, required=False),
)
