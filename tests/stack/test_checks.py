"""Paper and live: what refuses to start, and where each venue's keys may go (B82)."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from django.conf import settings

from tests.stack.served import ROOT
from testudo.checks import DEFAULT_SECRET_KEY, findings

SAFE = {
    "LIVE": True,
    "DEBUG": False,
    "SECRET_KEY": "k" * 50,
    "ALLOWED_HOSTS": ["desk.example"],
    "DECISION_KEYS": "1:" + "A" * 44,
    "VENUES": settings.VENUES,
}


def ids(**different: object) -> list[str]:
    return [each.id for each in findings(SimpleNamespace(**(SAFE | different)))]


def venues(venue: str, use: str, url: str) -> dict[str, dict[str, str]]:
    return {**settings.VENUES, venue: {**settings.VENUES[venue], use: url}}


def test_a_safe_live_configuration_starts():
    assert ids() == []


def test_the_settings_of_a_newcomer_start():
    assert findings(settings) == []


@pytest.mark.parametrize(
    ("different", "refused"),
    [
        ({"DEBUG": True}, "testudo.E001"),
        ({"SECRET_KEY": DEFAULT_SECRET_KEY}, "testudo.E002"),
        ({"SECRET_KEY": "django-insecure-abc"}, "testudo.E002"),
        ({"DECISION_KEYS": ""}, "testudo.E006"),
        ({"ALLOWED_HOSTS": ["*"]}, "testudo.E003"),
        ({"ALLOWED_HOSTS": ["desk.example", "*"]}, "testudo.E003"),
    ],
)
def test_b82_live_refuses_what_would_leave_it_open(different, refused):
    assert ids(**different) == [refused]
    assert ids(**different, LIVE=False) == []


@pytest.mark.parametrize(
    "url",
    [
        "https://api.binance.com.evil.example",
        "https://evilbinance.com",
        "https://binance.com@evil.example",
        "https://evil.example/api.binance.com",
        "https://demo-api.binance.org",
        "http://127.0.0.1:9700",
        "not a url",
        "",
    ],
)
def test_b82_live_keys_go_to_binance_and_nowhere_else(url):
    assert ids(VENUES=venues("binance", "rest", url)) == ["testudo.E004"]
    assert ids(VENUES=venues("binance", "ws_api", url), LIVE=False) == ["testudo.E004"]


@pytest.mark.parametrize(
    "url", ["https://api.binance.com", "wss://STREAM.Binance.COM:9443", "https://api.binance.com./"]
)
def test_b82_practice_orders_never_reach_the_real_exchange(url):
    assert ids(VENUES=venues("paper", "rest", url)) == ["testudo.E005"]


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"DEBUG": "1"}, "TESTUDO_LIVE=1 with DEBUG"),
        ({"SECRET_KEY": DEFAULT_SECRET_KEY}, "TESTUDO_LIVE=1 with a default SECRET_KEY"),
        ({"ALLOWED_HOSTS": "*"}, "TESTUDO_LIVE=1 with ALLOWED_HOSTS=*"),
        ({"PAPER_REST_URL": "https://api.binance.com"}, "practice orders would reach"),
    ],
)
def test_b82_no_process_starts_so_whatever_its_command(variables, reason):
    safe = {"TESTUDO_LIVE": "1", "SECRET_KEY": "k" * 50, "ALLOWED_HOSTS": "desk.example"}
    started = subprocess.run(
        [sys.executable, "-c", "import testudo.asgi"],  # what an ASGI server does
        cwd=ROOT, env=os.environ | safe | variables, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert started.returncode != 0
    assert reason in started.stderr
