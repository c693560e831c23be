"""What the exchange's price range promises, for every plan and every average there may be."""

from dataclasses import replace
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from risk.symbols import UNLIMITED, PercentPrice
from tests.risk.builders import D, verdict
from tests.risk.strategies import plans

ANYWHERE = PercentPrice(D(0), UNLIMITED, D(0), UNLIMITED)
multiples = st.sampled_from(["0", "0.5", "0.9", "0.99", "0.999", "1"]).map(D)
tops = st.sampled_from(["1", "1.001", "1.01", "1.1", "2"]).map(D) | st.just(UNLIMITED)
ranges = st.builds(PercentPrice, multiples, tops, multiples, tops)
around = st.integers(-2000, 2000)


@st.composite
def ranged_plans(draw):
    found = draw(plans())
    low, high = sorted((60_000 + draw(around), 60_000 + draw(around)))
    symbol = replace(found.symbol, price_range=draw(ranges))
    return replace(found, symbol=symbol, average_low=D(low), average_high=D(high))


@given(drawn=ranged_plans(), share=st.fractions(0, 1))
def test_what_passes_is_inside_the_range_wherever_the_average_is(drawn, share):
    percents, long = drawn.symbol.price_range, drawn.direction == "long"
    low, high = Fraction(drawn.average_low), Fraction(drawn.average_high)
    average = low + (high - low) * share
    best = drawn.ask if long else drawn.bid
    takes = drawn.worst_entry >= best if long else drawn.worst_entry <= best
    buys = (percents.buy_down, percents.buy_up)
    sells = (percents.sell_down, percents.sell_up)
    if takes and verdict("exchange_filters", drawn).ok:
        down, up = buys if long else sells
        for price in (best, drawn.worst_entry):
            assert average * Fraction(down) <= Fraction(price) <= average * Fraction(up)
    if verdict("stop_range", drawn).ok:
        down, up = sells if long else buys
        assert average * Fraction(down) <= Fraction(drawn.stop) <= average * Fraction(up)


@given(drawn=ranged_plans())
def test_the_stop_an_advice_names_is_inside_and_the_next_tick_back_is_not(drawn):
    v = verdict("stop_range", drawn)
    if v.ok or "Move the stop to " not in v.message:
        return
    named = D(v.message.split("Move the stop to ")[1].split(" ")[0])
    assert verdict("stop_range", replace(drawn, stop=named)).ok
    back = D("0.01") if drawn.stop > named else D("-0.01")
    assert not verdict("stop_range", replace(drawn, stop=named + back)).ok


@given(drawn=ranged_plans())
def test_a_range_that_reaches_everywhere_refuses_nothing(drawn):
    free = replace(drawn, symbol=replace(drawn.symbol, price_range=ANYWHERE))
    without = replace(drawn, symbol=replace(drawn.symbol, price_range=None))
    assert verdict("exchange_filters", free) == verdict("exchange_filters", without)
    assert verdict("stop_range", free).ok
