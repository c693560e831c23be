"""May a line go there? A stop never risks more than before, whatever is asked for."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.move_rules import Held, objections
from risk.symbols import PercentPrice, Symbol, is_on_tick

D = Decimal
SYMBOL = Symbol(
    name="BTCUSDT", base="BTC", quote="USDT", tick=D("0.01"), step=D("0.00001"),
    min_quantity=D("0.00001"), market_min_quantity=D("0.00001"), min_notional=D(5),
    min_price=D("0.01"), max_price=D(1_000_000), oco_allowed=True,
    percent_price=PercentPrice(D("0.2"), D(5), D("0.2"), D(5)),
)  # fmt: skip
HALTED, ALONE = replace(SYMBOL, status="BREAK"), replace(SYMBOL, oco_allowed=False)
LONG = Held(
    symbol=SYMBOL, direction="long", quantity=D("0.1"), stop=D(59400), target=D(61800),
    bid=D("60099.99"), ask=D(60100), price=D(60100), low=D(59900), high=D(60200),
)  # fmt: skip
SHORT = replace(LONG, direction="short", stop=D(61800), target=D(59400))


def codes(held=LONG, *, stop=None, target=None) -> list[str]:
    found = objections(
        held,
        stop=held.stop if stop is None else stop,
        target=held.target if target is None else target,
    )
    return [each.code for each in found]


def test_a_stop_may_come_closer_and_a_target_go_either_way():
    assert codes(stop=D(59999)) == []
    assert codes(target=D(61000)) == []
    assert codes(target=D(65000)) == []
    assert codes(SHORT, stop=D(60200)) == []


@pytest.mark.parametrize(
    ("held", "lines", "code"),
    [
        (LONG, {"stop": D("59399.99")}, "stop_only_tightens"),
        (SHORT, {"stop": D("61800.01")}, "stop_only_tightens"),
        (LONG, {"stop": D("59400.005")}, "off_tick"),
        (LONG, {"stop": D("60099.99")}, "would_trigger"),
        (SHORT, {"stop": D(60100)}, "would_trigger"),
        (LONG, {"target": D(60100)}, "would_trigger"),
        (LONG, {"target": D(59300)}, "wrong_side"),
        (LONG, {"stop": D("NaN")}, "not_a_price"),
        (LONG, {"target": D(300_100)}, "PERCENT_PRICE_BY_SIDE"),
        (LONG, {"target": D(1_000_001)}, "PRICE_FILTER"),
        (replace(LONG, quantity=D("0.00005")), {"stop": D(59500)}, "NOTIONAL"),
        (replace(LONG, quantity=D("0.000001")), {"stop": D(59500)}, "MARKET_LOT_SIZE"),
        (replace(LONG, symbol=HALTED), {"stop": D(59500)}, "symbol_status"),
        (replace(LONG, symbol=ALONE), {"stop": D(59500)}, "no_pair"),
    ],
)  # fmt: skip
def test_what_speaks_against_a_move_is_named(held, lines, code):
    assert code in codes(held, **lines)


def test_a_line_that_stays_is_not_refused_for_where_the_market_is():
    """The market may have run past the old target; moving the stop is no worse for it."""
    beyond = replace(LONG, price=D(61900), bid=D(61900), ask=D("61900.01"))
    assert codes(beyond, stop=D(60000)) == []


prices = st.decimals("1000", "200000", places=2)


@given(stop=prices, target=prices, short=st.booleans())
def test_what_passes_risks_no_more_lies_on_the_tick_and_waits(stop, target, short):
    held = SHORT if short else LONG
    if objections(held, stop=stop, target=target):
        return
    sign = -1 if short else 1
    assert (stop - held.stop) * sign >= 0
    assert (held.price - stop) * sign > 0
    assert (target - stop) * sign > 0
    assert is_on_tick(stop, SYMBOL.tick)
    assert is_on_tick(target, SYMBOL.tick)


@given(stop=prices, target=prices)
def test_every_objection_says_the_field_and_the_way_out(stop, target):
    for each in objections(LONG, stop=stop, target=target):
        assert each.field in ("stop", "target")
        assert each.message.endswith(".")
