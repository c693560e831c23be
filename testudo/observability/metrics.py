"""What Prometheus is told at `/metrics`, in its text format 0.0.4.

The foundation knows no figures: an app registers a function that reads its own from the database,
so that every web process tells the same and none must be asked twice. One that fails is left out
and named; a scrape never fails for it.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

log = structlog.get_logger(__name__)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
REFUSED = "Send `Authorization: Bearer ` and METRICS_TOKEN, or sign in as staff.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One value; `suffix` is `_sum` or `_count` of a summary."""

    value: int
    labels: Mapping[str, str] = field(default_factory=dict)
    suffix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric with its samples. `kind` is Prometheus's: gauge, counter or summary."""

    name: str
    kind: str
    help: str
    samples: tuple[Sample, ...]


Collector = Callable[[], Iterable[Metric]]
_collectors: dict[str, Collector] = {}


def register(name: str, collect: Collector) -> None:
    """Ask `collect` at every scrape. Registering a name again replaces it."""
    _collectors[name] = collect


@require_safe
def view(request: HttpRequest) -> HttpResponse:
    """`/metrics`: for whoever has the token, and for signed-in staff."""
    if not _allowed(request):
        return HttpResponse(REFUSED, status=403, content_type="text/plain; charset=utf-8")
    return HttpResponse(exposition(), content_type=CONTENT_TYPE)


def _allowed(request: HttpRequest) -> bool:
    token = settings.METRICS_TOKEN
    given = request.headers.get("Authorization", "").encode()
    if token and secrets.compare_digest(given, f"Bearer {token}".encode()):
        return True
    user = getattr(request, "user", None)
    return bool(user and user.is_authenticated and user.is_active and user.is_staff)


def exposition() -> str:
    """Every registered metric as text."""
    lines: list[str] = []
    failed = []
    for name, collect in sorted(_collectors.items()):
        try:
            found = list(collect())
        except DatabaseError as error:
            log.warning("metrics_not_read", collector=name, error=str(error).strip())
            found = []
            failed.append(name)
        for metric in found:
            lines += _told(metric)
    lines += _told(
        Metric(
            name="testudo_metrics_failed",
            kind="gauge",
            help="Collectors that could not be read in this scrape.",
            samples=(
                tuple(Sample(labels={"collector": name}, value=1) for name in failed)
                or (Sample(value=0),)
            ),
        )
    )
    return "\n".join(lines) + "\n"


def _told(metric: Metric) -> Iterable[str]:
    yield f"# HELP {metric.name} {metric.help}"
    yield f"# TYPE {metric.name} {metric.kind}"
    for sample in metric.samples:
        pairs = ",".join(f'{name}="{_escaped(text)}"' for name, text in sample.labels.items())
        shown = f"{{{pairs}}}" if pairs else ""
        yield f"{metric.name}{sample.suffix}{shown} {sample.value}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
