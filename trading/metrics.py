"""Trading's figures for Prometheus: time without a stop, silent exchanges, open incidents."""

from collections.abc import Iterable

from django.db.models import Count

from testudo.observability.metrics import Metric, Sample
from trading.models import GlobalHalt, Incident, VenueBreaker
from trading.naked import WINDOW, NakedFigures, figures_by_venue
from trading.venue_health import Breaker

PHASES = {Breaker.CLOSED: 0, Breaker.HALF_OPEN: 1, Breaker.OPEN: 2}


def collect() -> Iterable[Metric]:
    """All of them, read now."""
    by_venue = figures_by_venue()
    yield Metric(
        name="testudo_naked_milliseconds",
        kind="summary",
        help=f"Milliseconds a trade's position went without a stop that covers it, over the trades "
        f"of the last {WINDOW.days} days that bought anything, by the exchange's clock.",
        samples=tuple(sample for each in by_venue for sample in _naked(each)),
    )
    yield Metric(
        name="testudo_naked_longest_milliseconds",
        kind="gauge",
        help="The longest of them.",
        samples=tuple(Sample(labels={"venue": e.venue}, value=e.longest) for e in by_venue),
    )
    yield Metric(
        name="testudo_positions_unprotected",
        kind="gauge",
        help="Positions without a stop at this moment.",
        samples=tuple(Sample(labels={"venue": e.venue}, value=e.naked_now) for e in by_venue),
    )
    yield Metric(
        name="testudo_exchange_breaker",
        kind="gauge",
        help="Each part of a venue: 0 answers, 1 is being tried again, 2 does not answer.",
        samples=tuple(
            Sample(labels={"venue": row.venue, "part": row.part}, value=PHASES[Breaker(row.phase)])
            for row in VenueBreaker.objects.order_by("venue", "part")
        ),
    )
    standing = Incident.objects.filter(closed_at=None).values("kind", "severity").order_by("kind")
    yield Metric(
        name="testudo_incidents_open",
        kind="gauge",
        help="Incidents that are not over, of all accounts.",
        samples=tuple(
            Sample(labels={"kind": row["kind"], "severity": row["severity"]}, value=row["count"])
            for row in standing.annotate(count=Count("pk"))
        ),
    )
    yield Metric(
        name="testudo_halted",
        kind="gauge",
        help="1 while the kill switch over all accounts is pulled.",
        samples=(Sample(value=int(GlobalHalt.objects.filter(halted=True).exists())),),
    )


def _naked(each: NakedFigures) -> Iterable[Sample]:
    venue = {"venue": each.venue}
    yield Sample(labels={**venue, "quantile": "0.5"}, value=each.p50)
    yield Sample(labels={**venue, "quantile": "0.99"}, value=each.p99)
    yield Sample(labels=venue, suffix="_sum", value=each.total)
    yield Sample(labels=venue, suffix="_count", value=each.trades)
