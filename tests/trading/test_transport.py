"""What breaks on the way, on real sockets: an order answered so is of unknown outcome (R3)."""

import gc
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal

import pytest

from testudo import clock
from trading.exchange import venue_client
from trading.exchange.binance import BinanceExchange
from trading.exchange.port import ExchangeUnavailable, LegInstruction, Outcome, Refused, Unknown
from trading.exchange.venues import VenueUrls

ORDER = LegInstruction(client_order_id="T1", side="BUY", type="MARKET", quantity=Decimal(1))


def answer(status: str, body: bytes, *, length: int | None = None) -> bytes:
    said = len(body) if length is None else length
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {said}\r\n\r\n"
    return head.encode() + body


ACCEPTED = json.dumps(
    {
        "symbol": "BTCUSDT", "orderId": 7, "clientOrderId": "T1", "transactTime": 1, "side": "BUY",
        "type": "MARKET", "status": "FILLED", "price": "0", "origQty": "1", "executedQty": "1",
    }
).encode()  # fmt: skip


class Wire:
    """A server of one thread that tells its time, and answers everything else as it is told."""

    def __init__(self) -> None:
        self.reply: Callable[[socket.socket], None] = lambda _: None
        self.orders = self.connections = 0
        self.heard = threading.Event()
        self.clock_works = True
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._over = threading.Event()
        self._thread.start()

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                link, _ = self._listening.accept()
            except OSError:
                return
            with link, suppress(OSError):  # a client that gave up is no concern of ours
                self.connections += 1
                self._talk(link)

    def _talk(self, link: socket.socket) -> None:
        while request := self._read(link):
            if b"/api/v3/time" in request.split(b"\r\n", 1)[0]:
                said = json.dumps({"serverTime": clock.now_ms()}).encode()
                link.sendall(answer("200 OK", said if self.clock_works else b"[]"))
                continue
            self.orders += 1
            self.heard.set()
            self.reply(link)
            return

    @staticmethod
    def _read(link: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            more = link.recv(65536)
            if not more:
                return b""
            data += more
        return data

    def close(self) -> None:
        if self._over.is_set():
            return
        self._over.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(5)


def sends(data: bytes) -> Callable[[socket.socket], None]:
    return lambda link: link.sendall(data)


def resets(link: socket.socket) -> None:
    """RST: the peer is gone without a word."""
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def closes(link: socket.socket) -> None:
    link.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def wire(monkeypatch) -> Iterator[Wire]:
    monkeypatch.setattr(venue_client, "READ_TIMEOUT", 1)  # seconds; only `hangs` waits for it
    serving = Wire()
    yield serving
    serving.close()


@contextmanager
def exchange(wire: Wire, name: str) -> Iterator[BinanceExchange]:
    address = f"127.0.0.1:{wire.port}"
    yield BinanceExchange(VenueUrls(name, f"http://{address}", "", ""), "key", "secret")


def send(wire: Wire, reply: Callable[[socket.socket], None]) -> Outcome:
    wire.reply = reply
    with exchange(wire, f"wire-{wire.port}") as there:
        return there.place_order("BTCUSDT", ORDER, signed_at=clock.now())


def hangs(link: socket.socket) -> None:
    link.recv(1)  # until the client gives up


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(resets, id="f04_reset_after_the_order"),
        pytest.param(closes, id="f04_closed_without_an_answer"),
        pytest.param(hangs, id="f05_no_answer_at_all"),
        pytest.param(sends(b"HTTP/1.1 200 OK\r\nContent-Le"), id="f09_cut_in_the_head"),
        pytest.param(sends(answer("200 OK", ACCEPTED[:40])), id="f09_json_cut_off"),
        pytest.param(
            sends(answer("200 OK", ACCEPTED, length=len(ACCEPTED) + 10)), id="f09_length_too_great"
        ),
        pytest.param(
            sends(answer("200 OK", ACCEPTED, length=len(ACCEPTED) - 9)), id="f09_length_too_small"
        ),
        pytest.param(sends(b"not HTTP at all\r\n\r\n"), id="f09_not_http"),
        pytest.param(sends(answer("200 OK", b"")), id="nothing_in_it"),
        pytest.param(sends(answer("200 OK", b"[]")), id="a_list"),
        pytest.param(sends(answer("200 OK", b"null")), id="null"),
        pytest.param(sends(answer("200 OK", b'{"status": "FILLED"}')), id="half_an_order"),
        pytest.param(sends(answer("200 OK", b"[" * 100_000)), id="deeper_than_json_is_read"),
        pytest.param(sends(answer("200 OK", ACCEPTED.replace(b'"1"', b'"one"'))), id="no_number"),
        pytest.param(sends(answer("403 Forbidden", b"<html>WAF</html>")), id="f13_firewall"),
        pytest.param(sends(answer("502 Bad Gateway", b"<html></html>")), id="f06_gateway"),
        pytest.param(sends(answer("500 Oops", b'["no", "object"]')), id="f06_json_of_no_shape"),
        pytest.param(
            sends(answer("504 Timeout", b'{"code":-1007,"msg":"Timeout waiting"}')), id="f07_1007"
        ),
    ],
)
def test_an_order_answered_so_is_unknown_and_was_sent_once(wire, reply):
    outcome = send(wire, reply)
    assert isinstance(outcome, Unknown), outcome
    assert outcome.reason
    assert wire.heard.wait(20), outcome
    assert wire.orders == 1, f"{outcome}: no library sends it again by itself"


def test_a_clear_no_on_the_wire_is_a_no(wire):
    body = b'{"code":-1013,"msg":"Filter failure: NOTIONAL"}'
    outcome = send(wire, sends(answer("400 Bad Request", body)))
    assert outcome == Refused(-1013, "Filter failure: NOTIONAL")


def test_nobody_listens_so_the_order_is_unknown(wire):
    wire.close()
    with exchange(wire, "wire-closed") as there:
        outcome = there.place_order("BTCUSDT", ORDER, signed_at=clock.now())
    assert isinstance(outcome, Unknown), "a refused connection and a reset one look alike"


def test_an_unreadable_clock_does_not_stop_an_order(wire):
    wire.clock_works = False
    outcome = send(wire, sends(answer("400 Bad Request", b'{"code":-1013,"msg":"no"}')))
    assert outcome == Refused(-1013, "no")


@pytest.mark.parametrize(
    "reply", [resets, sends(answer("200 OK", b"[")), sends(answer("403 No", b"<html>"))]
)
def test_a_question_answered_so_may_be_asked_again(wire, reply):
    wire.reply = reply
    with exchange(wire, f"wire-{wire.port}") as there, pytest.raises(ExchangeUnavailable):
        there.find_order("BTCUSDT", "T1")


def test_a_client_that_is_collected_leaves_everybodys_connections_open(wire):
    """Each turn has a client of its own; the next one must not pay for a new connection."""
    wire.reply = sends(answer("400 Bad Request", b'{"code":-1013,"msg":"no"}'))
    for _ in range(3):
        with exchange(wire, f"wire-{wire.port}") as there:
            assert there._client._get("time")
        del there
        gc.collect()
    assert wire.connections == 1
