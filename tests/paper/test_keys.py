"""Kinds of keys and their rights, time units, the second look at the clock, legacy listen keys."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trading.exchange.paper.rest import Response
from trading.exchange.paper.ws_api import Session

from .scripted import BTC, Bench, Trader


def pem(private: Any) -> str:
    public = private.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def sign(private: Any, payload: str) -> str:
    if isinstance(private, ed25519.Ed25519PrivateKey):
        made = private.sign(payload.encode())
    else:
        made = private.sign(payload.encode(), padding.PKCS1v15(), hashes.SHA256())
    return base64.b64encode(made).decode()


@pytest.fixture(scope="module", params=["Ed25519", "RSA"])
def private(request: pytest.FixtureRequest) -> Any:
    if request.param == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def get_account(bench: Bench, key: str, payload: str, signature: str, **how: Any) -> Response:
    query = f"{payload}&signature={quote(signature, safe='')}"
    headers = {"X-MBX-APIKEY": key}
    return bench.exchange.handle("GET", "/api/v3/account", query, "", headers, bench.now_ms, **how)


def test_an_asymmetric_key_signs_rest_requests(bench: Bench, trader: Trader, private: Any) -> None:
    key = bench.exchange.add_key(trader.account.id, pem(private))
    payload = f"timestamp={bench.now_ms}"
    assert get_account(bench, key.key, payload, sign(private, payload)).status == 200
    other = get_account(bench, key.key, payload, sign(private, payload + "0"))
    assert other.json()["code"] == -1022
    garbled = get_account(bench, key.key, payload, "no base64")
    assert garbled.json()["code"] == -1022


def test_an_asymmetric_key_logs_on_to_the_ws_api(
    bench: Bench, trader: Trader, private: Any
) -> None:
    key = bench.exchange.add_key(trader.account.id, pem(private))
    payload = f"apiKey={key.key}&timestamp={bench.now_ms}"
    params = {"apiKey": key.key, "timestamp": bench.now_ms, "signature": sign(private, payload)}
    session = Session(bench.exchange, bench.now_ms)
    answer = session.answer(json.dumps({"id": 1, "method": "session.logon", "params": params}))
    assert answer["result"]["apiKey"] == key.key


def test_a_public_key_of_another_kind_is_refused_with_a_sentence(
    bench: Bench, trader: Trader
) -> None:
    with pytest.raises(ValueError, match=r"."):
        bench.exchange.add_key(trader.account.id, "-----BEGIN PUBLIC KEY-----\nno")


# -- rights ----------------------------------------------------------------------------------------


def test_a_read_only_key_reads_and_may_not_trade(bench: Bench, trader: Trader) -> None:
    bench.exchange.set_key(trader.key.key, may_trade=0)
    assert trader.ok("GET", "/api/v3/account")
    refused = trader.refused(
        "POST", "/api/v3/order", symbol=BTC, side="BUY", type="MARKET", quantity="0.01"
    )
    assert refused == (-2015, "Invalid API-key, IP, or permissions for action.")
    rights = trader.ok("GET", "/sapi/v1/account/apiRestrictions")
    assert rights["enableSpotAndMarginTrading"] is False


def test_a_key_bound_to_an_address_works_only_from_there(bench: Bench, trader: Trader) -> None:
    bench.exchange.set_key(trader.key.key, addresses="10.0.0.7")
    assert trader.refused("GET", "/api/v3/account")[0] == -2015
    bench.exchange.set_key(trader.key.key, addresses="10.0.0.7,127.0.0.1")
    assert trader.ok("GET", "/sapi/v1/account/apiRestrictions")["ipRestrict"] is True


# -- time ------------------------------------------------------------------------------------------


def test_times_come_in_microseconds_where_asked_for(bench: Bench, trader: Trader) -> None:
    def get(path: str, unit: str) -> Any:
        headers = {"X-MBX-TIME-UNIT": unit}
        return bench.exchange.handle("GET", path, "", "", headers, bench.now_ms).json()

    assert get("/api/v3/time", "MICROSECOND") == {"serverTime": bench.now_ms * 1000}
    assert get("/api/v3/time", "MILLISECOND") == {"serverTime": bench.now_ms}
    assert get("/api/v3/time", "SECOND") == {
        "code": -1194,
        "msg": "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.",
    }


def test_an_order_that_reaches_the_engine_too_late_is_refused_there(
    bench: Bench, trader: Trader
) -> None:
    wanted = {"symbol": BTC, "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    bench.exchange.engine_delay_ms = 5001
    assert trader.refused("POST", "/api/v3/order", **wanted) == (
        -1021,
        "Timestamp for this request is outside of the recvWindow.",
    )
    assert trader.ok("POST", "/api/v3/order", recvWindow="5001", **wanted)
    assert trader.refused("POST", "/api/v3/order", recvWindow="5000.999", **wanted)[0] == -1021


# -- listen keys -----------------------------------------------------------------------------------


def test_listen_keys_work_where_the_switch_is_on(bench: Bench, trader: Trader) -> None:
    bench.exchange.legacy_listen_keys = True
    headers = {"X-MBX-APIKEY": trader.key.key}

    def call(method: str, query: str = "") -> Response:
        path = "/api/v3/userDataStream"
        return bench.exchange.handle(method, path, query, "", headers, bench.now_ms)

    key = call("POST").json()["listenKey"]
    assert call("POST").json()["listenKey"] == key
    assert call("PUT", f"listenKey={key}").json() == {}
    assert bench.exchange.listen_keys.owner(key, bench.now_ms) == trader.account.id
    assert bench.exchange.listen_keys.owner(key, bench.now_ms + 3_600_000) is None
    assert call("DELETE", f"listenKey={key}").json() == {}
    assert call("PUT", f"listenKey={key}").json() == {
        "code": -1125,
        "msg": "This listenKey does not exist.",
    }
