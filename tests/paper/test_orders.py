"""Single orders: what they lock, how they fill, how they end."""

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


def test_a_market_order_tells_its_story_in_binances_order(trader: Trader) -> None:
    trader.order("BUY", "MARKET", quantity="0.1", newClientOrderId="a")

    told = trader.events()

    assert [(e["e"], e.get("x"), e.get("X")) for e in told] == [
        ("executionReport", "NEW", "NEW"),
        ("executionReport", "TRADE", "FILLED"),
        ("outboundAccountPosition", None, None),
    ]
    new, trade = told[:2]
    assert (new["w"], new["W"]) == (True, new["T"])  # faqs/market_orders_faq.md
    assert (trade["w"], trade["W"]) == (False, new["W"])
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


def test_an_order_is_told_as_working_from_when_it_is_on_the_book(trader: Trader) -> None:
    """`W` comes with the first true `w`: at once, or when a stop was set off."""
    trader.limit("BUY", "59990", "0.01")
    (new,) = trader.events("executionReport")
    assert (new["w"], new["W"]) == (True, new["T"])
    waits = {"price": "60600", "stopPrice": "60500", "timeInForce": "GTC"}
    trader.order("BUY", "STOP_LOSS_LIMIT", quantity="0.01", **waits)
    (waiting,) = trader.events("executionReport")
    assert waiting["w"] is False
    assert "W" not in waiting
    trader.bench.feed.set_book(BTC, "60700", "50")
    trader.bench.print("60500")
    (set_off,) = trader.events("executionReport")
    assert (set_off["x"], set_off["w"], set_off["W"]) == ("NEW", True, set_off["T"])


def test_a_deposit_is_announced_and_counted(bench: Bench, trader: Trader) -> None:
    bench.exchange.deposit(trader.account.id, "USDT", 5 * 10**8)

    update, position = trader.events()
    assert (update["e"], update["a"], update["d"]) == ("balanceUpdate", "USDT", "5.00000000")
    assert position["B"] == [{"a": "USDT", "f": "10005.00000000", "l": "0.00000000"}]
    assert bench.conserved()
