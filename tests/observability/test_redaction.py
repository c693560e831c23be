"""Secrets stay out of log lines and error reports, in whatever shape they arrive (B80)."""

import io
import json
import logging

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from tests.observability.canaries import ALL, KEY, PASSWORD, PEM, SECRET, SIGNATURE
from testudo.observability import correlation, logs, redaction, sentry

SHAPES = [
    {"api_key": KEY, "api_secret": SECRET},
    {"key": KEY, "secret": SECRET},
    {"headers": {"X-MBX-APIKEY": KEY}},
    {"headers": [("Cookie", f"sessionid={PASSWORD}"), ("Authorization", f"Bearer {PASSWORD}")]},
    {"url": f"https://api.binance.com/api/v3/order?symbol=BTCUSDT&signature={SIGNATURE}"},
    {"url": f"redis://user:{PASSWORD}@127.0.0.1:6379/0"},
    {"dsn": f"postgres://testudo:{PASSWORD}@db/testudo"},
    {"password": PASSWORD, "csrfmiddlewaretoken": PASSWORD},
    {"event": f"POST failed: apiKey={KEY}&timestamp=1&signature={SIGNATURE}"},
    {"event": f'{{"apiKey": "{KEY}", "secret": "{SECRET}"}}'},
    {"event": repr({"password": PASSWORD, "api_secret": SECRET})},
    {"event": f"refused {KEY} of account"},
    {"event": PEM},
    {"body": f"password={PASSWORD}&x=1".encode()},
    {"deep": {"er": [{"and": ({"signature": SIGNATURE},)}]}},
    {"listenKey": KEY, "MASTER_KEYS": f"1:{PASSWORD}"},
    {"object": type("Odd", (), {"__repr__": lambda self: f"<Odd secret={SECRET}>"})()},
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: ",".join(shape))
def test_b80_no_canary_survives_the_redaction(shape):
    left = str(redaction.clean(shape))
    assert not [canary for canary in ALL if canary in left], left
    assert redaction.HIDDEN in left


def test_what_is_no_secret_is_left_as_it_is():
    harmless = {
        "symbol": "BTCUSDT",
        "client_order_id": "tt-0192f0c12f4e7e4e8a4b2f3d1c0b9a88-e",
        "account": "0192f0c1-2f4e-7e4e-8a4b-2f3d1c0b9a88",
        "fingerprint": "a" * 64,
        "key_hint": "Eh8A",
        "quantity": "0.1",
        "count": 3,
        "nothing": None,
        "password": None,
        "text": "the stop was hit; a monkey turned the key",
    }
    assert redaction.clean(harmless) == harmless


@given(st.recursive(st.text() | st.binary() | st.none() | st.integers(), st.lists, max_leaves=20))
def test_nothing_makes_the_redaction_itself_fail(value):
    redaction.clean({"value": value})


@pytest.fixture
def lines():
    """A logger of the real configuration that writes where we can read."""
    stream = io.StringIO()
    config = logs.config(as_json=True, level="DEBUG")
    formatter = config["formatters"]["lines"]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=formatter["foreign_pre_chain"], processors=formatter["processors"]
        )
    )
    logger = logging.getLogger("tests.lines")
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.DEBUG)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def trade_with(key, secret):
    """A failure deep in a call that holds the decrypted keys in its variables."""
    local = {"key": key, "secret": secret}
    raise ValueError(f"signature={SIGNATURE} refused for {local['key']}")


def test_b80_a_line_is_one_json_object_with_the_correlation_id_and_no_secret(lines):
    log = structlog.get_logger("tests.lines")
    with correlation.bind("request-12345678"):
        log.info("sent", api_secret=SECRET, url=f"/order?signature={SIGNATURE}", symbol="BTCUSDT")
        logging.getLogger("tests.lines").warning("plain %s", f"apiKey={KEY}", extra={"key": KEY})
        try:
            trade_with(KEY, SECRET)
        except ValueError:
            log.exception("failed", password=PASSWORD)
    sent, plain, failed = lines()
    assert sent["event"] == "sent"
    assert sent["symbol"] == "BTCUSDT"
    assert {line["correlation_id"] for line in (sent, plain, failed)} == {"request-12345678"}
    assert failed["level"] == "error"
    assert "ValueError" in failed["exception"]
    assert "trade_with" in failed["exception"]
    assert not [canary for canary in ALL if canary in str(lines())]


def test_a_line_break_in_a_value_cannot_forge_a_second_line(lines):
    structlog.get_logger("tests.lines").info('x\n{"event": "forged"}', path="/a\r\nb")
    assert len(lines()) == 1


def test_b80_a_report_to_sentry_holds_no_canary_and_no_local_variable(monkeypatch):
    import sentry_sdk
    from sentry_sdk.transport import Transport

    reports = []

    class Keep(Transport):
        def capture_envelope(self, envelope):
            reports.append(envelope.serialize().decode())

    options = sentry.options("https://public@sentry.example/1")
    with sentry_sdk.isolation_scope():
        client = sentry_sdk.Client(**options, transport=Keep, default_integrations=False)
        sentry_sdk.get_isolation_scope().set_client(client)
        sentry_sdk.add_breadcrumb(message=f"password={PASSWORD}")
        sentry_sdk.set_context("exchange", {"api_secret": SECRET, "url": f"?signature={SIGNATURE}"})
        try:
            trade_with(KEY, SECRET)
        except ValueError as error:
            with correlation.bind("request-12345678"):
                sentry_sdk.capture_exception(error)
        client.flush()
        assert client.should_send_default_pii() is False
    (report,) = reports
    assert "trade_with" in report
    assert "request-12345678" in report
    assert not [canary for canary in ALL if canary in report]
    assert '"vars"' not in report


def test_without_a_dsn_sentry_is_not_even_imported():
    assert sentry.start("") is False
