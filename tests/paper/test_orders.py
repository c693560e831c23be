"""Single orders: what they lock, how they fill, how they end, what is refused."""

import pytest

from tests.paper.scripted import BTC, Bench, Trader

ORDER = "/api/v3/order"


def test_a_market_buy_pays_the_book_and_receives_coins_less_commission(trader: Trader) -> None:
    answer = trader.order("BUY", "MARKET", quantity="0.1")

    assert answer["status"] == "FILLED"
    assert answer["cummulativeQuoteQty"] == "6000.10000000"
    assert trader.balance("BTC") == ("0.09990000", "0.00000000")
    assert trader.balance("USDT") == ("3999.90000000", "0.00000000")


def test_a_market_sell_pays_its_commission_in_quote(bench: Bench) -> None:
    holder = bench.trader(BTC="1")

    holder.order("SELL", "MARKET", quantity="0.5")

    assert holder.balance("USDT") == ("29969.50050000", "0.00000000")  # 0.5 at 59,999 less 0.1 %


def test_a_market_buy_by_amount_takes_whole_steps_within_it(trader: Trader) -> None:
    answer = trader.order("BUY", "MARKET", quoteOrderQty="1000")

    assert answer["executedQty"] == "0.01666000"
    assert answer["origQuoteOrderQty"] == "1000.00000000"
    assert answer["cummulativeQuoteQty"] == "999.61666000"


def test_a_large_market_order_walks_the_levels(bench: Bench, trader: Trader) -> None:
    bench.feed.set_book(BTC, "60000", "0.05", step="10")

    answer = trader.order("BUY", "MARKET", quantity="0.12")

    assert [fill["price"] for fill in answer["fills"]] == [
        "60010.00000000",
        "60020.00000000",
        "60030.00000000",
    ]
    assert [fill["tradeId"] for fill in answer["fills"]] == [1, 2, 3]


def test_a_market_order_beyond_the_book_expires_with_the_rest(bench: Bench) -> None:
    holder = bench.trader(BTC="1")
    bench.feed.set_book(BTC, "60000", "0.1", n=2)

    answer = holder.order("SELL", "MARKET", quantity="0.5")

    assert (answer["status"], answer["executedQty"]) == ("EXPIRED", "0.20000000")
    assert answer["expiryReason"] == "INSUFFICIENT_LIQUIDITY"
    assert holder.balance("BTC") == ("0.80000000", "0.00000000")


def test_a_limit_buy_locks_its_price_and_gets_the_better_one(trader: Trader) -> None:
    answer = trader.limit("BUY", "60500", "0.1")

    assert answer["cummulativeQuoteQty"] == "6000.10000000"
    assert trader.balance("USDT") == ("3999.90000000", "0.00000000")


def test_a_resting_limit_shares_each_print_in_price_time_priority(bench: Bench) -> None:
    first, second, better = (bench.trader() for _ in range(3))
    first.limit("BUY", "59900", "0.1", newClientOrderId="a")
    second.limit("BUY", "59900", "0.1", newClientOrderId="a")
    better.limit("BUY", "59950", "0.05", newClientOrderId="a")

    bench.print("59900", "0.12")

    assert better.find("a")["status"] == "FILLED"
    assert first.find("a")["executedQty"] == "0.07000000"
    assert second.find("a")["executedQty"] == "0.00000000"
    bench.print("59901", "5")  # above their price: nothing
    assert second.find("a")["executedQty"] == "0.00000000"
    bench.print("59800", "0.05")
    assert first.find("a")["status"] == "FILLED"
    assert second.find("a")["executedQty"] == "0.02000000"
    assert bench.conserved()


def test_a_resting_order_is_filled_as_maker_at_its_own_price(bench: Bench, trader: Trader) -> None:
    trader.limit("BUY", "59900", "0.1", newClientOrderId="a")
    assert trader.balance("USDT") == ("4010.00000000", "5990.00000000")

    bench.print("59000", "1")

    fill = trader.ok("GET", "/api/v3/myTrades", symbol=BTC)[0]
    assert (fill["price"], fill["isMaker"], fill["isBuyer"]) == ("59900.00000000", True, True)
    assert trader.balance("USDT") == ("4010.00000000", "0.00000000")


def test_a_cancelled_order_gives_its_lock_back(bench: Bench, trader: Trader) -> None:
    trader.limit("BUY", "59900", "0.1", newClientOrderId="a")
    bench.print("59900", "0.04")

    answer = trader.ok("DELETE", ORDER, symbol=BTC, origClientOrderId="a")

    assert (answer["status"], answer["executedQty"]) == ("CANCELED", "0.04000000")
    assert answer["origClientOrderId"] == "a"
    assert answer["clientOrderId"] != "a"
    assert trader.balance("USDT") == ("7604.00000000", "0.00000000")
    assert trader.refused("DELETE", ORDER, symbol=BTC, origClientOrderId="a") == (
        -2011,
        "Unknown order sent.",
    )


