"""What the operator does: deposits, withdrawals, resets, freezing; and what the wallet shows."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from trading.exchange.paper.store import Store
from trading.exchange.paper.values import to_e8

from .process import PaperProcess
from .scripted import BTC, Bench, Trader


def test_a_frozen_account_reads_but_neither_places_nor_cancels(
    bench: Bench, trader: Trader
) -> None:
    trader.limit("BUY", "59000", "0.01", newClientOrderId="A")
    bench.exchange.set_account(trader.account.id, frozen=1)
    assert trader.ok("GET", "/api/v3/account")["canTrade"] is False
    words = (-2010, "This account may not place or cancel orders.")
    wanted = {"symbol": BTC, "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    assert trader.refused("POST", "/api/v3/order", **wanted) == words
    refused = trader.refused("DELETE", "/api/v3/order", symbol=BTC, origClientOrderId="A")
    assert refused == (-2011, words[1])
    bench.exchange.set_account(trader.account.id, frozen=0)
    assert trader.ok("DELETE", "/api/v3/order", symbol=BTC, origClientOrderId="A")


def test_a_reset_cancels_all_and_keeps_the_trades(bench: Bench, trader: Trader) -> None:
    trader.bracket()
    trader.limit("BUY", "50000", "0.01", newClientOrderId="A")
    bench.exchange.reset(trader.account.id, {"USDT": to_e8("500")})
    assert trader.ok("GET", "/api/v3/openOrders") == []
    assert trader.balance("USDT") == ("500.00000000", "0.00000000")
    assert trader.balance("BTC") == ("0.00000000", "0.00000000")
    assert len(trader.ok("GET", "/api/v3/myTrades", symbol=BTC)) == 1
    assert bench.exchange.discrepancies() == {}


def test_only_what_is_free_can_be_withdrawn(bench: Bench, trader: Trader) -> None:
    trader.limit("BUY", "50000", "0.1")
    with pytest.raises(ValueError, match="5000"):
        bench.exchange.deposit(trader.account.id, "USDT", -to_e8("5001"))
    bench.exchange.deposit(trader.account.id, "USDT", -to_e8("5000"))
    assert trader.balance("USDT") == ("0.00000000", "5000.00000000")
    assert bench.conserved()


def test_the_wallet_shows_what_came_and_went(bench: Bench, trader: Trader) -> None:
    bench.exchange.deposit(trader.account.id, "BTC", to_e8("0.5"))
    bench.exchange.deposit(trader.account.id, "USDT", -to_e8("100"))
    came = trader.ok("GET", "/sapi/v1/capital/deposit/hisrec")
    assert [(x["coin"], x["amount"]) for x in came] == [
        ("BTC", "0.50000000"),
        ("USDT", "10000.00000000"),
    ]
    went = trader.ok("GET", "/sapi/v1/capital/withdraw/history", coin="USDT")
    assert [(x["coin"], x["amount"]) for x in went] == [("USDT", "100.00000000")]
    coins = {x["coin"]: x["free"] for x in trader.ok("GET", "/sapi/v1/capital/config/getall")}
    assert coins["BTC"] == "0.50000000"
    fees = trader.ok("GET", "/sapi/v1/asset/tradeFee", symbol=BTC)
    assert fees == [{"symbol": BTC, "makerCommission": "0.001", "takerCommission": "0.001"}]


@pytest.mark.parametrize("path", ["margin/allPairs", "margin/isolated/allPairs"])
def test_there_are_no_margin_pairs(trader: Trader, path: str) -> None:
    assert trader.ok("GET", f"/sapi/v1/{path}") == []


@pytest.mark.parametrize("path", ["/api/v3/sor/order", "/sapi/v1/userListenToken"])
def test_what_is_not_offered_says_so(trader: Trader, path: str) -> None:
    assert trader.refused("POST", path) == (-1020, "This operation is not supported.")


def test_books_that_do_not_balance_stop_the_start(tmp_path: Path) -> None:
    bench = Bench(Store(tmp_path / "state.sqlite3"))
    bench.trader(USDT="10")
    bench.exchange.engine.ledger.balances[1]["USDT"].free += 1
    bench.exchange.engine.ledger.touched.add((1, "USDT"))
    bench.exchange.store.save(bench.exchange.engine)
    bench.exchange.close()
    with pytest.raises(ValueError, match="do not balance"):
        Bench(Store(tmp_path / "state.sqlite3"))


def test_a_lock_that_no_order_holds_is_found(bench: Bench, trader: Trader) -> None:
    bench.exchange.engine.ledger.lock(trader.account.id, "USDT", to_e8("1"))
    assert bench.exchange.discrepancies() == {f"USDT of account {trader.account.id}": 10**8}


def test_amendments_prevented_matches_and_flags_survive_a_restart(tmp_path: Any) -> None:
    bench = Bench(Store(tmp_path / "state.sqlite3"))
    trader = bench.trader(USDT="10000", BTC="1")
    bench.exchange.set_account(trader.account.id, pays_bnb=1)
    order = trader.limit("SELL", "60000.5", "0.1", newClientOrderId="A", icebergQty="0.05")
    ids = {"symbol": BTC, "orderId": order["orderId"]}
    path = "/api/v3/order/amend/keepPriority"
    trader.ok("PUT", path, **ids, newQty="0.08", newClientOrderId="A")
    trader.limit("BUY", "60000.5", "0.02", selfTradePreventionMode="DECREMENT")
    before = trader.find("A")
    bench.exchange.close()
    again = Bench(Store(tmp_path / "state.sqlite3"), bench.feed)
    trader.bench = again
    assert trader.find("A") == before
    assert len(trader.ok("GET", "/api/v3/order/amendments", **ids)) == 1
    assert len(trader.ok("GET", "/api/v3/myPreventedMatches", **ids)) == 1
    assert again.exchange.engine.pays_bnb == {trader.account.id}
    assert again.exchange.discrepancies() == {}


def test_a_state_file_from_before_is_brought_up_to_date(tmp_path: Any) -> None:
    path = tmp_path / "state.sqlite3"
    bench = Bench(Store(path))
    trader = bench.trader(USDT="10000")
    trader.order("BUY", "MARKET", quantity="0.01")
    trader.limit("BUY", "50000", "0.01", newClientOrderId="A")
    bench.exchange.close()
    with closing(
        sqlite3.connect(path, isolation_level=None)
    ) as db:  # as the first version of the exchange left it
        new = "iceberg shown rank trailing_delta trailing_ms trail"
        for column in f"{new} prevented prevented_match_id amends".split():
            db.execute(f"ALTER TABLE orders DROP COLUMN {column}")
        db.execute("ALTER TABLE trades RENAME TO t")
        db.execute("CREATE TABLE trades AS SELECT * FROM t WHERE 0")
        names = [row[1] for row in db.execute("PRAGMA table_info(t)")]
        db.execute("DROP TABLE trades")
        db.execute(f"CREATE TABLE trades ({', '.join(names)}, PRIMARY KEY (symbol, id))")
        db.execute("INSERT INTO trades SELECT * FROM t")
        db.execute("DROP TABLE t")
    again = Bench(Store(path), bench.feed)
    trader.bench = again
    assert trader.find("A")["status"] == "NEW"
    again.print("50000", "1")
    assert trader.find("A")["status"] == "FILLED"
    assert len(trader.ok("GET", "/api/v3/myTrades", symbol=BTC)) == 2


def test_the_command_line_opens_funds_freezes_and_checks(tmp_path: Path, capsys: Any) -> None:
    server = PaperProcess(tmp_path / "state.sqlite3")
    url = f"{server.url}/paper-admin"

    def run(*arguments: str) -> Any:
        call_command("paper_account", *arguments, "--url", url)
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    try:
        made = run("create", "--balance", "USDT=100")
        number = str(made["account"])
        assert run("deposit", "--account", number, "--balance", "BTC=1")["amount"] == "1.00000000"
        assert run("freeze", "--account", number)["frozen"] is True
        assert run("read-only", "--key", made["key"])["may_trade"] is False
        assert run("revoke", "--key", made["key"])["revoked"] is True
        rates = run("set-rates", "--account", number, "--rate", "tax.maker=0.002")["commissions"]
        assert (rates["tax"]["maker"], rates["standard"]["maker"]) == ("0.00200000", "0.00000000")
        assert run("symbol-rates", "--account", number)["commissions"] is None
        with pytest.raises(CommandError, match="tax takes maker"):
            run("set-rates", "--account", number, "--rate", "tax.all=0.002")
        with pytest.raises(CommandError, match=r"--rate standard\.maker"):
            run("set-rates", "--account", number)
        assert run("check")["conserved"] is True
        with pytest.raises(CommandError, match="existing account"):
            run("withdraw", "--account", "99", "--balance", "BTC=1")
        with pytest.raises(CommandError, match="USDT=10000"):
            run("create", "--balance", "USDT")
    finally:
        server.kill()
    with pytest.raises(CommandError, match="did not answer"):
        run("check")
