"""Order lists that break a rule are refused whole and leave nothing behind."""

import pytest

from tests.paper.scripted import BTC, Bench, Trader, bracket

LISTS = "/api/v3/orderList"


def test_a_pair_around_the_last_price_shares_one_lock(bench: Bench) -> None:
    holder = bench.trader(BTC="1")

    answer = holder.ok("POST", f"{LISTS}/oco", **_pair())

    assert answer["contingencyType"] == "OCO"
    assert holder.balance("BTC") == ("0.50000000", "0.50000000")
    bench.print("62000", "0.5", buyer_is_maker=False)
    assert holder.find("T1")["status"] == "FILLED"
    assert holder.balance("BTC") == ("0.50000000", "0.00000000")
    assert holder.balance("USDT") == ("30969.00000000", "0.00000000")


def _pair(**changed: str) -> dict[str, str]:
    return {
        "symbol": BTC,
        "side": "SELL",
        "quantity": "0.5",
        "aboveType": "LIMIT_MAKER",
        "abovePrice": "62000",
        "aboveClientOrderId": "T1",
        "belowType": "STOP_LOSS",
        "belowStopPrice": "59000",
        "belowClientOrderId": "S1",
    } | changed


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"belowStopPrice": "60000"}, -2010),  # at the last price
        ({"abovePrice": "59999"}, -2010),
        ({"belowType": "LIMIT_MAKER"}, -1102),  # without its price
        ({"belowType": "TAKE_PROFIT"}, -1199),
        ({"quantity": "2"}, -2010),  # more than is there
    ],
)
def test_a_pair_that_breaks_a_rule_is_refused_and_leaves_nothing(
    bench: Bench, changed: dict[str, str], code: int
) -> None:
    holder = bench.trader(BTC="1")

    assert holder.refused("POST", f"{LISTS}/oco", **_pair(**changed))[0] == code

    assert holder.balance("BTC") == ("1.00000000", "0.00000000")
    assert holder.ok("GET", "/api/v3/openOrders") == []
    assert holder.ok("GET", "/api/v3/openOrderList") == []


@pytest.mark.parametrize(
    ("changed", "code", "text"),
    [
        ({"workingType": "MARKET"}, -1014, "Unsupported order combination"),
        ({"workingSide": "SELL", "pendingSide": "BUY"}, -1222, "OPO"),
        ({"pendingSide": "BUY"}, -1223, "asks"),
        ({"pendingBelowStopPrice": "63000"}, -2010, "relationship"),
        ({"pendingQuantity": "0.1"}, -1104, "Not all sent parameters were read"),
        ({"workingQuantity": "1"}, -2010, "insufficient balance"),
        ({"workingPrice": "60001.001"}, -1013, "PRICE_FILTER"),
        ({"pendingBelowStopPrice": "59000.001"}, -1013, "PRICE_FILTER"),
        ({"workingQuantity": "0.100001"}, -1013, "LOT_SIZE"),
        ({"pendingBelowClientOrderId": "E1"}, -2010, "Duplicate order sent."),
    ],
)
def test_a_bracket_that_breaks_a_rule_is_refused_whole(
    trader: Trader, changed: dict[str, str], code: int, text: str
) -> None:
    refused = trader.refused("POST", f"{LISTS}/opoco", **(bracket() | changed))

    assert refused[0] == code
    assert text in refused[1]
    assert trader.ok("GET", "/api/v3/allOrders", symbol=BTC) == []
    assert trader.balance("USDT") == ("10000.00000000", "0.00000000")


def test_two_brackets_fill_the_room_for_stops_and_a_third_is_refused(trader: Trader) -> None:
    for n in "12":
        ids = {"E1": f"E{n}", "S1": f"S{n}", "T1": f"T{n}", "L1": f"L{n}"}
        wanted = {k: ids.get(v, v) for k, v in bracket(quantity="0.01").items()}
        trader.ok("POST", f"{LISTS}/opoco", **wanted)

    third = bracket(quantity="0.01") | {
        "workingClientOrderId": "E3",
        "pendingAboveClientOrderId": "T3",
        "pendingBelowClientOrderId": "S3",
        "listClientOrderId": "L3",
    }
    assert trader.refused("POST", f"{LISTS}/opoco", **third) == (
        -1013,
        "Filter failure: MAX_NUM_ALGO_ORDERS",
    )


def test_list_ids_are_free_again_once_the_list_is_done(trader: Trader) -> None:
    trader.bracket()
    assert trader.refused("POST", f"{LISTS}/opoco", **bracket())[1] == "Duplicate order sent."
    trader.ok("DELETE", LISTS, symbol=BTC, listClientOrderId="L1")

    trader.bracket(quantity="0.05")

    assert len(trader.ok("GET", "/api/v3/allOrderList")) == 2
    assert trader.refused("DELETE", LISTS, symbol=BTC, orderListId=0) == (
        -2011,
        "Unknown order list sent.",
    )
    assert trader.refused("GET", LISTS, orderListId=99) == (-2018, "Order list does not exist.")
