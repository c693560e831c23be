"""Entries that wait, over real processes: a pullback at the exchange, a breakout armed here."""

from decimal import Decimal

import pytest

from tests.flows.trader import Trader, until

EMPTY_REDIS = (
    "import redis\nfrom django.conf import settings\n"
    "redis.Redis.from_url(settings.REDIS_URL).flushall()"
)


@pytest.fixture
def trader(stack) -> Trader:
    return Trader(stack)


def beyond(price: str, factor: str) -> str:
    return f"{Decimal(price) * Decimal(factor):.2f}"


def leg(trade, name: str):
    return next(each for each in reversed(trade["legs"]) if each["leg"] == name)


def close(trader, trade) -> None:
    trader.post(f"/api/v1/trades/{trade['id']}/close", status=202)
    trader.wait(trade["id"], "closed")


def resting(trader, trade_id: str):
    """The trade once its entry rests at the exchange."""
    until("the entry to rest", lambda: leg(trader.trade(trade_id), "entry")["state"] == "open")
    return trader.trade(trade_id)


def test_a_pullback_rests_at_the_exchange_and_is_protected_when_the_market_comes(trader, paper):
    trade = resting(trader, trader.place(away="-0.006")["id"])
    assert (trade["kind"], trade["waits"]) == ("pullback", "exchange")
    assert (leg(trade, "entry")["type"], leg(trade, "stop")["state"]) == ("LIMIT_MAKER", "waiting")
    paper.move("BTCUSDT", beyond(trade["entry"], "0.9985"), over_ms=1500)
    trade = trader.protected(trade["id"], seconds=20)
    until("the entry to be over", lambda: trader.trade(trade["id"])["waits"] is None)
    trade = trader.trade(trade["id"])
    assert trade["state"] == "open"
    assert Decimal(trade["entry_price"]) <= Decimal(trade["entry"])
    close(trader, trade)


def test_f24_a_part_of_a_pullback_is_cut_off_and_protected_within_five_seconds(trader, paper):
    """F24, over real processes: its legs were never armed by the exchange."""
    trade = resting(trader, trader.place(away="-0.006")["id"])
    paper.arm("partial-entry:fraction=0.4,next=1")
    paper.move("BTCUSDT", beyond(trade["entry"], "0.9985"), over_ms=500)
    trade = trader.protected(trade["id"], seconds=20)
    until("the entry to be over", lambda: trader.trade(trade["id"])["waits"] is None)
    trade = trader.trade(trade["id"])
    stop, entry = leg(trade, "stop"), leg(trade, "entry")
    assert (entry["state"], stop["state"]) == ("canceled", "open")
    bought = Decimal(entry["filled"])
    assert Decimal("0.39") < bought / Decimal(trade["quantity"]) <= Decimal("0.4")
    assert Decimal(stop["quantity"]) <= Decimal(trade["held_quantity"]) < bought
    assert 2000 <= trade["naked_ms"] <= 5000
    close(trader, trade)


def test_a_resting_entry_is_withdrawn_and_nothing_is_left_at_the_exchange(trader):
    trade = resting(trader, trader.place(away="-0.02")["id"])
    trader.post(f"/api/v1/trades/{trade['id']}/cancel", status=202)
    trade = trader.wait(trade["id"], "canceled", seconds=10)
    assert {each["state"] for each in trade["legs"]} == {"canceled"}
    assert trader.risk()["heat"]["value"] == "0"


def test_a_breakout_rests_nowhere_and_is_bought_and_protected_when_the_price_reaches_its_line(
    trader, paper
):
    trade = trader.place(away="0.006")
    assert (trade["kind"], trade["waits"]) == ("breakout", "line")
    assert {each["exchange_order_id"] for each in trade["legs"]} == {None}
    assert Decimal(trader.risk()["heat"]["value"]) == Decimal(trade["planned_risk"])
    paper.move("BTCUSDT", beyond(trade["entry"], "1.0003"), over_ms=1000)
    trade = trader.protected(trade["id"], seconds=20)
    assert trade["state"] == "open"
    assert Decimal(trade["entry_price"]) <= Decimal(trade["worst_entry"])
    said = [line["what"] for line in trade["timeline"]]
    assert said.index("trading.line_reached") < said.index("trading.entry_released")
    assert said.index("trading.entry_released") < said.index("trading.order_sent")
    close(trader, trade)


def test_a_breakout_is_still_armed_after_redis_was_emptied_and_its_watcher_died(
    trader, paper, stack
):
    trade = trader.place(away="0.006")
    stack.kill("stream_market")
    stack.python(EMPTY_REDIS)
    paper.move("BTCUSDT", beyond(trade["entry"], "0.999"), over_ms=200)
    assert trader.trade(trade["id"])["state"] == "approved", "while it is down, no entry"
    stack.start("stream_market")
    paper.move("BTCUSDT", beyond(trade["entry"], "1.0003"), over_ms=1500)
    trade = trader.protected(trade["id"], seconds=20)
    assert trade["state"] == "open"
    close(trader, trade)
