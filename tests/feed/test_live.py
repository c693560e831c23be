"""Paper trading on another venue's market: our own server plays Binance, over its real wire."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.paper.process import PaperProcess

SYMBOL = "BTCUSDT"


def ask(server: PaperProcess, path: str, **query: Any) -> Any:
    answer = requests.get(f"{server.url}/api/v3/{path}", params=query, timeout=5)
    assert answer.ok, answer.text
    return answer.json()


def until(holds: Callable[[], bool], what: str, *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.2)


def ids(server: PaperProcess, *, since: int) -> list[int]:
    return [trade["id"] for trade in ask(server, "trades", symbol=SYMBOL) if trade["id"] > since]


@pytest.fixture
def venue(tmp_path) -> Iterator[PaperProcess]:
    server = PaperProcess(tmp_path / "venue.sqlite3")
    yield server
    server.kill()


@pytest.fixture
def live(venue, tmp_path) -> Iterator[PaperProcess]:
    streams = venue.url.replace("http", "ws")
    server = PaperProcess(
        tmp_path / "live.sqlite3", "--feed", "binance", "--symbols", SYMBOL,
        "--binance-rest", venue.url, "--binance-streams", streams,
    )  # fmt: skip
    yield server
    server.kill()


def test_the_live_feed_tells_every_trade_once_and_catches_up_after_a_drop(venue, live):
    first = ask(live, "trades", symbol=SYMBOL, limit=1)[0]["id"]
    until(lambda: len(ids(live, since=first)) >= 3, "three live trades")
    assert venue.admin("drop-connections", kind="market")["dropped"] >= 1
    after = ask(venue, "trades", symbol=SYMBOL, limit=1)[0]["id"]
    until(lambda: len(ids(live, since=after)) >= 3, "trades after the drop")
    told, own = ids(live, since=first), ids(venue, since=first)
    assert told == own[: len(told)], "no trade missing, none doubled"


def test_the_live_book_is_the_venues(venue, live):
    until(lambda: bool(ask(live, "depth", symbol=SYMBOL)["bids"]), "a book")
    theirs, ours = ask(venue, "depth", symbol=SYMBOL), ask(live, "depth", symbol=SYMBOL)
    for side in ("bids", "asks"):
        assert abs(float(ours[side][0][0]) / float(theirs[side][0][0]) - 1) < 0.002
