"""Single orders: what is refused, in Binance's words."""

import pytest

from tests.paper.scripted import BTC, Bench, Trader

ORDER = "/api/v3/order"


def test_a_limit_maker_that_would_take_is_refused(trader: Trader) -> None:
    wanted = {"symbol": BTC, "side": "BUY", "type": "LIMIT_MAKER", "quantity": "0.01"}

    assert trader.refused("POST", ORDER, price="60001", **wanted) == (
        -2010,
        "Order would immediately match and take.",
    )
    trader.ok("POST", ORDER, price="60000", **wanted)


@pytest.mark.parametrize(
    ("side", "type", "stop"),
    [
        ("SELL", "STOP_LOSS", "60000"),
        ("SELL", "TAKE_PROFIT", "60000"),
        ("BUY", "STOP_LOSS", "60000"),
        ("BUY", "TAKE_PROFIT", "60000"),
        ("SELL", "STOP_LOSS", "60001"),
        ("BUY", "TAKE_PROFIT", "60001"),
    ],
)
def test_a_stop_already_reached_is_refused(bench: Bench, side: str, type: str, stop: str) -> None:
    holder = bench.trader(BTC="1", USDT="10000")
    wanted = {"symbol": BTC, "side": side, "type": type, "quantity": "0.1", "stopPrice": stop}

    assert holder.refused("POST", ORDER, **wanted) == (
        -2010,
        "Order would trigger immediately.",
    )


@pytest.mark.parametrize(
    ("changed", "code", "text"),
    [
        ({"price": "60000.001"}, -1013, "Filter failure: PRICE_FILTER"),
        ({"price": "0.001"}, -1013, "Filter failure: PRICE_FILTER"),
        ({"price": "2000000"}, -1013, "Filter failure: PRICE_FILTER"),
        ({"price": "400000"}, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        ({"price": "11000"}, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        ({"quantity": "0.000011"}, -1013, "Filter failure: LOT_SIZE"),
        ({"quantity": "9001"}, -1013, "Filter failure: LOT_SIZE"),
        ({"quantity": "0.00008"}, -1013, "Filter failure: NOTIONAL"),
        ({"quantity": "0"}, -1013, "Invalid quantity."),
        ({"price": "0"}, -1013, "Invalid price."),
        ({"price": "60000.123456789"}, -1111, "Parameter 'price' has too much precision."),
        ({"quantity": "1e-05"}, -1100, "Illegal characters found in parameter 'quantity'"),
        ({"quantity": "-1"}, -1100, "Illegal characters found in parameter 'quantity'"),
        ({"quantity": "NaN"}, -1100, "Illegal characters found in parameter 'quantity'"),
        ({"quantity": "٣"}, -1100, "Illegal characters found in parameter 'quantity'"),
        ({"newClientOrderId": "a b"}, -1100, "in parameter 'newClientOrderId'"),
        ({"newClientOrderId": "a" * 37}, -1100, "in parameter 'newClientOrderId'"),
        ({"side": "LONG"}, -1117, "Invalid side."),
        ({"type": "STOP"}, -1116, "Invalid orderType."),
        ({"timeInForce": "DAY"}, -1115, "Invalid timeInForce."),
        ({"symbol": "BTCEUR"}, -1121, "Invalid symbol."),
        ({"symbol": "btc usdt"}, -1100, "in parameter 'symbol'"),
        ({"quantity": "1"}, -2010, "Account has insufficient balance for requested action."),
        ({"stopPrice": "59000"}, -1106, "Parameter 'stopPrice' sent when not required."),
        ({"bogus": "1"}, -1104, "Not all sent parameters were read; read '6' parameter(s)"),
        ({"side": ""}, -1105, "Parameter 'side' was empty."),
        ({"newOrderRespType": "ALL"}, -1136, "Invalid newOrderRespType"),
    ],
)
def test_a_limit_order_that_breaks_a_rule_is_refused_in_binances_words(
    trader: Trader, changed: dict[str, str], code: int, text: str
) -> None:
    wanted = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    wanted |= {"price": "59000", "quantity": "0.1"} | changed

    refused = trader.refused("POST", ORDER, **wanted)

    assert refused[0] == code
    assert text in refused[1]
    assert trader.balance("USDT") == ("10000.00000000", "0.00000000")
    assert trader.ok("GET", "/api/v3/allOrders", symbol=BTC) == []


@pytest.mark.parametrize(
    ("type", "lacks"),
    [
        ("LIMIT", "timeInForce"),
        ("LIMIT_MAKER", "quantity"),
        ("STOP_LOSS", "quantity"),
        ("MARKET", "quoteOrderQty"),
    ],
)
def test_what_an_order_type_needs_is_named_when_it_lacks(
    trader: Trader, type: str, lacks: str
) -> None:
    code, text = trader.refused("POST", ORDER, symbol=BTC, side="BUY", type=type)

    assert code == -1102
    assert lacks in text


def test_market_orders_have_a_lot_size_of_their_own(bench: Bench) -> None:
    whale = bench.trader(USDT="100000000")
    wanted = {"symbol": BTC, "side": "BUY", "type": "MARKET", "quantity": "121"}

    assert whale.refused("POST", ORDER, **wanted) == (-1013, "Filter failure: MARKET_LOT_SIZE")
