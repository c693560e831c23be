"""The signature examples of Binance's documentation hold here."""

import pytest

from tests.conformance.host import sign
from trading.exchange.paper import errors, security
from trading.exchange.paper.accounts import ApiKey

KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
TAIL = "side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000"
WIDE = "%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96"
ORDER = f"symbol=LTCBTC&{TAIL}&timestamp=1499827319559"
SPLIT = ("symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC",
         "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559")  # fmt: skip

REST = [  # query, body, signature (rest-api.md, "SIGNED request example (HMAC)")
    ("", ORDER, "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"),
    (ORDER, "", "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"),
    (*SPLIT, "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77"),
    (
        f"symbol={WIDE}&{TAIL}&timestamp=1499827319559",
        "",
        "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
    ),
]
SOCKET = [  # parameters, signature (web-socket-api.md, "SIGNED request example (HMAC)")
    (
        {"symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC",
         "quantity": "0.01000000", "price": "52000.00", "recvWindow": "100",
         "timestamp": "1645423376532", "apiKey": KEY},
        "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24",
    ),
    (
        {"symbol": "１２３４５６", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
         "quantity": "1.00000000", "price": "0.10000000", "recvWindow": "5000",
         "timestamp": "1645423376532", "apiKey": KEY},
        "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd",
    ),
]  # fmt: skip


DOCUMENTED = ApiKey(KEY, SECRET, account=1, created_ms=0)


@pytest.mark.parametrize(("query", "body", "signature"), REST)
def test_the_rest_examples_hold(query: str, body: str, signature: str) -> None:
    signed = (
        (f"{query}&signature={signature}", body) if query else ("", f"{body}&signature={signature}")
    )
    payload = security.rest_payload(*signed)
    assert payload == query + body
    assert sign(SECRET, payload) == signature
    security.check_signature(DOCUMENTED, payload, signature)
    security.check_signature(DOCUMENTED, payload, signature.upper())
    with pytest.raises(errors.BinanceError, match="-1022"):
        security.check_signature(DOCUMENTED, payload + "0", signature)


@pytest.mark.parametrize(("params", "signature"), SOCKET)
def test_the_ws_api_examples_hold(params: dict[str, str], signature: str) -> None:
    payload = security.socket_payload(params | {"signature": signature})
    assert sign(SECRET, payload) == signature
    security.check_signature(DOCUMENTED, payload, signature)
