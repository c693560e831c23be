"""Faults of single replies: what was done, and what the client hears of it."""

from __future__ import annotations

import json
import time

import pytest
import requests

from tests.conformance.host import Host
from tests.paper.process import PaperProcess
from tests.wire.conftest import BTC, Faulty


def test_a_dropped_reply_leaves_the_order_in_the_book(faulty: Faulty) -> None:
    faulty.arm("drop-reply:method=POST")
    with pytest.raises(requests.ConnectionError):
        faulty.place("lost")
    assert faulty.open_names() == ["lost"]
    assert faulty.place("heard").status_code == 200  # next=1: it is spent


def test_a_reply_can_hang_with_the_order_in_the_book(faulty: Faulty) -> None:
    faulty.arm("hang:seconds=2,method=POST")
    before = time.monotonic()
    assert faulty.place("slow").status_code == 200
    assert time.monotonic() - before >= 2
    assert faulty.open_names() == ["slow"]


@pytest.mark.parametrize(("accepted", "names"), [("yes", ["maybe"]), ("no", [])])
def test_a_5xx_says_nothing_about_what_was_done(
    faulty: Faulty, accepted: str, names: list[str]
) -> None:
    faulty.arm(f"error:code=-1001,status=503,accepted={accepted},method=POST")
    reply = faulty.place("maybe")
    assert (reply.status_code, reply.json()["code"]) == (503, -1001)
    assert faulty.open_names() == names


def test_random_acceptance_replays_from_its_seed(tmp_path_factory: pytest.TempPathFactory) -> None:
    def run(seed: int) -> list[str]:
        process = PaperProcess(
            tmp_path_factory.mktemp("seed") / "s.sqlite3",
            "--fault", "error:accepted=random,next=12,method=POST,p=0.7",
            "--fault-seed", str(seed),
        )  # fmt: skip
        try:
            made = process.admin("accounts", balances={"USDT": "10000"})
            host = Host(process.url, "", "", made["key"], made["secret"])
            faulty = Faulty(process, host, made["account"])
            for number in range(12):
                faulty.place(f"n{number}")
            return faulty.open_names()
        finally:
            process.close()

    first = run(5)
    assert 0 < len(first) < 12
    assert run(5) == first
    assert run(6) != first


@pytest.mark.parametrize("code", [-1006, -1007])
def test_an_unknown_outcome_becomes_visible_later(faulty: Faulty, code: int) -> None:
    faulty.arm(f"unknown:code={code},visible_after=2,method=POST")
    placed_at = time.monotonic()
    reply = faulty.place("later")
    assert (reply.status_code, reply.json()["code"]) == (504, code)
    assert faulty.get("order", symbol=BTC, origClientOrderId="later").json()["code"] == -2013
    assert faulty.open_names() == []
    while faulty.get("order", symbol=BTC, origClientOrderId="later").status_code != 200:
        assert time.monotonic() - placed_at < 10
        time.sleep(0.1)
    assert time.monotonic() - placed_at >= 1.8
    assert faulty.open_names() == ["later"]


def test_reads_can_lag_behind_orders_and_trades(faulty: Faulty) -> None:
    faulty.arm("read-lag:seconds=60")
    bought = faulty.place("b", type="MARKET", price=None, timeInForce=None)
    assert bought.json()["status"] == "FILLED"
    assert faulty.get("order", symbol=BTC, origClientOrderId="b").json()["code"] == -2013
    assert faulty.get("myTrades", symbol=BTC).json() == []
    assert faulty.get("allOrders", symbol=BTC).json() == []
    faulty.disarm()
    assert faulty.get("order", symbol=BTC, origClientOrderId="b").json()["status"] == "FILLED"
    assert len(faulty.get("myTrades", symbol=BTC).json()) >= 1


def test_json_is_cut_off(faulty: Faulty) -> None:
    faulty.arm("truncate:bytes=25,method=POST")
    reply = faulty.place("cut")
    assert len(reply.content) == 25
    with pytest.raises(ValueError, match=r"JSON|delimiter|Expecting|Unterminated"):
        reply.json()
    assert faulty.open_names() == ["cut"]


