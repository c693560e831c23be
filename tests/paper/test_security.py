"""Signed requests: only fresh ones with the right signature get in; and not too many."""

import hashlib
import hmac

import pytest

from tests.paper.scripted import BTC, Bench, Trader
from trading.exchange.paper import security
from trading.exchange.paper.accounts import ApiKey
from trading.exchange.paper.errors import BinanceError
from trading.exchange.paper.rest import Response

DOCUMENTED_KEY = ApiKey(
    key="vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
    secret="NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
    account=1,
    created_ms=0,
)
HEAD = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC"
TAIL = "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
WHOLE = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
MIXED = "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77"


@pytest.mark.parametrize(
    ("query", "body", "signature"),
    [
        ("", f"{HEAD}&{TAIL}", WHOLE),
        (f"{HEAD}&{TAIL}", "", WHOLE),
        (HEAD, TAIL, MIXED),
        (HEAD, f"{TAIL}&signature={MIXED}", MIXED),
        (f"{HEAD}&{TAIL}&signature={WHOLE}", "", WHOLE.upper()),
    ],
)
def test_the_documented_signatures_hold(query: str, body: str, signature: str) -> None:
    security.check_signature(DOCUMENTED_KEY, security.rest_payload(query, body), signature)


def test_a_signature_over_other_parameters_is_refused() -> None:
    with pytest.raises(BinanceError, match="-1022"):
        security.check_signature(
            DOCUMENTED_KEY, security.rest_payload("", f"{HEAD}&{TAIL}0"), WHOLE
        )


@pytest.mark.parametrize(
    ("sent", "window", "text"),
    [
        ("1000", None, None),
        ("1999", None, None),  # 999 ms ahead
        ("2000", None, "1000ms ahead"),
        ("1999999", "5000", "1000ms ahead"),
        ("-4000", None, "Illegal characters"),
        ("x", None, "Illegal characters"),
        (None, None, "was not sent"),
        ("1000", "60001", "less than 60000"),
        ("1000", "5000.1234", "Illegal characters"),
        ("1000", "0.001", None),
    ],
)
def test_the_time_window_is_exact(sent: str | None, window: str | None, text: str | None) -> None:
    params = {"timestamp": sent, "recvWindow": window}
    params = {name: value for name, value in params.items() if value is not None}

    if text is None:
        security.check_time(params, 1000)
    else:
        with pytest.raises(BinanceError, match=text):
            security.check_time(params, 1000)


@pytest.mark.parametrize(("age", "fresh"), [(5000, True), (5001, False)])
def test_a_request_may_be_as_old_as_its_window(age: int, fresh: bool) -> None:
    now = 1_795_000_000_000
    for sent in (str(now - age), str((now - age) * 1000)):  # milliseconds, or microseconds
        if fresh:
            security.check_time({"timestamp": sent}, now)
        else:
            with pytest.raises(BinanceError, match="outside of the recvWindow"):
                security.check_time({"timestamp": sent}, now)


def _get(bench: Bench, query: str, key: str | None) -> Response:
    headers = {"X-MBX-APIKEY": key} if key else {}
    return bench.exchange.handle("GET", "/api/v3/account", query, "", headers, bench.now_ms)


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [(None, 401, -2014), ("short", 401, -2014), ("a" * 64, 401, -2015)],
)
def test_a_missing_malformed_or_unknown_key_gets_its_own_code(
    bench: Bench, key: str | None, status: int, code: int
) -> None:
    response = _get(bench, f"timestamp={bench.now_ms}&signature=00", key)

    assert (response.status, response.json()["code"]) == (status, code)


def test_a_signature_by_another_key_is_refused(bench: Bench, trader: Trader) -> None:
    stranger = bench.trader()
    query = f"timestamp={bench.now_ms}"
    made = hmac.new(stranger.key.secret.encode(), query.encode(), hashlib.sha256).hexdigest()

    response = _get(bench, f"{query}&signature={made}", trader.key.key)

    assert response.json() == {"code": -1022, "msg": "Signature for this request is not valid."}
    assert _get(bench, query, trader.key.key).json()["code"] == -1102


def test_a_delete_with_a_form_body_is_read(trader: Trader) -> None:
    trader.limit("BUY", "50000", "0.001", newClientOrderId="a")

    assert trader.call("DELETE", "/api/v3/order", symbol=BTC, origClientOrderId="a").status == 200


def test_the_query_wins_over_the_body(bench: Bench) -> None:
    answer = bench.exchange.handle(
        "GET", "/api/v3/exchangeInfo", "symbol=BTCUSDT", "symbol=ETHUSDT", {}, bench.now_ms
    )

    assert [one["symbol"] for one in answer.json()["symbols"]] == ["BTCUSDT"]


@pytest.mark.parametrize(
    ("query", "code"), [("symbol=BTCUSDT&symbol=BTCUSDT", -1101), ("symbol=", -1105)]
)
def test_repeated_and_empty_parameters_are_refused(bench: Bench, query: str, code: int) -> None:
    answer = bench.exchange.handle("GET", "/api/v3/exchangeInfo", query, "", {}, bench.now_ms)

    assert answer.json()["code"] == code


