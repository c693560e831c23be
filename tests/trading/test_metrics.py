"""What Prometheus is told, and who may ask."""

import pytest
from django.db import OperationalError

from tests.trading.risky import opened
from testudo.observability import metrics
from trading import incidents, venue_health
from trading.models import Trade

BACKEND = "accounts.sign_in.PasswordBackend"
TOKEN = "a scraper's own secret"


@pytest.fixture(autouse=True)
def _token(settings):
    settings.METRICS_TOKEN = TOKEN


def scraped(client) -> dict[str, int]:
    answer = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
    return {name: int(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_the_percentiles_without_a_stop_are_told_by_venue(client, floor, account, draw):
    trade = opened(floor, account, draw())
    Trade.objects.filter(pk=trade.pk).update(naked_ms=137)
    told = scraped(client)
    assert told['testudo_naked_milliseconds{venue="paper",quantile="0.5"}'] == 137
    assert told['testudo_naked_milliseconds{venue="paper",quantile="0.99"}'] == 137
    assert told['testudo_naked_milliseconds_sum{venue="paper"}'] == 137
    assert told['testudo_naked_milliseconds_count{venue="paper"}'] == 1
    assert told['testudo_positions_unprotected{venue="paper"}'] == 0


def test_a_silent_exchange_and_its_incident_are_told(client, account):
    for _ in range(venue_health.MOST_FAILURES):
        venue_health.note_failure("paper", "timed out", part=venue_health.Part.ORDERS)
    told = scraped(client)
    assert told['testudo_exchange_breaker{venue="paper",part="orders"}'] == 2
    assert told['testudo_incidents_open{kind="venue_down",severity="alarm"}'] == 1
    venue_health.note_success("paper", part=venue_health.Part.ORDERS)
    incidents.close_incident(None, "venue_down", about="paper", done="It answers again.")
    assert 'testudo_incidents_open{kind="venue_down",severity="alarm"}' not in scraped(client)


def test_each_metric_says_what_it_is(client, db):
    text = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"}).content.decode()
    assert "# TYPE testudo_naked_milliseconds summary" in text
    assert "# HELP testudo_naked_milliseconds Milliseconds a trade's position" in text


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", "Bearer ä"])
def test_without_the_token_nothing_is_told(client, db, header):
    answer = client.get("/metrics", headers={"authorization": header} if header else {})
    assert answer.status_code == 403
    assert "METRICS_TOKEN" in answer.content.decode()
    assert "testudo_naked" not in answer.content.decode()


def test_an_empty_token_opens_nothing(client, db, settings):
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"authorization": "Bearer "}).status_code == 403


def test_staff_may_look_and_a_trader_may_not(client, alice, django_user_model):
    client.force_login(alice, BACKEND)
    assert client.get("/metrics").status_code == 403
    boss = django_user_model.objects.create_superuser("boss", "b@example.com", "a long password")
    client.force_login(boss, BACKEND)
    assert client.get("/metrics").status_code == 200


def test_a_collector_that_fails_is_named_and_the_rest_is_told(client, db, monkeypatch):
    def away():
        raise OperationalError("the database is away")

    monkeypatch.setitem(metrics._collectors, "broken", away)
    told = scraped(client)
    assert told['testudo_metrics_failed{collector="broken"}'] == 1
    assert told["testudo_halted"] == 0


def test_a_label_cannot_break_the_format():
    sample = metrics.Sample(labels={"part": 'a"b\\c\nd'}, value=1)
    metric = metrics.Metric(name="x", kind="gauge", help="h", samples=(sample,))
    assert list(metrics._told(metric))[-1] == r'x{part="a\"b\\c\nd"} 1'
