"""python-binance's own client on the exchange in this process: no socket, a virtual clock."""

from typing import Any

from binance import Client

from tests.paper.scripted import BTC, Bench, Trader
from trading.exchange.paper.in_process import InProcessAdapter


class InProcessClient(Client):  # type: ignore[misc]
    API_URL = "http://paper/api"
    MARGIN_API_URL = "http://paper/sapi"


def _client(bench: Bench, trader: Trader) -> Any:
    client = InProcessClient(trader.key.key, trader.key.secret, ping=False)
    client.session.mount("http://paper", InProcessAdapter(bench.exchange, lambda: bench.now_ms))
    return client


def test_a_client_trades_without_a_socket(bench: Bench, trader: Trader, monkeypatch: Any) -> None:
    client = _client(bench, trader)
    monkeypatch.setattr("binance.base_client.time.time", lambda: bench.now_ms / 1000)

    assert client.get_server_time() == {"serverTime": bench.now_ms}
    bought = client.order_market_buy(symbol=BTC, quantity="0.1")
    client.order_limit_sell(symbol=BTC, quantity="0.05", price="65000", newClientOrderId="a")
    canceled = client.cancel_order(symbol=BTC, origClientOrderId="a")

    assert (bought["status"], bought["transactTime"]) == ("FILLED", bench.now_ms)
    assert canceled["status"] == "CANCELED"
    assert client.get_asset_balance("BTC")["free"] == "0.09990000"
