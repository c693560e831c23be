"""The main job over real processes: placed, protected, moved to the target, journaled in R."""

from decimal import Decimal
from uuid import uuid4

import pytest
from websockets.exceptions import ConnectionClosedError

from tests.flows.account_page import PROTECTED, account_page
from tests.flows.trader import Trader, until
from testudo.web.close_codes import TOO_MANY_FAULTS
from trading.consumers import MOST_FAULTS


@pytest.fixture
def trader(stack) -> Trader:
    return Trader(stack)


def beyond(price: str, factor: str) -> str:
    return f"{Decimal(price) * Decimal(factor):.2f}"


def test_a_trade_is_bought_protected_sold_at_its_target_and_journaled_in_r(trader, paper):
    trade = trader.protected(trader.place()["id"])
    assert trade["state"] == "open"
    assert Decimal(trade["planned_risk"]) <= Decimal(trade["risk_budget"])
    stop = next(leg for leg in trade["legs"] if leg["leg"] == "stop")
    assert (stop["state"], stop["type"]) == ("open", "STOP_LOSS")
    paper.move("BTCUSDT", beyond(trade["target"], "1.0003"), over_ms=2000)
    trade = trader.wait(trade["id"], "closed")
    assert trade["exit_reason"] == "target"
    assert abs(Decimal(trade["r_multiple"]) - Decimal(trade["reward_to_risk"])) < Decimal("0.15")
    entries = until(
        "the journal entry",
        lambda: [
            entry
            for entry in trader.get("/api/v1/journal/trades")["results"]
            if entry["trade"] == trade["id"]
        ],
    )
    assert Decimal(entries[0]["r_multiple"]).quantize(Decimal("0.001")) == Decimal(
        trade["r_multiple"]
    ).quantize(Decimal("0.001"))


def test_the_account_socket_numbers_what_happens_without_a_gap(trader):
    with account_page(trader) as page:
        first = page.last
        trade = trader.place()
        page.until(PROTECTED)
        numbers = [message["seq"] for message in page.told]
        assert numbers == list(range(first + 1, first + 1 + len(numbers)))
        # The last words on the trade before this one may still come in between.
        told = [m["event"] for m in page.told if (m.get("trade") or {}).get("id") == trade["id"]]
        assert (told[0], told[-1]) == ("trading.plan_approved", PROTECTED)
        page.last = first
        page.resume()
        assert page.next()["seq"] == first + 1
    trader.post(f"/api/v1/trades/{trade['id']}/close", status=202)
    trader.wait(trade["id"], "closed")


def test_a_page_that_says_nothing_sensible_is_shut_with_our_own_code(trader):
    with account_page(trader) as page:
        for _ in range(MOST_FAULTS):
            page.link.send("no JSON")
        with pytest.raises(ConnectionClosedError):
            page.until("one that never comes")
    assert page.link.close_code == TOO_MANY_FAULTS


def test_one_correlation_id_runs_from_the_request_to_the_exchange_call_and_the_fill(trader, stack):
    mark = f"flow-{uuid4().hex}"
    trade = trader.protected(trader.place(**{"X-Request-ID": mark})["id"])
    said = {
        name: " ".join(line for line in stack.log(name).splitlines() if mark in line)
        for name in ("orders", "stream_accounts", "guard")
    }
    assert "order_sending" in said["orders"]
    # Whoever hears of the fill first books it: the stream, the turn that sent it, or the guard.
    assert "order_moved" in " ".join(said.values())
    assert "trade_moved" in " ".join(said.values())
    assert trade["state"] == "open"
    trader.post(f"/api/v1/trades/{trade['id']}/close", status=202)
    trader.wait(trade["id"], "closed")


def test_closing_by_hand_sells_at_the_market(trader):
    trade = trader.protected(trader.place()["id"])
    trader.post(f"/api/v1/trades/{trade['id']}/close", status=202)
    closed = trader.wait(trade["id"], "closed")
    assert closed["exit_reason"] == "closed"
    assert Decimal(closed["held_quantity"]) == 0


def test_a_fill_missed_while_the_user_stream_was_down_is_booked_and_the_next_comes_live(
    trader, paper, stack
):
    """After every reconnect the stream is subscribed again (BINANCE X2): a later fill arrives
    by it, long before the half-minute poll would find it."""
    trade = trader.protected(trader.place()["id"])
    before = paper.state()["user_subscriptions"]
    paper.drop_connections("user")
    until("the subscription to be back", lambda: paper.state()["user_subscriptions"] >= before)
    until("the account to be in step", lambda: trader.risk()["reconciled"])
    paper.move("BTCUSDT", beyond(trade["stop"], "0.9995"), over_ms=500)
    closed = trader.wait(trade["id"], "closed", seconds=10)
    assert closed["exit_reason"] == "stop"
