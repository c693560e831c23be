"""What must hold before anything starts: paper and live stay apart, and live is not left open.

`refuse_unsafe_start` runs in every process (from an app's `ready`); the same findings are Django
system checks, so `manage.py check` shows them all at once.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error, register
from django.core.exceptions import ImproperlyConfigured

DEFAULT_SECRET_KEY = "insecure-development-key"  # noqa: S105  the very one that is refused


def findings(values: Any) -> list[Error]:
    """Everything that forbids a start with the settings `values`."""
    found = list(_venue_findings(values.VENUES))
    if not values.LIVE:
        return found
    if values.DEBUG:
        found.append(
            Error(
                "TESTUDO_LIVE=1 with DEBUG: error pages would show strangers the settings.",
                hint="Set DEBUG=0, or leave TESTUDO_LIVE unset.",
                id="testudo.E001",
            )
        )
    if values.SECRET_KEY == DEFAULT_SECRET_KEY or values.SECRET_KEY.startswith("django-insecure-"):
        found.append(
            Error(
                "TESTUDO_LIVE=1 with a default SECRET_KEY: anyone could forge a session.",
                hint="Set SECRET_KEY to 50 or more random characters that only you know.",
                id="testudo.E002",
            )
        )
    if not values.DECISION_KEYS:
        found.append(
            Error(
                "TESTUDO_LIVE=1 without DECISION_KEYS: the decision log would be signed with a key "
                "that changes with SECRET_KEY.",
                hint="Set DECISION_KEYS to 1: and 32 random bytes in base64.",
                id="testudo.E006",
            )
        )
    if "*" in values.ALLOWED_HOSTS:
        found.append(
            Error(
                "TESTUDO_LIVE=1 with ALLOWED_HOSTS=*: any site could pose as this one.",
                hint="Set ALLOWED_HOSTS to the names this site is reached by.",
                id="testudo.E003",
            )
        )
    return found


def _venue_findings(venues: Mapping[str, Mapping[str, str]]) -> list[Error]:
    found = []
    for venue, urls in venues.items():
        for use, url in urls.items():
            host = (urlsplit(url).hostname or "").rstrip(".").lower()
            at_binance = host == "binance.com" or host.endswith(".binance.com")
            if venue == "binance" and not host.endswith(".binance.com"):
                found.append(
                    Error(
                        f"The {use} address of the venue binance is {host or url!r}: live keys "
                        "would go to a stranger.",
                        hint="It must end in .binance.com.",
                        id="testudo.E004",
                    )
                )
            if venue == "paper" and at_binance:
                found.append(
                    Error(
                        f"The {use} address of the venue paper is {host!r}: practice orders would "
                        "reach the real exchange.",
                        hint="Point PAPER_REST_URL and its siblings at the paper exchange.",
                        id="testudo.E005",
                    )
                )
    return found


@register("testudo")
def check_settings(app_configs: object = None, **_: object) -> list[Error]:
    return findings(settings)


def refuse_unsafe_start() -> None:
    """Raises: ImproperlyConfigured, naming every reason and its way out."""
    if found := findings(settings):
        raise ImproperlyConfigured(" ".join(f"{each.msg} {each.hint}" for each in found))
