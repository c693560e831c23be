"""One id follows a request through views, events, tasks and every log line."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from testudo.db.ids import new_id

HEADER = "X-Request-ID"
_WELL_FORMED = re.compile(r"[A-Za-z0-9-]{8,64}", re.ASCII)
_current: ContextVar[str] = ContextVar("correlation_id", default="")


def correlation_id() -> str:
    """The id of what is being done now; empty outside of any request, task or delivery."""
    return _current.get()


def acceptable(candidate: str | None) -> bool:
    """Whether an id from outside may be used. It reaches log lines and rows: kept plain."""
    return bool(candidate and _WELL_FORMED.fullmatch(candidate))


@contextmanager
def bind(candidate: str | None = None) -> Iterator[str]:
    """Work under `candidate`, or under a new id where it is missing or malformed."""
    chosen = candidate if candidate and acceptable(candidate) else str(new_id())
    token = _current.set(chosen)
    try:
        yield chosen
    finally:
        _current.reset(token)
