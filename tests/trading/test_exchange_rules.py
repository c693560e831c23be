"""What planning refuses, the exchange would refuse or expire as well; the most it allows passes.

Of the filters a size cannot cure: the counts of an account over all symbols, and PRICE_RANGE. In
each flow planning first knows nothing of the rule, and the exchange says its no; then it is read.
"""

import dataclasses
import json
from datetime import timedelta
from decimal import Decimal

import pytest

from risk.protocol import RULES_VERSION
from tests.trading.risky import MINUTE, SECOND, opened
from testudo import clock
from trading import orders
from trading.decision_replay import replay
from trading.exchange.paper.values import from_e8, to_e8
from trading.market.candles import Minute, upsert_candles
from trading.models import Decision
from trading.orders import PlanRefused
from trading.plans import judge

D = Decimal
SMALL = {"risk_fraction": D("0.005")}


def set_rules(floor, **rules) -> None:
    """Of BTCUSDT, at the exchange."""
    symbols = floor.paper.symbols
    symbols["BTCUSDT"] = dataclasses.replace(symbols["BTCUSDT"], **rules)


def told(floor, account, drawing) -> dict[str, str]:
    """What of the exchange's rules the plan breaks, by rule."""
    found = judge(account, drawing, quote_of=floor.quote_of).verdicts
    ours = ("exchange_filters", "stop_range")
    return {v.code: v.message for v in found if v.code in ours and not v.ok}


def keep_candles(floor) -> None:
    """Store the closed minutes, as `stream_market` does."""
    now_ms = clock.now_ms()
    rows = [
        Minute(k.open_ms, *(from_e8(e8) for e8 in (k.open, k.high, k.low, k.close, k.volume)))
        for k in floor.paper.feed.klines("BTCUSDT", "1m", None, None, 10)
        if k.open_ms + 60_000 <= now_ms
    ]
    upsert_candles("paper", "BTCUSDT", rows)


def jump(floor, account, by: str, *, within: timedelta = 2 * SECOND) -> None:
    """The market moves by a fraction of its price."""
    price = floor.quote_of("paper", "BTCUSDT").price * (1 + D(by))
    floor.paper.move("BTCUSDT", to_e8(price.quantize(D("0.01"))), within // timedelta(0, 0, 1000))
    floor.advance(within + SECOND)
    floor.turn(account)
    keep_candles(floor)


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("EXCHANGE_MAX_NUM_ORDERS", 5),  # a stop and a target open, and a bracket of three
        ("EXCHANGE_MAX_NUM_ALGO_ORDERS", 4),
        ("EXCHANGE_MAX_NUM_ORDER_LISTS", 2),
    ],
)
def test_the_exchanges_count_of_an_account_is_full_for_planning_where_it_is_for_the_exchange(
    floor, account, draw, name, most
):
    opened(floor, account, draw(**SMALL))
    rules = floor.paper.engine.exchange_rules
    rules[name] = most - 1
    rejected = opened(floor, account, draw("ETHUSDT", **SMALL))
    assert rejected.state == "rejected"
    assert name in rejected.orders.get(leg="entry").state_reason

    floor.read_rules()
    with pytest.raises(PlanRefused) as refused:
        orders.place_trade(account, draw("ETHUSDT", **SMALL), quote_of=floor.quote_of)
    broken = {v.code: v.message for v in refused.value.verdicts if not v.ok}
    assert f"the exchange takes {most - 1} ({name})" in broken["exchange_filters"]

    rules[name] = most
    floor.read_rules()
    bought = opened(floor, account, draw("ETHUSDT", **SMALL))
    assert (bought.state, bought.held > 0) == ("open", True)


