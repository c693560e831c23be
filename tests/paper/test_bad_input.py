"""Whatever is sent: a refusal in Binance's words, never a 500, and no money made of it."""

import json
from typing import Any
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.paper.scripted import BTC, START_MS, Bench, Trader, bracket
from trading.exchange.paper.routes import METHODS, ROUTES
from trading.exchange.paper.synthetic import SyntheticFeed
from trading.exchange.paper.ws_api import OWN_METHODS, Session

NAMES = sorted(
    {name for route in ROUTES.values() for name in route.accepts or ()}
    | {"symbol", "symbols", "limit", "interval", "startTime", "endTime", "fromId", "bogus"}
)
VALUES = st.one_of(
    st.sampled_from([BTC, "ETHUSDT", "btcusdt", "BUY", "SELL", "GTC", "IOC", "FOK", "1m", "true"]),
    st.sampled_from(["LIMIT", "MARKET", "STOP_LOSS", "TAKE_PROFIT", "LIMIT_MAKER", "[", "{}"]),
    st.sampled_from(["0", "-1", "1", "0.1", "60000", "59000", "62000", "0.001", "1e5", "NaN"]),
    st.sampled_from(["9223372036854775807", "9223372036854775808", "0.000000001", "Infinity"]),
    st.sampled_from(["999999999999999999999", "٣", "1_000", " 1", "null", "\x00", "🙂"]),
    st.just('["BTCUSDT"]'),
    st.text(max_size=12),
)
PARAMS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=9)
PLACE = st.one_of(
    st.just({"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}),
    st.just(bracket()),
    st.just(bracket("otoco")),
    st.just({"symbol": BTC}),
)


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(sorted(ROUTES)), PLACE, PARAMS)
def test_no_rest_request_breaks_the_exchange(
    where: tuple[str, str], base: dict[str, str], extra: dict[str, str]
) -> None:
    bench, trader = _SHARED
    if where[1] == "/api/v3/exchangeInfo":
        bench.pass_time(60_000)  # fresh weight
    bench.pass_time(1_000)

    response = trader.call(*where, **(base | extra))

    if where[1] == "/api/v3/userDataStream":
        assert response.status == 410  # ended by Binance; an HTML page, as there
        return
    assert response.status in (200, 400, 401, 409, 429), response.body
    if response.status != 200:
        refusal = response.json()
        assert refusal["code"] < -1000
        assert refusal["msg"]
    assert bench.conserved()


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60), st.sampled_from(sorted(ROUTES)))
def test_no_garbled_query_or_body_breaks_the_exchange(
    query: str, body: str, where: tuple[str, str]
) -> None:
    bench, trader = _SHARED
    bench.pass_time(60_000)
    headers = {"X-MBX-APIKEY": trader.key.key}

    for text in (query, quote(query, safe="&=")):
        response = bench.exchange.handle(*where, text, body, headers, bench.now_ms)
        gone = where[1] == "/api/v3/userDataStream"
        assert response.status in ((410,) if gone else (200, 400, 401)), response.body


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)
FRAMES = st.one_of(
    st.text(max_size=40),
    JSON.map(json.dumps),
    st.fixed_dictionaries(
        {
            "id": st.one_of(st.integers(), st.text(max_size=10), st.none()),
            "method": st.sampled_from(sorted(METHODS.keys() | OWN_METHODS.keys())),
            "params": st.dictionaries(
                st.sampled_from([*NAMES, "apiKey", "timestamp", "signature", "recvWindow"]),
                st.one_of(VALUES, JSON),
                max_size=6,
            ),
        }
    ).map(json.dumps),
)


@settings(max_examples=600, deadline=None)
@given(FRAMES)
def test_no_ws_api_frame_breaks_the_exchange(text: str) -> None:
    bench, _ = _SHARED
    bench.pass_time(60_000)

    answer: dict[str, Any] = Session(bench.exchange, bench.now_ms).answer(text)

    assert answer["status"] in (200, 400, 401, 429), answer
    assert ("result" in answer) == (answer["status"] == 200)
    assert bench.conserved()


def _shared() -> tuple[Bench, Trader]:
    bench = Bench(feed=SyntheticFeed(now_ms=START_MS))
    return bench, bench.trader(USDT="100000", BTC="1")


_SHARED = _shared()
