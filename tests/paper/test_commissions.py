"""Commissions: what a fill costs, in which coin, at whose rates."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading.exchange.paper.accounts import Account
from trading.exchange.paper.commissions import KINDS, PARTS, of_tables, of_texts
from trading.exchange.paper.store import Store
from trading.exchange.paper.values import from_e8, to_e8

from .scripted import BTC, Bench, ScriptedFeed, Trader


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


# -- rates of an account ---------------------------------------------------------------------------

# The example of faqs/commission_faq.md: 0.49975 BTC sold at 35,000, one BNB at 260, discount 0.25.
FAQ = {
    "standard": {
        "maker": "0.0000001",
        "taker": "0.0000002",
        "buyer": "0.0000003",
        "seller": "0.0000004",
    },
    "special": {"maker": "0.01", "taker": "0.02", "buyer": "0.03", "seller": "0.04"},
    "tax": {
        "maker": "0.00000112",
        "taker": "0.00000114",
        "buyer": "0.00000118",
        "seller": "0.00000116",
    },
}
NOTIONAL = to_e8("17491.25")


def set_rates(bench: Bench, account: Account, tables: Any) -> None:
    bench.exchange.set_account(account.id, commissions=of_tables(tables).text())


def test_binances_own_example_is_reckoned_to_the_last_digit() -> None:
    rates = of_tables(FAQ)
    received = rates.on(NOTIONAL, "SELL", is_maker=False)
    # 0.01049475 + 0.040229875 + 1049.475
    assert from_e8(received) == "1049.52572462"
    discounted = rates.in_bnb(
        NOTIONAL, "SELL", is_maker=False, price=to_e8("260"), discount=to_e8("0.25")
    )
    assert from_e8(discounted) == "4.03660712"  # the FAQ's 4.036607129, without its ninth digit


def test_a_fill_pays_role_and_side_of_all_three_kinds(bench: Bench, trader: Trader) -> None:
    set_rates(
        bench,
        trader.account,
        {
            "standard": {"maker": "0.001", "taker": "0.002", "buyer": "0.0001", "seller": "0.0002"},
            "special": {"taker": "0.003", "seller": "0.0003"},
            "tax": {"maker": "0.004", "buyer": "0.0004"},
        },
    )
    bought = trader.order("BUY", "MARKET", quantity="0.1")["fills"][0]
    # taker 0.002 + 0.003, buyer 0.0001 + 0.0004, of 0.1 BTC
    assert (bought["commission"], bought["commissionAsset"]) == ("0.00055000", "BTC")
    sold = trader.order("SELL", "MARKET", quantity="0.05")["fills"][0]
    # taker 0.002 + 0.003, seller 0.0002 + 0.0003, of 2999.95 USDT
    assert (sold["commission"], sold["commissionAsset"]) == ("16.49972500", "USDT")
    trader.limit("BUY", "59000", "0.01", newClientOrderId="M")
    bench.print("59000", "1")
    made = trader.ok("GET", "/api/v3/myTrades", symbol=BTC)[-1]
    # maker 0.001 + 0.004, buyer 0.0001 + 0.0004, of 0.01 BTC
    assert (made["isMaker"], made["commission"]) == (True, "0.00005500")
    assert bench.conserved()


def test_special_and_tax_are_never_discounted(with_bnb: Bench) -> None:
    trader = with_bnb.trader(USDT="10000", BNB="1")
    pay_in_bnb(with_bnb, trader.account)
    tables = {kind: {"taker": "0.001"} for kind in ("standard", "special", "tax")}
    set_rates(with_bnb, trader.account, tables)
    fill = trader.order("BUY", "MARKET", quantity="0.1")["fills"][0]
    # 6000.1 USDT * 0.1 % * (0.75 + 1 + 1) / 600
    assert (fill["commissionAsset"], fill["commission"]) == ("BNB", "0.02750045")
    assert with_bnb.conserved()


def test_too_little_bnb_for_all_three_leaves_the_full_sum_to_the_coin(with_bnb: Bench) -> None:
    trader = with_bnb.trader(USDT="10000", BNB="0.01")  # enough for the standard rate alone
    pay_in_bnb(with_bnb, trader.account)
    set_rates(with_bnb, trader.account, {"standard": {"taker": "0.001"}, "tax": {"taker": "0.001"}})
    fill = trader.order("BUY", "MARKET", quantity="0.1")["fills"][0]
    assert (fill["commissionAsset"], fill["commission"]) == ("BTC", "0.00020000")
    assert trader.balance("BNB")[0] == "0.01000000"
    assert with_bnb.conserved()


def test_the_rates_are_shown_wherever_binance_shows_them(bench: Bench, trader: Trader) -> None:
    set_rates(bench, trader.account, FAQ)
    shown = trader.ok("GET", "/api/v3/account/commission", symbol=BTC)
    assert shown["standardCommission"] == {
        "maker": "0.00000010",
        "taker": "0.00000020",
        "buyer": "0.00000030",
        "seller": "0.00000040",
    }
    assert shown["specialCommission"]["seller"] == "0.04000000"
    assert shown["taxCommission"]["buyer"] == "0.00000118"
    assert trader.ok("GET", "/api/v3/account")["commissionRates"] == shown["standardCommission"]
    wanted = {"symbol": BTC, "side": "SELL", "type": "STOP_LOSS", "quantity": "0.1"}
    tested = trader.ok(
        "POST",
        "/api/v3/order/test",
        stopPrice="59000",
        computeCommissionRates="true",
        **wanted,
    )
    assert tested["standardCommissionForOrder"] == {"maker": "0.00000050", "taker": "0.00000060"}
    assert tested["specialCommissionForOrder"] == {"maker": "0.05000000", "taker": "0.06000000"}
    assert tested["taxCommissionForOrder"] == {"maker": "0.00000228", "taker": "0.00000230"}


def test_the_account_counts_its_standard_rates_in_basis_points(
    bench: Bench, trader: Trader
) -> None:
    set_rates(bench, trader.account, {"standard": {"maker": "0.0015", "seller": "0.0002"}})
    shown = trader.ok("GET", "/api/v3/account")
    names = ("makerCommission", "takerCommission", "buyerCommission", "sellerCommission")
    assert [shown[name] for name in names] == [15, 0, 0, 2]
    fees = trader.ok("GET", "/sapi/v1/asset/tradeFee", symbol=BTC)[0]
    assert (fees["makerCommission"], fees["takerCommission"]) == ("0.0015", "0")


def test_one_account_has_other_rates_than_the_next(bench: Bench, trader: Trader) -> None:
    set_rates(bench, trader.account, {"standard": {"taker": "0"}})
    other = bench.trader()
    free = trader.order("BUY", "MARKET", quantity="0.01")["fills"][0]
    paid = other.order("BUY", "MARKET", quantity="0.01")["fills"][0]
    assert (free["commission"], paid["commission"]) == ("0.00000000", "0.00001000")
    bench.exchange.set_account(trader.account.id, commissions="")
    again = trader.order("BUY", "MARKET", quantity="0.01")["fills"][0]
    assert again["commission"] == "0.00001000"
    assert bench.conserved()


def test_opo_legs_are_sized_by_the_rates_of_their_account(bench: Bench, trader: Trader) -> None:
    set_rates(bench, trader.account, {"standard": {"taker": "0.001"}, "tax": {"buyer": "0.009"}})
    trader.bracket()
    assert trader.find("S1")["origQty"] == "0.09900000"
    bench.print("59000", "0.001")
    assert bench.conserved()


def test_rates_survive_a_restart(tmp_path: Any) -> None:
    bench = Bench(Store(tmp_path / "state.sqlite3"))
    trader = bench.trader()
    set_rates(bench, trader.account, FAQ)
    bench.exchange.close()
    again = Bench(Store(tmp_path / "state.sqlite3"), bench.feed)
    trader.bench = again
    shown = trader.ok("GET", "/api/v3/account/commission", symbol=BTC)
    assert shown["taxCommission"]["seller"] == "0.00000116"


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        (7, "commissions takes standard, special, tax"),
        ({"extra": {}}, "commissions takes standard, special, tax"),
        ({"tax": "0.1"}, "tax takes maker, taker, buyer, seller"),
        ({"tax": {"all": "0.1"}}, "tax takes maker, taker, buyer, seller"),
        ({"tax": {"maker": 0.1}}, "tax.maker must be a rate"),
        ({"tax": {"maker": "-0.1"}}, "tax.maker must be a rate"),
        ({"tax": {"maker": "NaN"}}, "tax.maker must be a rate"),
        ({"tax": {"maker": "٣"}}, "tax.maker must be a rate"),
        ({"tax": {"maker": "1e-3"}}, "tax.maker must be a rate"),
        ({"tax": {"maker": "0.000000001"}}, "more than 8 decimal places"),
        ({"tax": {"maker": "1.1"}}, "at most 1"),
        ({"tax": {"maker": "0.6"}, "special": {"seller": "0.5"}}, "together must be at most 1"),
    ],
)
def test_rates_that_are_none_are_refused_with_the_way_out(tables: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        of_tables(tables)


rates = st.integers(0, 10**8 // 6).map(from_e8)
tables = st.fixed_dictionaries(
    {kind: st.fixed_dictionaries(dict.fromkeys(PARTS, rates)) for kind in KINDS}
)


@settings(deadline=None, max_examples=25)  # an exchange for each
@given(tables=tables, side=st.sampled_from(["BUY", "SELL"]), pays_bnb=st.booleans())
def test_whatever_the_rates_money_is_conserved(tables: Any, side: str, pays_bnb: bool) -> None:
    bench = Bench(feed=ScriptedFeed({BTC: "60000", "BNBUSDT": "600"}))
    trader = bench.trader(USDT="10000", BTC="1", BNB="3")
    bench.exchange.set_account(
        trader.account.id, commissions=of_tables(tables).text(), pays_bnb=int(pays_bnb)
    )
    trader.order(side, "MARKET", quantity="0.05")
    trader.bracket(quantity="0.05")
    bench.print("59000", "1")
    assert bench.exchange.discrepancies() == {}


def test_the_command_reads_rates_by_name() -> None:
    assert of_texts(["standard.maker=0.001", "tax.seller=0.002"]) == of_tables(
        {"standard": {"maker": "0.001"}, "tax": {"seller": "0.002"}}
    )
    for text in ("standard=0.001", "standard.maker", "maker=1", "=", ""):
        with pytest.raises(ValueError, match=r"takes|must be a rate"):
            of_texts([text])