def test_an_entry_the_market_ran_away_with_waits_until_the_average_has_followed(
    floor, account, draw
):
    """The price jumps by 5 %; a buy may fill up to 2 % above the average of five minutes."""
    floor.advance(7 * MINUTE)
    floor.turn(account)
    set_rules(floor, bid_range_up=to_e8("1.02"))
    jump(floor, account, "0.05")
    missed = opened(floor, account, draw(**SMALL))
    assert missed.state == "expired"
    assert missed.held == 0

    floor.read_rules()
    assert "(PRICE_RANGE). Wait until" in told(floor, account, draw(**SMALL))["exchange_filters"]
    with pytest.raises(PlanRefused):
        orders.place_trade(account, draw(**SMALL), quote_of=floor.quote_of)

    for _ in range(8):
        floor.advance(MINUTE)
        floor.turn(account)
    keep_candles(floor)
    bought = opened(floor, account, draw(**SMALL))
    assert (bought.state, bought.held > 0) == ("open", True)


def test_the_narrowest_range_that_planning_allows_is_filled(floor, account, draw):
    """Multipliers come in ten-thousandths: at the last one that passes the exchange still buys."""
    floor.advance(7 * MINUTE)
    floor.turn(account)
    keep_candles(floor)
    floor.read_rules()
    plan = judge(account, draw(**SMALL), quote_of=floor.quote_of).plan
    least = to_e8("1")
    while plan.average_low * D(from_e8(least)) < plan.worst_entry:
        least += to_e8("0.0001")
    set_rules(floor, bid_range_up=least - to_e8("0.0001"))
    floor.read_rules()
    assert (
        "Move the stop closer, or wait" in told(floor, account, draw(**SMALL))["exchange_filters"]
    )
    set_rules(floor, bid_range_up=least)
    floor.read_rules()
    assert told(floor, account, draw(**SMALL)) == {}
    assert opened(floor, account, draw(**SMALL)).state == "open"


@pytest.fixture
def far(floor, account, draw):
    """A long whose stop is 3 % away, where a sale may fill 2 % below the average."""
    floor.advance(7 * MINUTE)
    floor.turn(account)
    set_rules(floor, ask_range_down=to_e8("0.98"))
    floor.read_rules()
    keep_candles(floor)
    return draw(stop="0.03", target="0.1", **SMALL)


def test_a_far_stop_that_a_crash_reaches_expires_as_planning_said_and_is_sold_all_the_same(
    floor, account, draw, far
):
    assert "could expire unfilled" in told(floor, account, far)["stop_range"]
    named = told(floor, account, far)["stop_range"].split("Move the stop to ")[1].split(" ")[0]
    closer = dataclasses.replace(far, stop=D(named))
    assert told(floor, account, closer) == {}

    trade = opened(floor, account, far)
    assert trade.state == "open", "an advice refuses nothing"
    jump(floor, account, "-0.032")
    floor.follow(trade, step=SECOND, at_most=30 * SECOND)
    stop = trade.orders.filter(leg="stop").order_by("created_at").first()
    assert stop.state == "expired"
    assert "PRICE_RANGE" in stop.state_reason
    floor.follow(trade, step=SECOND, at_most=15 * MINUTE)
    assert trade.state == "closed"
    assert trade.held == 0


def test_a_far_stop_that_a_slow_fall_reaches_is_filled(floor, account, draw, far):
    trade = opened(floor, account, far)
    jump(floor, account, "-0.032", within=20 * MINUTE)
    floor.follow(trade, step=SECOND, at_most=MINUTE)
    assert trade.state == "closed"
    assert trade.exit_reason == "stop"
    assert trade.orders.get(leg="stop").state == "filled"


def test_a_record_of_before_these_rules_is_judged_without_them(floor, account, draw):
    """Rules version 2 knew neither the limits nor the counts, and no stop in a fast market."""
    orders.place_trade(account, draw(), quote_of=floor.quote_of)
    facts = json.loads(Decision.objects.get().payload)
    assert replay(facts).same is True
    facts["rules_version"] = "2"
    for name in ("orders", "algo_orders", "order_lists"):
        del facts["book"][f"account_{name}"]
        del facts["plan"]["symbol"][f"exchange_max_{name}"]
    del facts["plan"]["symbol"]["price_range"]
    facts["verdicts"] = [each for each in facts["verdicts"] if each["code"] != "stop_range"]
    assert replay(facts).differences == (
        f"It was judged by rules version 2; today's is {RULES_VERSION}.",
        "stop_range: this rule is new; it passed today.",
    )
