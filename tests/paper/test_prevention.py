"""An account never trades with itself against its will: every mode of self-trade prevention."""

from __future__ import annotations

from dataclasses import replace

import pytest

from .scripted import BTC, Bench, Trader


@pytest.fixture
def both(bench: Bench) -> Trader:
    """Somebody with money and coins, and a resting offer of 0.5 before the market's."""
    trader = bench.trader(USDT="100000", BTC="2")
    trader.limit("SELL", "60000.5", "0.5", newClientOrderId="maker")
    trader.events()
    return trader


def take(trader: Trader, mode: str, quantity: str = "0.2") -> dict[str, object]:
    return trader.limit(
        "BUY",
        "60000.5",
        quantity,
        newClientOrderId="taker",
        selfTradePreventionMode=mode,
    )


def test_without_prevention_an_account_trades_with_itself(bench: Bench, both: Trader) -> None:
    answer = take(both, "NONE")
    assert (answer["status"], len(answer["fills"])) == ("FILLED", 1)
    assert both.find("maker")["executedQty"] == "0.20000000"
    mine = both.ok("GET", "/api/v3/myTrades", symbol=BTC)
    assert [x["id"] for x in mine] == [mine[0]["id"]] * 2
    assert {(x["isBuyer"], x["isMaker"]) for x in mine} == {(True, False), (False, True)}
    assert bench.conserved()


@pytest.mark.parametrize(
    ("mode", "taker", "maker", "lost"),
    [
        ("EXPIRE_TAKER", "EXPIRED_IN_MATCH", "NEW", ("0.20000000", None)),
        ("EXPIRE_MAKER", "NEW", "EXPIRED_IN_MATCH", (None, "0.50000000")),
        ("EXPIRE_BOTH", "EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH", ("0.20000000", "0.50000000")),
        ("DECREMENT", "EXPIRED_IN_MATCH", "NEW", ("0.20000000", "0.20000000")),
    ],
)
def test_each_mode_ends_what_it_says(
    bench: Bench, both: Trader, mode: str, taker: str, maker: str, lost: tuple[str | None, ...]
) -> None:
    answer = take(both, mode)
    assert answer["fills"] == []
    told = answer["preventedMatches"][0]  # type: ignore[index]
    assert told["price"] == "60000.50000000"
    assert (told.get("takerPreventedQuantity"), told.get("makerPreventedQuantity")) == lost
    assert (both.find("taker")["status"], both.find("maker")["status"]) == (taker, maker)
    assert bench.conserved()
    events = [x for x in both.events("executionReport") if x["x"] == "TRADE_PREVENTION"]
    assert len(events) == sum(one is not None for one in lost)
    assert {x["v"] for x in events} == {0}
    listed = both.ok("GET", "/api/v3/myPreventedMatches", symbol=BTC, preventedMatchId=0)
    assert [x["selfTradePreventionMode"] for x in listed] == [mode]
    by_order = both.ok(
        "GET", "/api/v3/myPreventedMatches", symbol=BTC, orderId=both.find("maker")["orderId"]
    )
    assert by_order == listed


def test_a_decremented_maker_goes_on_with_the_rest_and_frees_the_difference(
    bench: Bench, both: Trader
) -> None:
    take(both, "DECREMENT")
    assert both.balance("BTC") == ("1.70000000", "0.30000000")
    assert both.find("maker")["preventedQuantity"] == "0.20000000"
    bench.print("60001", "1", buyer_is_maker=False)
    ended = both.find("maker")
    assert (ended["status"], ended["executedQty"]) == ("EXPIRED_IN_MATCH", "0.30000000")
    assert both.balance("BTC") == ("1.70000000", "0.00000000")
    assert bench.conserved()


def test_a_market_order_leaves_its_own_offer_out_and_takes_the_next(
    bench: Bench, both: Trader
) -> None:
    answer = both.order("BUY", "MARKET", quantity="0.3", selfTradePreventionMode="EXPIRE_MAKER")
    assert answer["status"] == "FILLED"
    assert answer["fills"][0]["price"] == "60001.00000000"
    assert both.find("maker")["status"] == "EXPIRED_IN_MATCH"
    assert bench.conserved()


def test_others_still_trade_with_it(bench: Bench, both: Trader) -> None:
    other = bench.trader(USDT="20000")
    answer = other.limit("BUY", "60000.5", "0.2", selfTradePreventionMode="EXPIRE_BOTH")
    assert answer["status"] == "FILLED"


@pytest.mark.parametrize("makers_mode", ["TRANSFER", "NONE"])
def test_transfer_between_orders_of_one_account_is_decrement(
    bench: Bench, both: Trader, makers_mode: str
) -> None:
    both.ok("DELETE", "/api/v3/openOrders", symbol=BTC)
    both.limit(
        "SELL", "60000.5", "0.5", newClientOrderId="mine", selfTradePreventionMode=makers_mode
    )
    taker = both.limit("BUY", "60000.5", "0.2", selfTradePreventionMode="TRANSFER")
    assert (taker["status"], taker["preventedQuantity"]) == ("EXPIRED_IN_MATCH", "0.20000000")
    assert taker["selfTradePreventionMode"] == "TRANSFER"
    maker = both.find("mine")
    assert (maker["status"], maker["preventedQuantity"]) == ("NEW", "0.20000000")
    (match,) = both.ok("GET", "/api/v3/myPreventedMatches", symbol=BTC, orderId=taker["orderId"])
    assert match["selfTradePreventionMode"] == "DECREMENT"
    assert match["takerPreventedQuantity"] == match["makerPreventedQuantity"] == "0.20000000"
    assert both.ok("GET", "/api/v3/myTrades", symbol=BTC) == []
    assert bench.conserved()


def test_a_mode_the_symbol_does_not_allow_is_refused(bench: Bench, both: Trader) -> None:
    rules = bench.exchange.symbols
    rules[BTC] = replace(rules[BTC], stp_modes=("NONE", "EXPIRE_TAKER"))
    refused = both.refused(
        "POST",
        "/api/v3/order",
        symbol=BTC,
        side="BUY",
        type="MARKET",
        quantity="0.1",
        selfTradePreventionMode="TRANSFER",
    )
    assert refused == (
        -1013,
        "This symbol does not allow the specified self-trade prevention mode.",
    )


def test_the_symbols_default_mode_is_taken(bench: Bench, both: Trader) -> None:
    rules = bench.exchange.symbols
    rules[BTC] = replace(rules[BTC], stp_default="EXPIRE_TAKER")
    answer = both.limit("BUY", "60000.5", "0.2")
    assert answer["selfTradePreventionMode"] == "EXPIRE_TAKER"
    assert answer["status"] == "EXPIRED_IN_MATCH"
