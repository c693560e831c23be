"""Structured logs: one JSON object a line (readable lines at a terminal), with the correlation id.

Lines of Django, Celery, aiohttp and our own go through the same processors, redaction last, so
that nothing leaves the process unseen.
"""

from collections.abc import MutableMapping
from typing import Any

import structlog
from structlog.typing import Processor

from testudo.observability import correlation, redaction

Line = MutableMapping[str, Any]


def add_correlation_id(logger: Any, method: str, line: Line) -> Line:
    if current := correlation.correlation_id():
        line.setdefault("correlation_id", current)
    return line


def redact(logger: Any, method: str, line: Line) -> Line:
    """Hide secrets in every value, tracebacks included."""
    return {name: redaction.clean(value, name=name) for name, value in line.items()}


def _drop_colours(logger: Any, method: str, line: Line) -> Line:
    """uvicorn repeats its message with colour codes."""
    line.pop("color_message", None)
    return line


_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    add_correlation_id,
    _drop_colours,
]


def configure() -> None:
    """Route structlog through the standard library, so that there is one stream of lines."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def config(*, as_json: bool, level: str) -> dict[str, Any]:
    """Django's LOGGING: everything to stderr."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [*_SHARED, structlog.stdlib.ExtraAdder()],
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,  # no local variables: they hold keys
                    redact,
                    _renderer(as_json),
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Our own line about each request says the same and carries the id.
            "daphne.access": {"level": "WARNING"},
            "django.request": {"level": "ERROR"},
            "axes": {"level": "WARNING"},
            # That a task came and went; what it did says its own line.
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "django.server": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
            # python-binance and urllib3 print URLs at DEBUG; signatures stay out of them.
            "urllib3": {"level": "INFO"},
            "websockets": {"level": "INFO"},
            "aiohttp.access": {"level": "WARNING"},
        },
    }


def _renderer(as_json: bool) -> Processor:
    if as_json:
        return structlog.processors.JSONRenderer(sort_keys=True, default=str)
    return structlog.dev.ConsoleRenderer()
