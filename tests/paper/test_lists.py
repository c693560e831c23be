"""Order lists: the documented traps of OCO, OTOCO and OPOCO are real here."""

import pytest

from tests.paper.scripted import BTC, Bench, Trader, bracket

LISTS = "/api/v3/orderList"


def test_an_instantly_filled_bracket_answers_pending_legs_and_then_has_live_ones(
    trader: Trader,
) -> None:
    answer = trader.bracket(newOrderRespType="FULL")

    assert answer["contingencyType"] == "OTO"
    assert answer["listOrderStatus"] == "EXECUTING"
    entry, stop, target = answer["orderReports"]
    assert (entry["status"], entry["executedQty"]) == ("FILLED", "0.10000000")
    assert entry["fills"][0] == {
        "price": "60001.00000000",
        "qty": "0.10000000",
        "commission": "0.00010000",
        "commissionAsset": "BTC",
        "tradeId": 1,
    }
    for leg in (target, stop):
        assert (leg["status"], leg["workingTime"]) == ("PENDING_NEW", -1)
        assert "origQty" not in leg
    assert trader.find("T1")["status"] == "NEW"
    assert trader.find("S1")["isWorking"] is False


def test_opoco_legs_get_what_the_entry_received_net_of_commission_in_whole_steps(
    trader: Trader,
) -> None:
    trader.bracket(quantity="0.00123", entry="60001")

    # 0.00123 less 0.1 % is 0.00122877: 122 whole steps
    assert trader.find("S1")["origQty"] == "0.00122000"
    assert trader.find("T1")["origQty"] == "0.00122000"
    assert trader.balance("BTC") == ("0.00000877", "0.00122000")


def test_opoco_takes_the_commission_from_free_holdings_and_gives_legs_the_full_quantity(
    bench: Bench,
) -> None:
    holder = bench.trader(USDT="10000", BTC="0.01")

    holder.bracket(quantity="0.1")

    assert holder.find("S1")["origQty"] == "0.10000000"
    assert holder.balance("BTC") == ("0.00990000", "0.10000000")
    assert bench.conserved()


def test_holdings_too_small_for_the_commission_leave_it_to_the_bought_coin(bench: Bench) -> None:
    holder = bench.trader(USDT="10000", BTC="0.00009")

    holder.bracket(quantity="0.1")

    assert holder.find("S1")["origQty"] == "0.09990000"
    assert holder.balance("BTC") == ("0.00009000", "0.09990000")


def test_otoco_legs_whose_coin_the_fee_ate_are_rejected_and_the_position_is_naked(
    trader: Trader,
) -> None:
    trader.bracket("otoco", quantity="0.1")  # 0.0999 arrives, 0.1 is pending

    for leg in ("S1", "T1"):
        order = trader.find(leg)
        assert (order["status"], order["expiryReason"]) == ("EXPIRED", "REJECTED")
    assert trader.find("E1")["status"] == "FILLED"
    assert trader.balance("BTC") == ("0.09990000", "0.00000000")
    assert trader.ok("GET", "/api/v3/openOrders", symbol=BTC) == []
    listed = trader.ok("GET", LISTS, origClientOrderId="L1")
    assert listed["listOrderStatus"] == "ALL_DONE"
    assert {e["eR"] for e in trader.events("executionReport") if "eR" in e} == {"REJECTED"}


def test_otoco_legs_sized_net_of_the_fee_go_live(trader: Trader) -> None:
    trader.bracket("otoco", quantity="0.1", pendingQuantity="0.0999")

    assert trader.find("S1")["status"] == "NEW"
    assert trader.balance("BTC") == ("0.00000000", "0.09990000")


def test_legs_that_the_price_has_run_past_are_rejected_on_release(
    bench: Bench, trader: Trader
) -> None:
    trader.bracket(entry="59500", workingTimeInForce="GTC")

    bench.print("58900", "5")  # through the entry and through the stop at once

    assert trader.find("E1")["status"] == "FILLED"
    assert trader.find("S1")["expiryReason"] == "REJECTED"
    assert trader.balance("BTC") == ("0.09990000", "0.00000000")


def test_a_partly_filled_entry_has_no_stop(bench: Bench, trader: Trader) -> None:
    trader.bracket(entry="59500", workingTimeInForce="GTC", quantity="0.1")

    bench.print("59500", "0.04")

    assert trader.find("E1")["status"] == "PARTIALLY_FILLED"
    assert trader.find("S1")["status"] == "PENDING_NEW"
    bench.print("59500", "0.06")
    assert trader.find("E1")["status"] == "FILLED"
    assert trader.find("S1")["status"] == "NEW"
    assert trader.find("S1")["origQty"] == "0.09990000"


def test_cancelling_a_partly_filled_opoco_entry_frees_what_was_bought(
    bench: Bench, trader: Trader
) -> None:
    trader.bracket(entry="59500", workingTimeInForce="GTC", quantity="0.1")
    bench.print("59500", "0.04")
    assert trader.balance("BTC") == ("0.00000000", "0.03996000")

    answer = trader.ok("DELETE", "/api/v3/order", symbol=BTC, origClientOrderId="E1")

    assert {report["status"] for report in answer["orderReports"]} == {"CANCELED"}
    assert len(answer["orderReports"]) == 3
    assert trader.balance("BTC") == ("0.03996000", "0.00000000")
    assert trader.balance("USDT")[1] == "0.00000000"


