"""What a plan is sized by: the account's own fees and limits, its coins, candles and results."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from risk.protocol import Book, Limits, Plan
from risk.rules import check
from risk.size_models import SizeModel
from testudo import clock
from trading import reconcile
from trading.decision_facts import from_facts
from trading.exchange.factory import exchange_for
from trading.market import symbols as market_symbols
from trading.market.candles import Minute, upsert_candles
from trading.market.models import SymbolRules
from trading.models import Balance, Decision, FeeRate
from trading.orders import PlanRefused, place_trade
from trading.plans import judge

D = Decimal


@pytest.fixture
def judged(floor, account):
    def run(drawing):
        return judge(account, drawing, quote_of=quote_of)

    def quote_of(venue, symbol):
        if symbol != "BNBUSDT":
            return floor.quote_of(venue, symbol)
        btc = floor.quote_of(venue, "BTCUSDT")
        return replace(btc, symbol=symbol, price=D(600), bid=D(600), ask=D(601))

    return run


def hold(account, asset, *, free, locked="0"):
    Balance.objects.update_or_create(
        account=account,
        asset=asset,
        defaults={"free": D(free), "locked": D(locked), "as_of": clock.now()},
    )


def pay_in_bnb(account, *, free, maker="0.0006", taker="0.00075"):
    FeeRate.objects.update_or_create(
        account=account,
        symbol="BTCUSDT",
        defaults={
            "maker": D("0.001"), "taker": D("0.001"), "bnb_maker": D(maker), "bnb_taker": D(taker),
        },
    )  # fmt: skip
    hold(account, "BNB", free=free)


def store_candles(floor, minutes, *, high="60100", low="59900", gap=None):
    now = clock.to_ms(clock.now()) // 60_000
    rows = [
        Minute((now - back) * 60_000, "60000", high, low, "60000", "1")
        for back in range(1, minutes + 1)
        if back != gap
    ]
    upsert_candles("paper", "BTCUSDT", rows)


def change_filters(**filters):
    row = SymbolRules.objects.get(venue="paper", symbol="BTCUSDT")
    kept = [f for f in row.raw["filters"] if f["filterType"] not in filters]
    row.raw["filters"] = kept + [{"filterType": k, **fields} for k, fields in filters.items()]
    row.save()
    market_symbols._kept.clear()


# Fees.


def test_a_fee_comes_from_the_coin_unless_some_of_it_is_held(judged, draw, account):
    assert judged(draw()).plan.costs.fee_in_base
    hold(account, "BTC", free="0.1", locked="0")
    assert not judged(draw()).plan.costs.fee_in_base


def test_where_the_exchange_sizes_no_legs_the_coins_held_change_nothing(judged, draw, account):
    hold(account, "BTC", free="0.1", locked="0")
    row = SymbolRules.objects.get(venue="paper", symbol="BTCUSDT")
    row.raw["opoAllowed"] = False
    row.save()
    market_symbols._kept.clear()
    plan = judged(draw()).plan
    assert plan.costs.fee_in_base
    assert plan.sizing.leg_quantity < plan.sizing.quantity


def test_plenty_of_bnb_pays_the_fees_and_too_little_does_not(judged, draw, account):
    dear = judged(draw()).plan
    pay_in_bnb(account, free="5")
    plan = judged(draw()).plan
    assert plan.costs.fee_in_bnb
    assert (plan.costs.entry, plan.costs.exit) == (D("0.00075"), D("0.00075"))
    assert plan.sizing.quantity > dear.sizing.quantity
    assert plan.sizing.leg_quantity == plan.sizing.quantity
    pay_in_bnb(account, free="0.0001")
    poor = judged(draw()).plan
    assert poor.costs.fee_in_base
    assert poor.costs.entry == D("0.001")


def test_a_pullback_pays_the_makers_fee(judged, draw, account):
    pay_in_bnb(account, free="5")
    drawing = draw()
    lower = (drawing.entry * D("0.995")).quantize(D("0.01"))
    resting = judged(replace(drawing, entry=lower))
    assert resting.kind == "pullback"
    assert (resting.plan.costs.entry, resting.plan.costs.exit) == (D("0.0006"), D("0.00075"))


def test_a_slippage_allowance_makes_the_size_smaller(judged, draw):
    allowed = judged(replace(draw(), slippage=D(100))).plan.sizing
    assert allowed.quantity < judged(draw()).plan.sizing.quantity
    assert allowed.worst_loss <= allowed.budget


def test_fees_in_bnb_and_limits_of_assets_are_asked_of_the_exchange(account, floor):
    floor.paper.engine.asset_limits["BTC"] = 2 * 10**8
    FeeRate.objects.filter(account=account).delete()
    reconcile.refresh_fees(account, ["ETHUSDT", "BTCUSDT"], exchange=exchange_for(account))
    rate = FeeRate.objects.get(account=account, symbol="BTCUSDT")
    assert (rate.max_base, rate.max_quote) == (D(2), None)
    assert rate.bnb_taker is None or rate.bnb_taker <= rate.taker


# The account's own bounds.


def test_a_limit_on_the_asset_binds_the_size(judged, draw, account):
    FeeRate.objects.update_or_create(
        account=account,
        symbol="BTCUSDT",
        defaults={"maker": D("0.001"), "taker": D("0.001"), "max_base": D("0.001")},
    )
    sizing = judged(draw()).plan.sizing
    assert (sizing.quantity, sizing.bound) == (D("0.001"), "max_asset")


def test_coins_held_and_being_bought_count_towards_the_largest_position(
    judged, draw, account, floor
):
    change_filters(MAX_POSITION={"maxPosition": "0.10000000"})
    hold(account, "BTC", free="0.02", locked="0.03")
    first = judged(draw(stop="0.002"))
    assert first.plan.position == D("0.05")
    assert first.plan.sizing.bound == "max_position"
    assert first.plan.sizing.quantity == D("0.05")


def test_the_price_range_is_checked_at_every_average_the_exchange_may_use(judged, draw, floor):
    change_filters(
        PERCENT_PRICE_BY_SIDE={
            "bidMultiplierUp": "1.01", "bidMultiplierDown": "0.9", "askMultiplierUp": "2",
            "askMultiplierDown": "0.5", "avgPriceMins": 5,
        }
    )  # fmt: skip
    quote = floor.quote_of("paper", "BTCUSDT")
    assert broken(judged(draw()), "exchange_filters") is None
    low = D(59000)  # below the open of 60000, as candles are
    store_candles(floor, 3, high=str(quote.ask * 2), low=str(low))
    plan = judged(draw()).plan
    assert plan.average_low <= low
    assert plan.average_high >= quote.ask * 2
    assert "PERCENT_PRICE" in broken(judged(draw()), "exchange_filters")


def test_a_spike_in_the_minute_still_open_counts_in_the_average(floor, account, draw):
    def spiked(venue, symbol):
        quote = floor.quote_of(venue, symbol)
        return replace(quote, low=quote.price * D("0.98"), high=quote.price * D("1.03"))

    plan = judge(account, draw(), quote_of=spiked).plan
    price = floor.quote_of("paper", "BTCUSDT").price
    assert (plan.average_low, plan.average_high) == (price * D("0.98"), price * D("1.03"))


def broken(judged, code):
    return next((v.message for v in judged.verdicts if v.code == code and not v.ok), None)


# The models.


def test_percent_volatility_reads_the_stored_candles(judged, draw, floor):
    store_candles(floor, 60)
    model = SizeModel(
        name="percent_volatility", atr_period=14, atr_interval="1m", atr_multiple=D(20)
    )
    sizing = judged(replace(draw(), size_model=model)).plan.sizing
    plan = judged(draw()).plan
    # ATR is 200: 100 / (4000 + the fees at the worst entry and 4000 below it)
    costs, entry = plan.costs, plan.worst_entry
    per = 4000 + costs.entry * entry + costs.exit * (entry - 4000)
    assert sizing.bound == "model"
    assert sizing.quantity == D(100) // (per * D("0.00001")) * D("0.00001")
    assert (sizing.model, sizing.worst_loss < sizing.budget) == ("percent_volatility", True)


def test_a_gap_in_the_candles_is_refused_with_the_way_out(judged, draw, floor):
    store_candles(floor, 60, gap=5)
    model = SizeModel(name="percent_volatility", atr_interval="1m")
    with pytest.raises(Exception, match="without a gap; 4 are stored"):
        judged(replace(draw(), size_model=model))


def test_half_size_is_the_default_while_the_streaks_breaker_is_half_open(judged, draw, monkeypatch):
    from trading import plans

    whole = judged(draw()).plan
    read = plans.read_book
    monkeypatch.setattr(
        plans, "read_book", lambda *args, **named: replace(read(*args, **named), half_size=True)
    )
    assert judged(draw()).plan.risk_fraction == whole.risk_fraction / 2


# The record.


def test_a_record_holds_every_input_so_that_the_rules_judge_it_the_same(floor, account, draw):
    model = SizeModel(name="fixed_money", money=D(40))
    with pytest.raises(PlanRefused) as refused:
        place_trade(
            account,
            replace(draw(), size_model=model, risk_fraction=D("0.05"), slippage=D(1)),
            quote_of=floor.quote_of,
        )
    facts = json.loads(Decision.objects.get().payload)
    plan, book = from_facts(Plan, facts["plan"]), from_facts(Book, facts["book"])
    again = check(plan, book, from_facts(Limits, facts["limits"]))
    said = {v.code: (v.ok, v.measured, v.limit) for v in refused.value.verdicts}
    assert {v.code: (v.ok, v.measured, v.limit) for v in again}.items() <= said.items()
    assert facts["size_model"]["name"] == "fixed_money"
    assert facts["entry_kind"] == "now"
    assert plan.sizing.model == "fixed_money"
    assert plan.sizing.wanted_loss == refused.value.judged.plan.sizing.wanted_loss
    assert timedelta(0) <= plan.market_age