def test_over_the_weight_limit_comes_429_with_the_seconds_to_wait(bench: Bench) -> None:
    def info() -> Response:
        return bench.exchange.handle("GET", "/api/v3/exchangeInfo", "", "", {}, bench.now_ms)

    bench.pass_time(60_000 - bench.now_ms % 60_000 + 15_500)  # 44.5 s before the next minute
    for used in range(20, 6001, 20):
        assert info().headers["X-MBX-USED-WEIGHT-1M"] == str(used)
    refused = info()
    assert (refused.status, refused.json()["code"]) == (429, -1003)
    assert refused.headers["Retry-After"] == "45"

    bench.pass_time(44_500)
    assert info().status == 200


def test_wallet_paths_have_limits_and_headers_of_their_own(bench: Bench, trader: Trader) -> None:
    """Each /sapi path its own, by address or by account; they weigh nothing on /api."""
    bench.pass_time(60_000 - bench.now_ms % 60_000)
    fee = trader.call("GET", "/sapi/v1/asset/tradeFee").headers
    assert fee["X-SAPI-USED-IP-WEIGHT-1M"] == "1"
    assert not [name for name in fee if name.startswith("X-MBX")]
    coins = trader.call("GET", "/sapi/v1/capital/config/getall").headers
    assert coins["X-SAPI-USED-IP-WEIGHT-1M"] == "10"
    history = "/sapi/v1/capital/withdraw/history"
    for used in range(18_000, 180_001, 18_000):
        answer = trader.call("GET", history)
        assert (answer.status, answer.headers["X-SAPI-USED-UID-WEIGHT-1M"]) == (200, str(used))
    for _ in range(30):  # never a ban
        refused = trader.call("GET", history)
        assert (refused.status, refused.json()["code"]) == (429, -1003)
        assert (refused.headers["Retry-After"], "180000" in refused.json()["msg"]) == ("60", True)
    assert bench.trader().call("GET", history).status == 200  # another account
    ping = bench.exchange.handle("GET", "/api/v3/ping", "", "", {}, bench.now_ms).headers
    assert ping["X-MBX-USED-WEIGHT-1M"] == "1"
    assert not [name for name in ping if name.startswith("X-SAPI")]


def test_a_placed_order_weighs_nothing_and_a_refused_one_does(trader: Trader) -> None:
    wanted = {"symbol": BTC, "side": "BUY", "type": "MARKET"}

    placed = trader.call("POST", "/api/v3/order", quantity="0.001", **wanted)
    assert placed.headers["X-MBX-USED-WEIGHT-1M"] == "0"
    refused = trader.call("POST", "/api/v3/order", quantity="1", **wanted)
    assert refused.headers["X-MBX-USED-WEIGHT-1M"] == "1"


def test_unfilled_orders_are_counted_and_a_fill_gives_one_back(bench: Bench) -> None:
    trader = bench.trader(USDT="1000000")
    bench.pass_time(10_000 - bench.now_ms % 10_000)

    def counts() -> list[int]:
        return [c["count"] for c in trader.ok("GET", "/api/v3/rateLimit/order")]

    trader.order("BUY", "MARKET", quantity="0.001")
    assert counts() == [0, 0]
    trader.limit("BUY", "50000", "0.001")
    assert counts() == [1, 1]
    trader.bracket(quantity="0.001")  # three orders, one of them filled
    assert counts() == [3, 3]
    bench.pass_time(10_000)
    assert counts() == [0, 3]


def test_too_many_unfilled_orders_are_refused(bench: Bench) -> None:
    trader = bench.trader(USDT="1000000")
    bench.pass_time(10_000 - bench.now_ms % 10_000)
    wanted = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    wanted |= {"price": "50000", "quantity": "0.001"}
    for n in range(1, 101):
        answer = trader.call("POST", "/api/v3/order", **wanted)
        assert answer.headers["X-MBX-ORDER-COUNT-10S"] == str(n)

    refused = trader.call("POST", "/api/v3/order", **wanted)

    assert refused.status == 429
    assert refused.json() == {
        "code": -1015,
        "msg": "Too many new orders; current limit is 100 orders per 10 SECOND.",
    }


def test_keys_do_not_show_in_a_repr() -> None:
    assert DOCUMENTED_KEY.secret not in repr(DOCUMENTED_KEY)
    assert DOCUMENTED_KEY.key not in repr(DOCUMENTED_KEY)


def test_the_key_rights_say_that_nothing_can_be_withdrawn(trader: Trader) -> None:
    rights = trader.ok("GET", "/sapi/v1/account/apiRestrictions")

    assert rights["enableReading"] is True
    assert rights["enableSpotAndMarginTrading"] is True
    assert rights["enableWithdrawals"] is False


def test_the_legacy_listen_key_is_gone(bench: Bench) -> None:
    answer = bench.exchange.handle("POST", "/api/v3/userDataStream", "", "", {}, bench.now_ms)

    assert answer.status == 410
    assert b"<html>" in answer.body
