"""Too much asked: 429, then 418 for who goes on; raw requests and connections."""

from __future__ import annotations

import json

from trading.exchange.paper.limits import PATIENCE
from trading.exchange.paper.rest import Response
from trading.exchange.paper.ws_api import Session

from .scripted import Bench


def ping(bench: Bench, address: str = "10.0.0.1") -> Response:
    return bench.exchange.handle("GET", "/api/v3/ping", "", "", {}, bench.now_ms, address=address)


def test_who_ignores_429_is_banned_with_418_and_longer_each_time(bench: Bench) -> None:
    bench.exchange.limits.weight_limit = 1
    bench.pass_time(60_000 - bench.now_ms % 60_000)
    assert ping(bench).status == 200
    assert {ping(bench).status for _ in range(PATIENCE)} == {429}
    banned = ping(bench)
    assert (banned.status, banned.headers["Retry-After"]) == (418, "120")
    assert banned.json()["code"] == -1003
    assert f"IP banned until {bench.now_ms + 120_000}." in banned.json()["msg"]
    assert ping(bench, "10.0.0.2").status == 200
    bench.pass_time(119_999)
    assert ping(bench).status == 418
    bench.pass_time(1)
    assert ping(bench).status == 200
    for _ in range(PATIENCE):
        ping(bench)
    assert ping(bench).headers["Retry-After"] == "240"


def test_it_counts_what_it_refused_and_the_heaviest_minute(bench: Bench) -> None:
    bench.exchange.limits.weight_limit = 3
    bench.pass_time(60_000 - bench.now_ms % 60_000)
    statuses = [ping(bench).status for _ in range(5)]
    bench.pass_time(60_000)
    ping(bench)
    limits = bench.exchange.limits
    assert (statuses.count(429), limits.refused, limits.heaviest) == (2, 2, 3)


def test_a_429_heeded_is_forgotten(bench: Bench) -> None:
    bench.exchange.limits.weight_limit = 1
    for _ in range(3):
        bench.pass_time(60_000)
        assert ping(bench).status == 200
        assert {ping(bench).status for _ in range(PATIENCE)} == {429}


def test_raw_requests_have_a_limit_of_their_own(bench: Bench) -> None:
    bench.exchange.limits.raw_limit = 2
    bench.pass_time(300_000 - bench.now_ms % 300_000)
    assert [ping(bench).status for _ in range(3)] == [200, 200, 429]
    bench.pass_time(300_000)
    assert ping(bench).status == 200


def test_the_ws_api_says_when_to_try_again(bench: Bench) -> None:
    bench.exchange.limits.weight_limit = 0
    bench.pass_time(60_000 - bench.now_ms % 60_000)
    session = Session(bench.exchange, bench.now_ms)
    answer = session.answer(json.dumps({"id": 5, "method": "ping"}))
    assert (answer["id"], answer["status"], answer["error"]["code"]) == (5, 429, -1003)
    assert answer["error"]["data"] == {
        "serverTime": bench.now_ms,
        "retryAfter": bench.now_ms + 60_000,
    }
