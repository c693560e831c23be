"""Icebergs, trailing stops, paper orders against each other, the price range, fees in BNB."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from trading.exchange.paper.accounts import Account
from trading.exchange.paper.values import to_e8

from .scripted import BTC, Bench, ScriptedFeed, Trader


def set_rules(bench: Bench, **changed: Any) -> None:
    """Other rules for BTCUSDT from now on."""
    bench.exchange.symbols[BTC] = replace(bench.exchange.symbols[BTC], **changed)


# -- paper orders among themselves -----------------------------------------------------------------


def test_paper_orders_meet_each_other_before_the_market_where_they_are_better(bench: Bench) -> None:
    seller, buyer = bench.trader(BTC="1"), bench.trader(USDT="60000")
    seller.limit("SELL", "60000.5", "0.1", newClientOrderId="A")
    answer = buyer.limit("BUY", "60001", "0.3")
    prices = [(x["price"], x["qty"]) for x in answer["fills"]]
    assert prices == [("60000.50000000", "0.10000000"), ("60001.00000000", "0.20000000")]
    assert seller.find("A")["status"] == "FILLED"
    made = seller.ok("GET", "/api/v3/myTrades", symbol=BTC)[0]
    assert (made["id"], made["isMaker"]) == (answer["fills"][0]["tradeId"], True)
    assert bench.conserved()


def test_the_cheaper_market_level_goes_before_a_dearer_paper_order(bench: Bench) -> None:
    seller, buyer = bench.trader(BTC="1"), bench.trader(USDT="100000")
    bench.feed.set_book(BTC, "60000", "0.2")
    seller.limit("SELL", "60001.5", "0.1")
    answer = buyer.order("BUY", "MARKET", quantity="0.4")
    prices = [(x["price"], x["qty"]) for x in answer["fills"]]
    assert prices == [
        ("60001.00000000", "0.20000000"),
        ("60001.50000000", "0.10000000"),
        ("60002.00000000", "0.10000000"),
    ]
    assert bench.conserved()


def test_at_one_price_the_older_paper_order_goes_first(bench: Bench) -> None:
    first, second = bench.trader(BTC="1"), bench.trader(BTC="1")
    buyer = bench.trader(USDT="60000")
    first.limit("SELL", "60000.5", "0.1", newClientOrderId="A")
    second.limit("SELL", "60000.5", "0.1", newClientOrderId="A")
    buyer.limit("BUY", "60000.5", "0.15")
    assert first.find("A")["status"] == "FILLED"
    assert second.find("A")["executedQty"] == "0.05000000"


def test_a_limit_maker_would_take_a_paper_order_too(bench: Bench, trader: Trader) -> None:
    bench.trader(BTC="1").limit("SELL", "60000.5", "0.1")
    refused = trader.refused(
        "POST",
        "/api/v3/order",
        symbol=BTC,
        side="BUY",
        type="LIMIT_MAKER",
        price="60000.5",
        quantity="0.01",
    )
    assert refused == (-2010, "Order would immediately match and take.")


def test_a_trade_between_paper_orders_sets_off_the_stops_at_its_price(bench: Bench) -> None:
    holder, seller = bench.trader(BTC="1"), bench.trader(BTC="1")
    holder.order("SELL", "TAKE_PROFIT", quantity="0.1", stopPrice="60000.5", newClientOrderId="T")
    seller.limit("SELL", "60000.5", "0.1")
    bench.trader(USDT="60000").limit("BUY", "60000.5", "0.1")
    assert holder.find("T")["status"] == "FILLED"
    assert bench.conserved()


def test_a_paper_buyer_fills_a_limit_maker_target_in_part_and_the_stop_is_gone(
    bench: Bench,
) -> None:
    holder = bench.trader(BTC="1")
    holder.ok(
        "POST",
        "/api/v3/orderList/oco",
        symbol=BTC,
        side="SELL",
        quantity="0.5",
        aboveType="LIMIT_MAKER",
        abovePrice="60000.5",
        aboveClientOrderId="T",
        belowType="STOP_LOSS",
        belowStopPrice="59000",
        belowClientOrderId="S",
    )
    bench.trader(USDT="60000").limit("BUY", "60000.5", "0.1")
    assert holder.find("T")["status"] == "PARTIALLY_FILLED"
    assert holder.find("S")["expiryReason"] == "OCO_TRIGGER"
    assert bench.conserved()


# -- icebergs --------------------------------------------------------------------------------------


def test_an_iceberg_shows_a_part_and_goes_to_the_back_for_the_next(bench: Bench) -> None:
    hidden, plain = bench.trader(USDT="60000"), bench.trader(USDT="60000")
    answer = hidden.limit("BUY", "59000", "0.3", icebergQty="0.1", newClientOrderId="A")
    assert answer["icebergQty"] == "0.10000000"
    plain.limit("BUY", "59000", "0.1", newClientOrderId="A")
    bench.print("59000", "0.15")
    assert hidden.find("A")["executedQty"] == "0.10000000"
    assert plain.find("A")["executedQty"] == "0.05000000"
    bench.print("59000", "0.1")
    assert plain.find("A")["status"] == "FILLED"
    assert hidden.find("A")["executedQty"] == "0.15000000"
    bench.print("59000", "1")
    assert hidden.find("A")["status"] == "FILLED"
    assert bench.conserved()


@pytest.mark.parametrize(
    ("changed", "rules", "code", "text"),
    [
        ({"icebergQty": "0.3"}, {}, -2010, "IcebergQty exceeds QTY."),
        ({"icebergQty": "0.1000001"}, {}, -1013, "Filter failure: LOT_SIZE"),
        ({"icebergQty": "0.1"}, {"max_iceberg_parts": 2}, -1013, "Filter failure: ICEBERG_PARTS"),
        (
            {"icebergQty": "0.1"},
            {"iceberg": False},
            -2010,
            "Iceberg orders are not supported for this symbol.",
        ),
        (
            {"icebergQty": "0.1", "timeInForce": "IOC"},
            {},
            -1014,
            "Unsupported order combination.",
        ),
    ],
)
def test_an_iceberg_that_breaks_a_rule_is_refused(
    bench: Bench, changed: dict[str, str], rules: dict[str, Any], code: int, text: str
) -> None:
    trader = bench.trader(USDT="60000")
    set_rules(bench, **rules)
    wanted = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    wanted |= {"price": "59000", "quantity": "0.3"} | changed
    assert trader.refused("POST", "/api/v3/order", **wanted) == (code, text)


def test_only_so_many_icebergs_are_open_at_once(bench: Bench) -> None:
    trader = bench.trader(USDT="60000")
    set_rules(bench, max_iceberg_orders=1)
    trader.limit("BUY", "59000", "0.3", icebergQty="0.1")
    refused = trader.refused(
        "POST",
        "/api/v3/order",
        symbol=BTC,
        side="BUY",
        type="LIMIT",
        timeInForce="GTC",
        price="59000",
        quantity="0.3",
        icebergQty="0.1",
    )
    assert refused == (-1013, "Filter failure: MAX_NUM_ICEBERG_ORDERS")


# -- trailing stops (faqs/trailing-stop-faq.md, its scenarios) -------------------------------------

SCENARIOS = [
    # A: stop loss limit, buy: ignores the fall, starts at 44000, follows down to 42000, 5 %
    (
        "BUY",
        "STOP_LOSS_LIMIT",
        "44000",
        500,
        "45000",
        ["37000", "44000", "46000", "42000"],
        "44100",
    ),
    # B: stop loss limit, sell
    (
        "SELL",
        "STOP_LOSS_LIMIT",
        "39000",
        1000,
        "38000",
        ["41500", "39000", "37000", "41000"],
        "36900",
    ),
    # C: take profit limit, buy
    (
        "BUY",
        "TAKE_PROFIT_LIMIT",
        "38000",
        850,
        "38500",
        ["42000", "38000", "37000", "39000"],
        "40145",
    ),
    # D: take profit limit, sell
    (
        "SELL",
        "TAKE_PROFIT_LIMIT",
        "42000",
        750,
        "41000",
        ["39000", "45000", "44000", "46500"],
        "43012.5",
    ),
    # E: no stop price
    ("SELL", "STOP_LOSS_LIMIT", None, 700, "39000", ["42000", "39500", "45500"], "42315"),
]


@pytest.mark.parametrize(("side", "kind", "stop", "delta", "price", "path", "last"), SCENARIOS)
def test_a_trailing_order_triggers_where_binances_own_scenario_says(
    side: str, kind: str, stop: str | None, delta: int, price: str, path: list[str], last: str
) -> None:
    bench = Bench(feed=ScriptedFeed({BTC: "40000"}))
    set_rules(bench, price_range=False)
    trader = bench.trader(USDT="60000", BTC="1")
    wanted = {"trailingDelta": delta, "price": price, "timeInForce": "GTC", "quantity": "0.1"}
    if stop:
        wanted["stopPrice"] = stop
    trader.order(side, kind, newClientOrderId="A", **wanted)
    tracking = stop is None
    for step in path:
        bench.print(step, "0.00001")
        order = trader.find("A")
        assert order["isWorking"] is False, step
        tracking = tracking or order["trailingTime"] > 0
    assert tracking
    nearly = to_e8(last) + (to_e8("0.01") if side == "SELL" else -to_e8("0.01"))
    bench.print(f"{nearly / 10**8:.2f}", "0.00001")
    assert trader.find("A")["isWorking"] is False
    bench.print(last, "0.00001")
    assert trader.find("A")["isWorking"] is True
    assert bench.conserved()


def test_a_trailing_order_survives_a_restart_with_what_it_has_seen(tmp_path: Any) -> None:
    from trading.exchange.paper.store import Store

    bench = Bench(Store(tmp_path / "state.sqlite3"))
    trader = bench.trader(BTC="1")
    trader.order("SELL", "STOP_LOSS", quantity="0.1", trailingDelta=100, newClientOrderId="A")
    bench.print("61000", "0.00001")
    bench.exchange.close()
    again = Bench(Store(tmp_path / "state.sqlite3"), bench.feed)
    again.now_ms = bench.now_ms
    trader.bench = again
    again.print("60391", "0.00001")
    assert trader.find("A")["status"] == "NEW"
    again.print("60390", "0.00001")
    assert trader.find("A")["status"] == "FILLED"


def test_a_trailing_stop_in_a_pair_expires_the_target(bench: Bench) -> None:
    trader = bench.trader(BTC="1")
    trader.ok(
        "POST",
        "/api/v3/orderList/oco",
        symbol=BTC,
        side="SELL",
        quantity="0.5",
        aboveType="LIMIT_MAKER",
        abovePrice="62000",
        aboveClientOrderId="T",
        belowType="STOP_LOSS",
        belowTrailingDelta=100,
        belowClientOrderId="S",
    )
    bench.print("61000", "0.00001", buyer_is_maker=False)
    bench.print("60390", "0.00001")
    assert trader.find("S")["status"] == "FILLED"
    assert trader.find("T")["expiryReason"] == "OCO_TRIGGER"
    assert bench.conserved()


@pytest.mark.parametrize("delta", ["9", "2001"])
def test_a_trailing_delta_out_of_range_is_refused(bench: Bench, delta: str) -> None:
    refused = bench.trader(BTC="1").refused(
        "POST",
        "/api/v3/order",
        symbol=BTC,
        side="SELL",
        type="STOP_LOSS",
        quantity="0.1",
        trailingDelta=delta,
    )
    assert refused == (-1013, "Filter failure: TRAILING_DELTA")


# -- the price range and thin books ----------------------------------------------------------------


def test_a_market_order_stops_at_the_edge_of_the_price_range(bench: Bench) -> None:
    trader = bench.trader(USDT="1000000")
    bench.feed.set_book(BTC, "60000", "1", step="5000", n=5)
    answer = trader.order("BUY", "MARKET", quantity="3")
    assert (answer["status"], answer["executedQty"]) == ("EXPIRED", "1.00000000")
    assert answer["expiryReason"] == "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"
    assert bench.conserved()


def test_a_stop_dies_at_the_edge_of_the_price_range(bench: Bench) -> None:
    trader = bench.trader(BTC="1")
    trader.order("SELL", "STOP_LOSS", quantity="0.5", stopPrice="59000", newClientOrderId="S")
    bench.feed.set_book(BTC, "60000", "0.2", step="5500", n=3)
    bench.print("59000", "0.00001")
    stop = trader.find("S")
    assert (stop["status"], stop["executedQty"]) == ("EXPIRED", "0.20000000")
    assert stop["expiryReason"] == "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"


def test_without_the_rule_the_order_goes_on_and_then_lacks_liquidity(bench: Bench) -> None:
    set_rules(bench, price_range=False)
    trader = bench.trader(USDT="1000000")
    bench.feed.set_book(BTC, "60000", "1", step="5000", n=2)
    answer = trader.order("BUY", "MARKET", quantity="3")
    assert (answer["executedQty"], answer["expiryReason"]) == (
        "2.00000000",
        "INSUFFICIENT_LIQUIDITY",
    )


def test_the_execution_rules_and_the_reference_price_are_public(bench: Bench) -> None:
    get = lambda path: bench.exchange.handle("GET", path, "symbol=BTCUSDT", "", {}, bench.now_ms)  # noqa: E731
    rules = get("/api/v3/executionRules").json()["symbolRules"][0]["rules"][0]
    assert rules["ruleType"] == "PRICE_RANGE"
    bench.print("60000", "1")
    bench.print("62000", "1")
    assert get("/api/v3/referencePrice").json()["referencePrice"] == "61000.00000000"


# -- other filters ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "exchange_rules", "assets", "name"),
    [
        ({"max_position": to_e8("0.03")}, {}, {}, "MAX_POSITION"),
        ({"old_min_notional": to_e8("1200")}, {}, {}, "MIN_NOTIONAL"),
        ({"percent_up": to_e8("1.1"), "percent_down": to_e8("0.999")}, {}, {}, "PERCENT_PRICE"),
        ({}, {"EXCHANGE_MAX_NUM_ORDERS": 1}, {}, "EXCHANGE_MAX_NUM_ORDERS"),
        ({}, {}, {"USDT": to_e8("1000")}, "MAX_ASSET"),
        ({}, {}, {"BTC": to_e8("0.01")}, "MAX_ASSET"),
        ({"max_orders": 1}, {}, {}, "MAX_NUM_ORDERS"),
    ],
)
def test_every_other_filter_has_its_name_in_the_refusal(
    bench: Bench, rules: Any, exchange_rules: dict[str, int], assets: dict[str, int], name: str
) -> None:
    trader = bench.trader(USDT="10000", BTC="0.005")
    trader.limit("BUY", "59000", "0.009")
    set_rules(bench, **rules)
    bench.exchange.engine.exchange_rules |= exchange_rules
    bench.exchange.engine.asset_limits |= assets
    refused = trader.refused(
        "POST",
        "/api/v3/order",
        symbol=BTC,
        side="BUY",
        type="LIMIT",
        timeInForce="GTC",
        price="59000",
        quantity="0.02",
    )
    assert refused == (-1013, f"Filter failure: {name}")
    shown = trader.ok("GET", "/api/v3/myFilters", symbol=BTC)
    names = {
        one["filterType"]
        for group in ("exchangeFilters", "symbolFilters", "assetFilters")
        for one in shown[group]
    }
    assert name in names


def test_too_many_lists_are_refused(bench: Bench, trader: Trader) -> None:
    set_rules(bench, max_order_lists=1)
    legs = {"workingTimeInForce": "GTC", "workingPrice": "59500"}
    trader.bracket(quantity="0.01", **legs)
    from .scripted import bracket

    wanted = bracket(quantity="0.01") | legs | {"listClientOrderId": "L2"}
    wanted |= {name: value + "b" for name, value in wanted.items() if name.endswith("ntOrderId")}
    refused = trader.refused("POST", "/api/v3/orderList/opoco", **wanted)
    assert refused == (-1013, "Filter failure: MAX_NUM_ORDER_LISTS")


# -- commissions in BNB ----------------------------------------------------------------------------


@pytest.fixture
def with_bnb() -> Bench:
    return Bench(feed=ScriptedFeed({BTC: "60000", "BNBUSDT": "600"}))


def pay_in_bnb(bench: Bench, account: Account) -> None:
    bench.exchange.set_account(account.id, pays_bnb=True)


def test_with_bnb_three_quarters_of_the_rate_are_paid_in_it(with_bnb: Bench) -> None:
    trader = with_bnb.trader(USDT="10000", BNB="1")
    pay_in_bnb(with_bnb, trader.account)
    answer = trader.order("BUY", "MARKET", quantity="0.1")
    fill = answer["fills"][0]
    # 6000.1 USDT * 0.1 % * 0.75 / 600 = 0.007500125 BNB
    assert (fill["commissionAsset"], fill["commission"]) == ("BNB", "0.00750012")
    assert trader.balance("BTC")[0] == "0.10000000"
    assert trader.balance("BNB")[0] == "0.99249988"
    shown = trader.ok("GET", "/api/v3/account/commission", symbol=BTC)["discount"]
    assert shown["enabledForAccount"] is True
    assert with_bnb.conserved()


def test_with_too_little_bnb_the_full_fee_comes_from_what_was_received(with_bnb: Bench) -> None:
    trader = with_bnb.trader(USDT="10000", BNB="0.001")
    pay_in_bnb(with_bnb, trader.account)
    fill = trader.order("BUY", "MARKET", quantity="0.1")["fills"][0]
    assert (fill["commissionAsset"], fill["commission"]) == ("BTC", "0.00010000")


def test_buying_bnb_pays_its_discounted_fee_from_the_bnb_bought(with_bnb: Bench) -> None:
    trader = with_bnb.trader(USDT="10000")
    pay_in_bnb(with_bnb, trader.account)
    fill = trader.order("BUY", "MARKET", symbol="BNBUSDT", quantity="1")["fills"][0]
    assert (fill["commissionAsset"], fill["commission"]) == ("BNB", "0.00075000")


def test_with_bnb_the_opo_legs_get_the_whole_quantity(with_bnb: Bench) -> None:
    trader = with_bnb.trader(USDT="10000", BNB="1")
    pay_in_bnb(with_bnb, trader.account)
    trader.bracket()
    assert trader.find("S1")["origQty"] == "0.10000000"
    with_bnb.print("59000", "0.001")
    assert with_bnb.conserved()


def test_a_switch_sets_the_funds_of_oto_legs_aside_at_placement(bench: Bench) -> None:
    from trading.exchange.paper.state import Switches

    trader = bench.trader(USDT="10000", BTC="0.05")
    bench.exchange.engine.switches = Switches(oto_locks_legs=True)
    from .scripted import bracket

    wanted = bracket("otoco", entry="59900") | {"workingTimeInForce": "GTC"}
    refused = trader.refused("POST", "/api/v3/orderList/otoco", **wanted)
    assert refused[0] == -2010
    assert trader.balance("USDT") == ("10000.00000000", "0.00000000")
    trader.ok("POST", "/api/v3/orderList/otoco", **(wanted | {"pendingQuantity": "0.05"}))
    assert trader.balance("BTC") == ("0.00000000", "0.05000000")
    bench.print("59900", "1")
    bench.print("59000", "1")
    assert trader.find("S1")["status"] == "FILLED"
    assert bench.conserved()