def test_a_reply_promises_more_than_it_sends(faulty: Faulty) -> None:
    faulty.arm("wrong-length:more=10,method=POST")
    with pytest.raises(requests.exceptions.RequestException):
        faulty.place("short")
    assert faulty.open_names() == ["short"]


@pytest.mark.parametrize(("status", "accepted"), [(403, "no"), (502, "yes")])
def test_an_html_page_instead_of_json(faulty: Faulty, status: int, accepted: str) -> None:
    faulty.arm(f"html:status={status},accepted={accepted},method=POST")
    reply = faulty.place("html")
    assert reply.status_code == status
    assert reply.text.startswith("<html>")
    assert faulty.open_names() == (["html"] if accepted == "yes" else [])


def test_an_empty_reply(faulty: Faulty) -> None:
    faulty.arm("empty:method=POST")
    reply = faulty.place("void")
    assert (reply.status_code, reply.content) == (200, b"")
    assert faulty.open_names() == ["void"]


def test_too_many_requests_say_when_to_come_back(faulty: Faulty) -> None:
    faulty.arm("rate-limit:retry_after=7,next=2,method=POST")
    for _ in range(2):
        reply = faulty.place("r")
        assert (reply.status_code, reply.json()["code"]) == (429, -1003)
        assert reply.headers["Retry-After"] == "7"
    assert faulty.place("r").status_code == 200
    faulty.arm("order-limit:method=POST")
    assert faulty.place("o").json()["code"] == -1015


def test_a_ban_ends_when_its_time_is_over(faulty: Faulty) -> None:
    faulty.arm("ban:seconds=2")
    reply = faulty.get("openOrders", symbol=BTC)
    assert (reply.status_code, reply.json()["code"]) == (418, -1003)
    assert 0 < int(reply.headers["Retry-After"]) <= 2
    assert "IP banned until" in reply.json()["msg"]
    banned_at = time.monotonic()
    while faulty.get("openOrders", symbol=BTC).status_code == 418:
        assert time.monotonic() - banned_at < 10
        time.sleep(0.1)
    assert time.monotonic() - banned_at > 1.5


def test_a_revoked_key_is_refused_and_prices_still_come(faulty: Faulty) -> None:
    faulty.place("kept")
    faulty.arm("key-revoked")
    reply = faulty.get("account")
    assert (reply.status_code, reply.json()["code"]) == (401, -2015)
    assert faulty.host.rest("GET", "/api/v3/ticker/price", {"symbol": BTC}).status_code == 200
    faulty.disarm()
    assert faulty.open_names() == ["kept"]


def test_faults_hit_only_what_they_are_meant_for(faulty: Faulty, process: PaperProcess) -> None:
    faulty.arm("error:path=*/orderList/*,accepted=no,next=5")
    other = process.admin("accounts", balances={"USDT": "10000"})
    assert faulty.place("single").status_code == 200
    faulty.arm("error:accepted=no,skip=1")
    assert faulty.place("first").status_code == 200
    assert faulty.place("second").status_code == 500
    stranger = Faulty(process, faulty.host, other["account"])
    stranger.arm("error:accepted=no")
    assert faulty.place("third").status_code == 200
    assert faulty.open_names() == ["single", "first", "third"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("explode", "There is no fault 'explode'"),
        ("hang:minutes=5", "hang has no option 'minutes=5'"),
        ("hang:seconds=soon", "seconds must be a number"),
        ("hang:seconds=nan", "seconds must be a number"),
        ("error:accepted=perhaps", "accepted must be one of yes, no, random"),
        ("symbol-status:symbol=DOGEUSDT", "symbol must be one of BTCUSDT, ETHUSDT"),
        ("symbol-status:status=CLOSED", "status must be one of"),
    ],
)
def test_a_fault_that_cannot_be_armed_says_what_there_is(
    process: PaperProcess, text: str, said: str
) -> None:
    reply = requests.post(f"{process.url}/paper-admin/faults", json={"fault": text}, timeout=10)
    assert reply.status_code == 400
    assert said in reply.json()["detail"]
    assert process.admin("faults")["armed"] == []


def test_the_list_of_faults_explains_itself(process: PaperProcess) -> None:
    told = process.admin("faults")
    assert told["seed"] == 1
    assert len(told["catalogue"]) >= 20
    assert all(len(says) > 3 for says in told["catalogue"].values())
    assert json.dumps(told)
