"""F53: a venue's breaker outlives every process, and its probe is one over all of them."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from testudo import clock
from trading import venue_health
from trading.models import VenueBreaker
from trading.venue_health import Part

ROOT = Path(__file__).resolve().parents[2]
# A fresh process: what the one before it remembered is gone. It waits for a line, so that all four
# ask at the same moment, and says how many probes it was given.
ASK = """
import sys
import django
django.setup()
from trading import venue_health
print("ready", venue_health.new_risk_allowed("paper"), flush=True)
sys.stdin.readline()
print(sum(venue_health.claim_probe("paper", part="orders") for _ in range(20)), flush=True)
"""


def four_processes_ask() -> tuple[set[str], int]:
    """What each found on starting, and how many probes they were given together."""
    at = connection.settings_dict
    url = f"postgres://{at['USER']}:{at['PASSWORD']}@{at['HOST']}:{at['PORT']}/{at['NAME']}"
    fresh = [
        subprocess.Popen(
            [sys.executable, "-c", ASK],
            cwd=ROOT,
            env={
                **os.environ,
                "DATABASE_URL": url,
                "DJANGO_SETTINGS_MODULE": "testudo.settings",
                "LOG_LEVEL": "ERROR",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    try:
        found = {process.stdout.readline().strip() for process in fresh}
        for process in fresh:
            process.stdin.write("\n")
            process.stdin.flush()
        return found, sum(int(process.communicate(timeout=60)[0]) for process in fresh)
    finally:
        for process in fresh:
            process.kill()
            process.wait()


@pytest.fixture
def opened(transactional_db):
    for _ in range(5):
        venue_health.note_failure("paper", "ReadTimeout", part=Part.ORDERS)


def test_f53_restarted_with_the_breaker_open_four_processes_make_one_probe(opened):
    VenueBreaker.objects.update(retry_at=clock.now())
    assert four_processes_ask() == ({"ready False"}, 1)


def test_f53_restarted_half_open_nobody_probes_beside_the_one_under_way(opened):
    VenueBreaker.objects.update(retry_at=clock.now() - timedelta(seconds=1))
    assert venue_health.claim_probe("paper", part=Part.ORDERS)
    assert four_processes_ask() == ({"ready False"}, 0)
