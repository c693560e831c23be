"""Carries the correlation id with every Celery message, and binds it where the task runs."""

from contextlib import AbstractContextManager
from typing import Any

from celery import Task
from celery.signals import before_task_publish, task_postrun, task_prerun

from testudo.observability import correlation

HEADER = "correlation_id_of_testudo"  # `correlation_id` itself is Celery's own: the task's id

_bound: dict[str, AbstractContextManager[str]] = {}  # by task id; a worker may run several threads


@before_task_publish.connect  # type: ignore[untyped-decorator]
def send_along(headers: dict[str, Any] | None = None, **_: object) -> None:
    """Put the id of what is being done now in the message."""
    if headers is not None and (current := correlation.correlation_id()):
        headers.setdefault(HEADER, current)


@task_prerun.connect  # type: ignore[untyped-decorator]
def bind_for_task(task_id: str, task: Task, **_: object) -> None:
    """Work under the sender's id, or a new one."""
    sent = task.request.get(HEADER) or (task.request.headers or {}).get(HEADER)
    bound = correlation.bind(sent)
    bound.__enter__()
    _bound[task_id] = bound


@task_postrun.connect  # type: ignore[untyped-decorator]
def unbind(task_id: str, **_: object) -> None:
    if bound := _bound.pop(task_id, None):
        bound.__exit__(None, None, None)
