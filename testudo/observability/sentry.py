"""Error reports to Sentry, only where SENTRY_DSN is set, and never with a secret in them."""

from typing import Any

from testudo.observability import correlation, redaction


def start(dsn: str, *, release: str = "") -> bool:
    """Begin to report. False, if there is nowhere to report to."""
    if not dsn:
        return False
    import sentry_sdk  # 0.1 s that nobody without a DSN should wait for

    sentry_sdk.init(**options(dsn, release=release))
    return True


def options(dsn: str, *, release: str = "") -> dict[str, Any]:
    from sentry_sdk.scrubber import DEFAULT_DENYLIST, EventScrubber

    return {
        "dsn": dsn,
        "release": release or None,
        # Nothing about people is collected: what this SDK does unless told otherwise. Saying so by
        # its newer `data_collection` option would switch our scrubber off.
        "include_local_variables": False,  # a frame of the executor holds decrypted keys
        "max_request_body_size": "never",
        "event_scrubber": EventScrubber(
            denylist=[*DEFAULT_DENYLIST, "signature", "listenkey", "sealed_keys", "master_keys"],
            recursive=True,
        ),
        "before_send": before_send,
        "before_breadcrumb": lambda crumb, hint: redaction.clean(crumb),
    }


def before_send(event: Any, hint: Any) -> Any:
    """The last look: the same redaction as the logs, and the id to find their lines by."""
    event.setdefault("tags", {})["correlation_id"] = correlation.correlation_id()
    return redaction.clean(event)