@pytest.mark.parametrize("in_force", ["FOK", "IOC"])
def test_an_entry_that_misses_expires_the_whole_list(trader: Trader, in_force: str) -> None:
    answer = trader.bracket(entry="60000", workingTimeInForce=in_force)

    assert answer["listOrderStatus"] == "ALL_DONE"
    assert [report["status"] for report in answer["orderReports"]] == ["EXPIRED"] * 3
    missed = {
        "FOK": "UNFILLED_FOK_ORDER_EXPIRED",
        "IOC": "UNFILLED_IOC_QUANTITY_EXPIRED",
    }
    reasons = [report["expiryReason"] for report in answer["orderReports"]]
    assert reasons == [missed[in_force], "OTO_PHASE_ONE_EXPIRED", "OTO_PHASE_ONE_EXPIRED"]
    assert trader.balance("USDT") == ("10000.00000000", "0.00000000")


def test_an_ioc_entry_filled_in_part_keeps_its_coins_and_loses_its_list(
    bench: Bench, trader: Trader
) -> None:
    bench.feed.set_book(BTC, "60000", "0.03", n=1)

    trader.bracket(quantity="0.1", workingTimeInForce="IOC")

    assert trader.find("E1")["status"] == "EXPIRED"
    assert trader.find("S1")["expiryReason"] == "OTO_PHASE_ONE_EXPIRED"
    assert trader.balance("BTC") == ("0.02997000", "0.00000000")
    assert bench.conserved()


def test_a_stop_that_triggers_expires_the_target_and_sells_at_the_book(
    bench: Bench, trader: Trader
) -> None:
    trader.bracket()
    trader.events()
    bench.feed.set_book(BTC, "58990", "5")

    bench.print("58995")

    stop = trader.find("S1")
    assert (stop["status"], stop["executedQty"]) == ("FILLED", "0.09990000")
    assert trader.find("T1")["expiryReason"] == "OCO_TRIGGER"
    told = trader.events()
    assert [(e["e"], e.get("x"), e.get("c")) for e in told] == [
        ("executionReport", "EXPIRED", "T1"),
        ("executionReport", "NEW", "S1"),
        ("executionReport", "TRADE", "S1"),
        ("listStatus", None, "OTO"),
        ("outboundAccountPosition", None, None),
    ]
    assert told[1]["w"] is True
    assert (told[3]["l"], told[3]["L"]) == ("ALL_DONE", "ALL_DONE")
    assert trader.balance("BTC") == ("0.00000000", "0.00000000")
    assert bench.conserved()


def test_a_target_that_triggers_expires_the_stop(bench: Bench, trader: Trader) -> None:
    trader.bracket()
    bench.feed.set_book(BTC, "62000", "5")

    bench.print("62000")

    assert trader.find("T1")["status"] == "FILLED"
    assert trader.find("S1")["expiryReason"] == "OCO_TRIGGER"


def test_a_limit_maker_target_filled_in_part_cancels_the_stop(bench: Bench, trader: Trader) -> None:
    trader.ok("POST", f"{LISTS}/opoco", **_with_maker_target())

    bench.print("62000", "0.01", buyer_is_maker=False)

    assert trader.find("T1")["status"] == "PARTIALLY_FILLED"
    assert trader.find("S1")["expiryReason"] == "OCO_TRIGGER"
    bench.print("58000", "5")  # nothing protects the rest any more
    assert trader.find("T1")["status"] == "PARTIALLY_FILLED"
    assert trader.balance("BTC") == ("0.00000000", "0.08990000")


def _with_maker_target() -> dict[str, str]:
    wanted = bracket() | {"pendingAboveType": "LIMIT_MAKER", "pendingAbovePrice": "62000"}
    del wanted["pendingAboveStopPrice"]
    return wanted


def test_a_triggered_stop_in_a_thin_book_expires_with_the_rest_unsold(
    bench: Bench, trader: Trader
) -> None:
    trader.bracket()
    bench.feed.set_book(BTC, "58990", "0.01", n=2)

    bench.print("58990")

    stop = trader.find("S1")
    assert (stop["status"], stop["expiryReason"]) == ("EXPIRED", "INSUFFICIENT_LIQUIDITY")
    assert stop["executedQty"] == "0.02000000"
    assert trader.balance("BTC") == ("0.07990000", "0.00000000")


def test_cancelling_one_leg_cancels_the_list(trader: Trader) -> None:
    trader.bracket()

    answer = trader.ok("DELETE", "/api/v3/order", symbol=BTC, origClientOrderId="S1")

    assert answer["listOrderStatus"] == "ALL_DONE"
    assert trader.find("T1")["status"] == "CANCELED"
    assert trader.balance("BTC") == ("0.09990000", "0.00000000")