def test_a_client_id_is_taken_while_open_and_free_again_after_the_fill(trader: Trader) -> None:
    trader.limit("BUY", "50000", "0.01", newClientOrderId="same")
    again = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    again |= {"price": "50000", "quantity": "0.01", "newClientOrderId": "same"}
    assert trader.refused("POST", ORDER, **again) == (-2010, "Duplicate order sent.")
    trader.ok("DELETE", ORDER, symbol=BTC, origClientOrderId="same")

    for _ in range(2):  # filled at once, so the id does not stop a second purchase
        trader.limit("BUY", "60500", "0.01", newClientOrderId="same")

    assert trader.balance("BTC") == ("0.01998000", "0.00000000")
    assert trader.find("same")["orderId"] == 3  # the newest of that name


def test_fill_or_kill_fills_whole_or_not_at_all(bench: Bench, trader: Trader) -> None:
    bench.feed.set_book(BTC, "60000", "0.05", n=2)

    missed = trader.limit("BUY", "60001", "0.08", timeInForce="FOK")
    assert (missed["status"], missed["executedQty"]) == ("EXPIRED", "0.00000000")
    assert missed["expiryReason"] == "UNFILLED_FOK_ORDER_EXPIRED"
    assert trader.limit("BUY", "60002", "0.08", timeInForce="FOK")["status"] == "FILLED"


def test_immediate_or_cancel_keeps_what_it_got(bench: Bench, trader: Trader) -> None:
    bench.feed.set_book(BTC, "60000", "0.05", n=1)

    answer = trader.limit("BUY", "60001", "0.08", timeInForce="IOC")

    assert (answer["status"], answer["executedQty"]) == ("EXPIRED", "0.05000000")
    assert trader.balance("USDT") == ("6999.95000000", "0.00000000")


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
    ("side", "type", "stop", "not_yet", "reached"),
    [
        ("SELL", "STOP_LOSS", "59000", "59000.01", "59000"),
        ("SELL", "TAKE_PROFIT", "61000", "60999.99", "61000"),
        ("BUY", "STOP_LOSS", "61000", "60999.99", "61000"),
        ("BUY", "TAKE_PROFIT", "59000", "59000.01", "59000"),
    ],
)
def test_a_waiting_order_runs_when_a_print_reaches_its_price(
    bench: Bench, side: str, type: str, stop: str, not_yet: str, reached: str
) -> None:
    holder = bench.trader(BTC="1", USDT="10000")
    holder.order(side, type, quantity="0.1", stopPrice=stop, newClientOrderId="a")

    bench.print(not_yet)
    assert holder.find("a")["status"] == "NEW"
    bench.print(reached)
    assert holder.find("a")["status"] == "FILLED"
    assert bench.conserved()


def test_a_stop_limit_rests_at_its_limit_and_can_be_jumped_over(bench: Bench) -> None:
    holder = bench.trader(BTC="1")
    bench.feed.set_book(BTC, "58000", "5")
    holder.order(
        "SELL",
        "STOP_LOSS_LIMIT",
        quantity="0.1",
        stopPrice="59000",
        price="58900",
        timeInForce="GTC",
        newClientOrderId="a",
    )

    bench.print("58000")

    stopped = holder.find("a")
    assert (stopped["status"], stopped["isWorking"]) == ("NEW", True)
    assert stopped["executedQty"] == "0.00000000"


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


def test_a_market_order_tells_its_story_in_binances_order(trader: Trader) -> None:
    trader.order("BUY", "MARKET", quantity="0.1", newClientOrderId="a")

    told = trader.events()

    assert [(e["e"], e.get("x"), e.get("X")) for e in told] == [
        ("executionReport", "NEW", "NEW"),
        ("executionReport", "TRADE", "FILLED"),
        ("outboundAccountPosition", None, None),
    ]
    trade = told[1]
    assert (trade["l"], trade["L"], trade["n"], trade["N"], trade["t"]) == (
        "0.10000000",
        "60001.00000000",
        "0.00010000",
        "BTC",
        1,
    )
    assert set(trade) == {
        "e",
        "E",
        "s",
        "c",
        "S",
        "o",
        "f",
        "q",
        "p",
        "P",
        "F",
        "g",
        "C",
        "x",
        "X",
        "r",
        "i",
        "l",
        "z",
        "L",
        "n",
        "N",
        "T",
        "t",
        "I",
        "w",
        "m",
        "M",
        "O",
        "Z",
        "Y",
        "Q",
        "V",
        "W",
    }
    assert {balance["a"] for balance in told[2]["B"]} == {"BTC", "USDT"}


def test_a_deposit_is_announced_and_counted(bench: Bench, trader: Trader) -> None:
    bench.exchange.deposit(trader.account.id, "USDT", 5 * 10**8)

    update, position = trader.events()
    assert (update["e"], update["a"], update["d"]) == ("balanceUpdate", "USDT", "5.00000000")
    assert position["B"] == [{"a": "USDT", "f": "10005.00000000", "l": "0.00000000"}]
    assert bench.conserved()
