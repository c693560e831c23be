"""Single orders: their answers, finding them, cancelling them."""

from tests.paper.scripted import BTC, Bench, Trader

ORDER = "/api/v3/order"


def test_the_answer_comes_in_three_sizes(trader: Trader) -> None:
    ack = trader.limit("BUY", "50000", "0.001", newOrderRespType="ACK")
    result = trader.limit("BUY", "50000", "0.001", newOrderRespType="RESULT")
    full = trader.limit("BUY", "50000", "0.001")

    assert set(ack) == {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
    assert set(result) - set(ack) >= {"price", "status", "workingTime", "selfTradePreventionMode"}
    assert set(full) - set(result) == {"fills"}


def test_an_order_test_checks_everything_and_places_nothing(trader: Trader) -> None:
    wanted = {"symbol": BTC, "side": "BUY", "type": "MARKET", "quantity": "0.1"}

    assert trader.ok("POST", "/api/v3/order/test", **wanted) == {}
    assert trader.ok("GET", "/api/v3/allOrders", symbol=BTC) == []
    assert (
        trader.refused("POST", "/api/v3/order/test", **(wanted | {"quantity": "121"}))[0] == -1013
    )


def test_orders_are_found_by_number_by_name_and_only_if_both_agree(trader: Trader) -> None:
    placed = trader.limit("BUY", "50000", "0.001", newClientOrderId="a")

    number = placed["orderId"]
    assert trader.ok("GET", ORDER, symbol=BTC, orderId=number)["clientOrderId"] == "a"
    both = {"symbol": BTC, "orderId": number}
    assert trader.ok("GET", ORDER, origClientOrderId="a", **both)
    absent = (-2013, "Order does not exist.")
    assert trader.refused("GET", ORDER, origClientOrderId="b", **both) == absent
    assert trader.refused("GET", ORDER, symbol=BTC, orderId=99) == absent
    assert trader.refused("GET", ORDER, symbol="ETHUSDT", orderId=number) == absent
    assert trader.refused("GET", ORDER, symbol=BTC)[0] == -1102


def test_nobody_sees_or_cancels_the_orders_of_another(bench: Bench, trader: Trader) -> None:
    trader.limit("BUY", "50000", "0.001", newClientOrderId="a")
    stranger = bench.trader()

    assert stranger.refused("GET", ORDER, symbol=BTC, orderId=1)[0] == -2013
    assert stranger.refused("DELETE", ORDER, symbol=BTC, orderId=1)[0] == -2011
    assert stranger.ok("GET", "/api/v3/openOrders") == []
    assert stranger.ok("GET", "/api/v3/allOrders", symbol=BTC) == []


def test_trades_are_listed_by_order_by_id_and_by_time(bench: Bench, trader: Trader) -> None:
    for _ in range(3):
        trader.order("BUY", "MARKET", quantity="0.001")
        bench.pass_time(1000)
    ask = {"symbol": BTC}

    def ids(**more: object) -> list[int]:
        return [t["id"] for t in trader.ok("GET", "/api/v3/myTrades", **ask, **more)]

    assert ids() == [1, 2, 3]
    assert ids(limit=2) == [2, 3]
    assert ids(fromId=2) == [2, 3]
    assert ids(fromId=1, limit=1) == [1]
    assert ids(orderId=2) == [2]
    assert ids(startTime=bench.now_ms - 2000, endTime=bench.now_ms) == [2, 3]
    day = 86_400_000
    assert trader.refused(
        "GET", "/api/v3/myTrades", startTime=bench.now_ms - day - 1, endTime=bench.now_ms, **ask
    ) == (-1127, "More than 24 hours between startTime and endTime.")
    assert trader.refused("GET", "/api/v3/myTrades", fromId=1, startTime=1, **ask)[0] == -1128


def test_cancelling_all_on_a_symbol_takes_lists_along(bench: Bench, trader: Trader) -> None:
    trader.bracket(quantity="0.05")
    trader.limit("BUY", "50000", "0.001", newClientOrderId="a")

    answer = trader.ok("DELETE", "/api/v3/openOrders", symbol=BTC)

    assert len(answer) == 2
    assert trader.ok("GET", "/api/v3/openOrders") == []
    assert trader.refused("DELETE", "/api/v3/openOrders", symbol=BTC)[0] == -2011


def test_a_cancel_may_be_restricted_to_an_untouched_order(bench: Bench, trader: Trader) -> None:
    trader.limit("BUY", "59900", "0.1", newClientOrderId="a")
    bench.print("59900", "0.01")
    ask = {"symbol": BTC, "origClientOrderId": "a"}

    assert trader.refused("DELETE", ORDER, cancelRestrictions="ONLY_NEW", **ask) == (
        -2011,
        "Order was not canceled due to cancel restrictions.",
    )
    assert trader.refused("DELETE", ORDER, cancelRestrictions="NEW", **ask)[0] == -1145
    trader.ok("DELETE", ORDER, cancelRestrictions="ONLY_PARTIALLY_FILLED", **ask)
