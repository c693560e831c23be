"""WS API sessions: who is logged on, what is subscribed, and when the exchange ends either."""

from __future__ import annotations

from dataclasses import replace

import pytest

from trading.exchange.paper import ws_api
from trading.exchange.paper.ws_api import Session

from .scripted import BTC, Bench, Trader
from .sessions import answer, ask, logged_on, signed

REVOKED = {
    "id": None,
    "status": 401,
    "error": {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."},
}


def test_subscribing_twice_and_unsubscribing_from_nothing_have_their_codes(
    bench: Bench, trader: Trader
) -> None:
    session = logged_on(bench, trader)
    assert ask(session, "userDataStream.subscribe") == {"subscriptionId": 0}
    assert ask(session, "userDataStream.subscribe")["code"] == -2035
    assert ask(session, "session.subscriptions") == [{"subscriptionId": 0}]
    assert ask(session, "userDataStream.unsubscribe", subscriptionId=7)["code"] == -2036
    assert ask(session, "userDataStream.unsubscribe") == {}
    assert ask(session, "userDataStream.subscribe") == {"subscriptionId": 1}


def test_every_method_of_the_platform_is_there(bench: Bench, trader: Trader) -> None:
    session = logged_on(bench, trader)
    trader.bracket()
    now = {"timestamp": bench.now_ms}
    assert len(ask(session, "openOrders.status", symbol=BTC, **now)) == 2
    assert len(ask(session, "openOrderLists.status", **now)) == 1
    assert ask(session, "orderList.status", origClientOrderId="L1", **now)["orders"]
    assert len(ask(session, "allOrders", symbol=BTC, **now)) == 3
    assert len(ask(session, "allOrderLists", **now)) == 1
    assert len(ask(session, "myTrades", symbol=BTC, **now)) == 1
    assert ask(session, "myAllocations", symbol=BTC, **now) == []
    assert ask(session, "account.commission", symbol=BTC, **now)["symbol"] == BTC
    assert ask(session, "account.rateLimits.orders", **now)[0]["rateLimitType"] == "ORDERS"
    assert ask(session, "exchangeInfo", symbol=BTC)["symbols"][0]["amendAllowed"] is True
    assert ask(session, "executionRules", symbol=BTC)["symbolRules"]
    assert ask(session, "sor.order.place", symbol=BTC, **now)["code"] == -1020
    assert ask(session, "orderList.cancel", symbol=BTC, listClientOrderId="L1", **now)
    order = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", **now}
    placed = ask(session, "order.place", price="59000", quantity="0.02", **order)
    amended = ask(
        session,
        "order.amend.keepPriority",
        symbol=BTC,
        orderId=placed["orderId"],
        newQty="0.01",
        **now,
    )
    assert amended["amendedOrder"]["qty"] == "0.01000000"
    assert len(ask(session, "order.amendments", symbol=BTC, orderId=placed["orderId"], **now)) == 1
    replaced = ask(
        session,
        "order.cancelReplace",
        cancelReplaceMode="STOP_ON_FAILURE",
        cancelOrderId=placed["orderId"],
        price="58000",
        quantity="0.01",
        **order,
    )
    assert replaced["newOrderResult"] == "SUCCESS"
    again = ask(
        session,
        "order.cancelReplace",
        cancelReplaceMode="STOP_ON_FAILURE",
        cancelOrderId=placed["orderId"],
        price="58000",
        quantity="0.01",
        **order,
    )
    assert (again["code"], again["data"]["cancelResult"]) == (-2022, "FAILURE")
    assert len(ask(session, "openOrders.cancelAll", symbol=BTC, **now)) == 1


def test_a_ws_api_session_in_microseconds_tells_events_so(bench: Bench, trader: Trader) -> None:
    session = logged_on(bench, trader, micros=True)
    ask(session, "userDataStream.subscribe")
    wanted = {"symbol": BTC, "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    placed = ask(session, "order.place", timestamp=bench.now_ms, **wanted)
    assert placed["transactTime"] == bench.now_ms * 1000
    frames = [f for account, e in bench.events for f in session.events_for(account, e)]
    assert {f["event"]["E"] for f in frames} == {bench.now_ms * 1000}
    assert frames[0]["event"]["i"] == placed["orderId"]


# -- logging out -----------------------------------------------------------------------------------


def test_logging_out_ends_the_subscription_of_the_log_on_and_says_so(
    bench: Bench, trader: Trader
) -> None:
    session = logged_on(bench, trader)
    ask(session, "userDataStream.subscribe")
    assert ask(session, "session.status")["userDataStream"] is True

    status = ask(session, "session.logout")

    assert (status["apiKey"], status["authorizedSince"]) == (None, None)
    assert status["userDataStream"] is False
    assert session.farewells == [
        {"subscriptionId": 0, "event": {"e": "eventStreamTerminated", "E": bench.now_ms}}
    ]
    assert ask(session, "session.subscriptions") == []
    assert ask(session, "userDataStream.subscribe")["code"] == -2015


def test_logging_out_leaves_signed_subscriptions_alone(bench: Bench, trader: Trader) -> None:
    session, other = logged_on(bench, trader), bench.trader()
    ask(session, "userDataStream.subscribe")
    ask(session, "userDataStream.subscribe.signature", **signed(other))

    ask(session, "session.logout")

    assert [frame["subscriptionId"] for frame in session.farewells] == [0]
    assert ask(session, "session.subscriptions") == [{"subscriptionId": 1}]
    other.order("BUY", "MARKET", quantity="0.01")
    told = [f for account, e in bench.events for f in session.events_for(account, e)]
    assert {frame["subscriptionId"] for frame in told} == {1}


def test_logging_out_of_nothing_does_nothing(bench: Bench, trader: Trader) -> None:
    session = Session(bench.exchange, bench.now_ms)
    ask(session, "userDataStream.subscribe.signature", **signed(trader))
    assert ask(session, "session.logout")["apiKey"] is None
    assert session.farewells == []
    assert ask(session, "session.subscriptions") == [{"subscriptionId": 0}]


def test_a_stream_unsubscribed_before_the_log_out_is_not_ended_twice(
    bench: Bench, trader: Trader
) -> None:
    session = logged_on(bench, trader)
    ask(session, "userDataStream.subscribe")
    ask(session, "userDataStream.unsubscribe", subscriptionId=0)
    assert len(session.farewells) == 1
    ask(session, "session.logout")
    assert len(session.farewells) == 1


# -- revoked keys ----------------------------------------------------------------------------------


def test_a_revoked_key_ends_its_streams_at_once_and_its_session_at_the_next_request(
    bench: Bench, trader: Trader
) -> None:
    session = logged_on(bench, trader)
    ask(session, "userDataStream.subscribe")
    bench.exchange.set_key(trader.key.key, revoked=1)

    ended = session.end_streams(key=trader.key.key)

    assert [frame["event"]["e"] for frame in ended] == ["eventStreamTerminated"]
    assert answer(session, "openOrders.status", timestamp=bench.now_ms) == REVOKED
    assert ask(session, "session.status")["apiKey"] is None
    assert ask(session, "session.subscriptions") == []
    assert trader.refused("GET", "/api/v3/account")[0] == -2015


def test_a_key_bound_to_another_address_loses_its_session_too(bench: Bench, trader: Trader) -> None:
    session = logged_on(bench, trader)
    bench.exchange.set_key(trader.key.key, addresses="10.0.0.7")
    assert answer(session, "session.status") == REVOKED
    assert ask(session, "session.status")["apiKey"] is None


def test_a_request_with_a_key_of_its_own_does_not_mind_the_revoked_one(
    bench: Bench, trader: Trader
) -> None:
    session, other = logged_on(bench, trader), bench.trader()
    bench.exchange.set_key(trader.key.key, revoked=1)
    assert ask(session, "account.status", **signed(other))["uid"] == other.account.id
    assert ask(session, "session.logon", **signed(other))["apiKey"] == other.key.key


def test_a_key_revoked_ends_only_the_streams_made_with_it(bench: Bench, trader: Trader) -> None:
    session, other = logged_on(bench, trader), bench.trader()
    ask(session, "userDataStream.subscribe")
    ask(session, "userDataStream.subscribe.signature", **signed(other))
    assert len(session.end_streams(key=other.key.key)) == 1
    assert ask(session, "session.subscriptions") == [{"subscriptionId": 0}]


# -- limits ----------------------------------------------------------------------------------------


def test_a_session_has_a_limited_number_of_subscriptions(
    bench: Bench, trader: Trader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ws_api, "MOST_SUBSCRIPTIONS", 1)
    monkeypatch.setattr(ws_api, "MOST_SUBSCRIPTION_IDS", 2)
    session, other = logged_on(bench, trader), bench.trader()
    ask(session, "userDataStream.subscribe")
    refused = ask(session, "userDataStream.subscribe.signature", **signed(other))
    assert (refused["code"], "up to '1' subscriptions" in refused["msg"]) == (-1191, True)
    for number in (0, 1):
        assert ask(session, "userDataStream.unsubscribe") == {}
        made = ask(session, "userDataStream.subscribe")
        if number == 0:
            assert made == {"subscriptionId": 1}
    assert made["code"] == -2042


@pytest.mark.parametrize("takes", [True, False])
def test_whether_a_log_on_takes_a_shared_secret_is_a_switch(
    bench: Bench, trader: Trader, takes: bool
) -> None:
    engine = bench.exchange.engine
    engine.switches = replace(engine.switches, logon_takes_hmac=takes)
    session = Session(bench.exchange, bench.now_ms)
    result = ask(session, "session.logon", **signed(trader))
    refused = {"code": -4056, "msg": "HMAC_SHA256 API key is not supported."}
    assert (result["apiKey"] == trader.key.key) if takes else (result == refused)
