"""The paper exchange answers in the documented shapes, over REST, WS API and streams."""

import json
from pathlib import Path

import pytest

from tests.conformance.__main__ import main, parse
from tests.paper.process import PaperProcess

BOOK = "btcusdt@bookTicker"


def test_the_paper_exchange_conforms(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server = PaperProcess(tmp_path / "state.sqlite3")
    try:
        account = server.admin("accounts", balances={"USDT": "10000", "BTC": "0.5"})
        server.admin("withdraw", account=account["account"], asset="USDT", amount="1")
        keys = ["--key", account["key"], "--secret", account["secret"], "--trade", "--wallet"]
        status = main(["--base-url", server.url, *keys])
        said = capsys.readouterr().out.splitlines()
        report = json.loads(said[-1])
        assert report["findings"] == {}
        assert report["checks"] > 190
        assert status == 0
        assert server.admin("state")["conserved"] is True
    finally:
        server.close()


def test_a_host_that_lacks_a_field_does_not_conform(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.conformance import checks

    monkeypatch.setattr(checks, "market_reads", lambda *_: [("time", {}, "AVERAGE")])
    monkeypatch.setattr(checks, "REFUSALS", [])
    monkeypatch.setattr("tests.conformance.sockets.streams", lambda _: {BOOK: "BOOK_EVENT"})
    monkeypatch.setattr("tests.conformance.sockets.requests", lambda *_, **__: [])
    server = PaperProcess(tmp_path / "state.sqlite3")
    try:
        status = main(["--base-url", server.url])
    finally:
        server.close()
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (status, report["failed"]) == (1, 1)
    assert "AVERAGE.mins: missing" in report["findings"]["GET time {}"]


def test_orders_need_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--base-url", "http://127.0.0.1:1", "--trade"])
    assert "--trade needs --key and --secret" in capsys.readouterr().err
