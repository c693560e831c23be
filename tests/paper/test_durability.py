"""A real process, killed: nothing it acknowledged is lost."""

import hashlib
import hmac
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from django.core.management import CommandError, call_command

from tests.bench.past import seconds_to_start, write_past
from tests.paper.process import PaperProcess
from tests.paper.scripted import wait_for


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "paper exchange" / "state.sqlite3"  # the space is meant


def _call(url: str, key: dict[str, Any], method: str, path: str, **params: Any) -> Any:
    params |= {"timestamp": int(time.time() * 1000), "recvWindow": 20000}
    text = urlencode(params)
    made = hmac.new(key["secret"].encode(), text.encode(), hashlib.sha256).hexdigest()
    headers = {"X-MBX-APIKEY": key["key"]}
    return requests.request(
        method, f"{url}{path}?{text}&signature={made}", headers=headers, timeout=10
    )


def test_sigkill_loses_nothing_that_was_acknowledged(state: Path) -> None:
    first = PaperProcess(state, "--create-key")
    key = first.key
    acknowledged: list[dict[str, Any]] = []
    enough = threading.Event()

    def place(worker: int) -> None:
        for n in range(400):
            side = "BUY" if n % 2 == 0 else "SELL"
            wanted = {"symbol": "BTCUSDT", "side": side, "type": "MARKET", "quantity": "0.001"}
            wanted["newClientOrderId"] = f"w{worker}-{n}"
            try:
                reply = _call(first.url, key, "POST", "/api/v3/order", **wanted)
            except requests.ConnectionError:
                return
            if reply.status_code == 200:
                acknowledged.append(reply.json())
            if len(acknowledged) >= 60:
                enough.set()

    workers = [threading.Thread(target=place, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    assert enough.wait(60)
    first.kill()
    for worker in workers:
        worker.join()
    first.close()

    second = PaperProcess(state, port=first.port)
    try:
        found = _call(second.url, key, "GET", "/api/v3/allOrders", symbol="BTCUSDT", limit=1000)
        orders = {order["orderId"]: order for order in found.json()}
        trades = _call(second.url, key, "GET", "/api/v3/myTrades", symbol="BTCUSDT", limit=1000)
        told = {(trade["orderId"], trade["id"]) for trade in trades.json()}
        assert len(acknowledged) >= 60
        for answer in acknowledged:
            order = orders[answer["orderId"]]
            assert order["clientOrderId"] == answer["clientOrderId"]
            assert order["executedQty"] == answer["executedQty"]
            assert {(answer["orderId"], fill["tradeId"]) for fill in answer["fills"]} <= told
        assert second.admin("state")["conserved"] is True
        ids = sorted(trade["id"] for trade in trades.json())
        assert ids == list(range(1, len(ids) + 1))
    finally:
        second.close()


def test_an_open_bracket_survives_a_kill_and_still_protects(state: Path) -> None:
    first = PaperProcess(state, "--create-key", "--seed", "5")
    key = first.key
    last = float(first.admin("state")["symbols"]["BTCUSDT"])
    bracket = {
        "symbol": "BTCUSDT",
        "workingType": "LIMIT",
        "workingSide": "BUY",
        "workingPrice": f"{last * 1.01:.2f}",
        "workingQuantity": "0.01",
        "workingTimeInForce": "FOK",
        "pendingSide": "SELL",
        "pendingAboveType": "TAKE_PROFIT",
        "pendingAboveStopPrice": f"{last * 1.1:.2f}",
        "pendingBelowType": "STOP_LOSS",
        "pendingBelowStopPrice": f"{last * 0.95:.2f}",
        "pendingBelowClientOrderId": "stop",
    }
    placed = _call(first.url, key, "POST", "/api/v3/orderList/opoco", **bracket)
    assert placed.json()["orderReports"][0]["status"] == "FILLED", placed.text
    first.kill()
    first.close()

    second = PaperProcess(state, "--seed", "5")
    try:
        second.admin("move", symbol="BTCUSDT", price=f"{last * 0.9:.2f}", over_ms=500)

        def stopped() -> bool:
            ask = {"symbol": "BTCUSDT", "origClientOrderId": "stop"}
            reply = _call(second.url, key, "GET", "/api/v3/order", **ask).json()
            return bool(reply["status"] == "FILLED")

        wait_for(stopped)
        assert second.admin("state")["conserved"] is True
        assert second.stop() == 0
    finally:
        second.close()


def test_a_second_exchange_on_the_same_state_is_refused_with_a_sentence(state: Path) -> None:
    first = PaperProcess(state)
    try:
        with pytest.raises(CommandError, match="is in use by another paper exchange"):
            call_command("paper_exchange", state=state)
    finally:
        first.close()


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        (("--feed", "replay:tape.csv"), "There is no file tape.csv"),
        (("--symbols", "PEPEUSDT"), "No synthetic market"),
        (("--speed", "60"), "--speed is for replayed tapes"),
    ],
)
def test_what_is_not_there_yet_is_refused_with_a_sentence(
    state: Path, argument: tuple[str, str], sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command("paper_exchange", *argument, state=state)


def test_a_long_past_does_not_slow_the_start(tmp_path: Path) -> None:
    """A million trades are measured by `python -m tests.bench matching`; here a tenth of them."""
    few, many = tmp_path / "few.sqlite3", tmp_path / "many.sqlite3"
    write_past(few, 100)
    write_past(many, 100_000)
    assert seconds_to_start(many) < 1 + 10 * seconds_to_start(few)
