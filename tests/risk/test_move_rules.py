"""May a line go there? A stop never risks more than before, whatever is asked for."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.move_rules import Held, Objection, objections
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


def found(held=LONG, *, stop=None, target=None) -> list[Objection]:
    return objections(
        held,
        stop=held.stop if stop is None else stop,
        target=held.target if target is None else target,
    )


def codes(held=LONG, **lines) -> list[str]:
    return [each.code for each in found(held, **lines)]


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


def ruled(held, **facts) -> Held:
    """The same position where the exchange rules otherwise."""
    return replace(held, symbol=replace(SYMBOL, **facts))


# Prices that are none, and lines that can't stand so: not even well-formed.


def test_lines_that_stay_where_they_are_are_not_refused():
    assert codes(LONG) == []
    assert codes(SHORT) == []


@pytest.mark.parametrize("price", [D(0), D("-0.01"), D("Infinity"), D("NaN")])
@pytest.mark.parametrize("field", ["stop", "target"])
def test_a_price_is_finite_and_above_0(field, price):
    assert found(**{field: price}) == [
        Objection(field, "not_a_price", "Give a price above 0.", conflict=False)
    ]


def test_the_least_price_above_0_is_a_price():
    assert codes(ruled(SHORT, percent_price=None, min_notional=D(0)), target=D("0.01")) == []


@pytest.mark.parametrize(
    ("field", "price", "ways"),
    [("stop", "59400.005", "59400 or 59400.01"), ("target", "61800.019", "61800.01 or 61800.02")],
)
def test_a_price_off_the_tick_is_none_and_its_neighbours_are_named(field, price, ways):
    says = f"BTCUSDT trades in steps of 0.01. Use {ways}."
    assert found(**{field: D(price)}) == [Objection(field, "off_tick", says, conflict=False)]


@pytest.mark.parametrize(
    ("held", "field", "price", "says"),
    [
        (LONG, "stop", "61900", "The target 61800 of a long must lie above its stop 61900."),
        (LONG, "stop", "61800", "The target 61800 of a long must lie above its stop 61800."),
        (LONG, "target", "59300", "The target 59300 of a long must lie above its stop 59400."),
        (SHORT, "stop", "59300", "The target 59400 of a short must lie below its stop 59300."),
        (SHORT, "target", "61900", "The target 61900 of a short must lie below its stop 61800."),
        (SHORT, "target", "61800", "The target 61800 of a short must lie below its stop 61800."),
    ],
)
def test_the_line_that_moved_to_the_wrong_side_is_the_gravest(held, field, price, says):
    refused = found(held, **{field: D(price)})
    assert refused[0] == Objection(field, "wrong_side", says, conflict=False)


# The promise and the market: well-formed, and refused all the same.


@pytest.mark.parametrize(
    ("held", "stop", "says"),
    [
        (
            LONG,
            "59399.99",
            "it is at 59400, and 59399.99 would risk more than you agreed to. Choose 59400 or a "
            "price above it",
        ),
        (
            SHORT,
            "61800.01",
            "it is at 61800, and 61800.01 would risk more than you agreed to. Choose 61800 or a "
            "price below it",
        ),
    ],
)
def test_a_stop_one_tick_wider_is_refused_with_the_side_that_is_free(held, stop, says):
    says = f"A stop only moves towards the price: {says}, or close the trade."
    assert found(held, stop=D(stop)) == [
        Objection("stop", "stop_only_tightens", says, conflict=True)
    ]


@pytest.mark.parametrize(
    ("held", "last", "field", "at", "way", "side", "free"),
    [
        (LONG, "60050", "stop", "60050", "sell", "below", "60049.99"),
        (LONG, "60150", "stop", "60099.99", "sell", "below", "60099.98"),
        (LONG, "60050", "target", "60100", "sell", "above", "60100.01"),
        (LONG, "60150", "target", "60150", "sell", "above", "60150.01"),
        (SHORT, "60050", "stop", "60100", "buy back", "above", "60100.01"),
        (SHORT, "60150", "stop", "60150", "buy back", "above", "60150.01"),
        (SHORT, "60050", "target", "60050", "buy back", "below", "60049.99"),
        (SHORT, "60150", "target", "60099.99", "buy back", "below", "60099.98"),
    ],
)
def test_a_line_at_the_market_would_trigger_and_one_tick_off_waits(
    held, last, field, at, way, side, free
):
    """The last trade lies outside of the best prices, 60099.99 and 60100, on either side."""
    held = replace(held, price=D(last))
    says = (
        f"BTCUSDT is at {at}: a {field} at {at} would {way} at once. "
        f"Choose a price {side} {at}, or close the trade."
    )
    assert found(held, **{field: D(at)}) == [Objection(field, "would_trigger", says, conflict=True)]
    assert codes(held, **{field: D(free)}) == []


# The exchange's filters, exactly at their limits.


@pytest.mark.parametrize("lines", [{"stop": D(59500)}, {"target": D(61000)}])
def test_what_the_symbol_does_not_take_is_said_of_the_line_that_moves(lines):
    few = replace(LONG, quantity=D("0.000001"), symbol=replace(ALONE, min_notional=D(0)))
    assert [each.field for each in found(replace(LONG, symbol=HALTED), **lines)] == [*lines]
    assert [each.field for each in found(few, **lines)] == [*lines, *lines]


@pytest.mark.parametrize(("least", "market_least"), [("0.1", "0.2"), ("0.2", "0.1")])
def test_the_larger_of_both_least_quantities_counts_and_is_enough(least, market_least):
    held = ruled(LONG, min_quantity=D(least), market_min_quantity=D(market_least))
    says = "0.15 BTC are held; a new stop takes at least 0.2 BTC. The present one stays."
    assert found(replace(held, quantity=D("0.15")), stop=D(59500)) == [
        Objection("stop", "MARKET_LOT_SIZE", says)
    ]
    assert codes(replace(held, quantity=D("0.2")), stop=D(59500)) == []


@pytest.mark.parametrize(
    ("field", "last", "beyond"),
    [("stop", "59500", "59499.99"), ("target", "61900", "61900.01")],
)
def test_the_first_and_the_last_price_of_a_symbol_are_inside(field, last, beyond):
    held = ruled(LONG, min_price=D(59500), max_price=D(61900))
    says = f"BTCUSDT trades from 59500 to 61900. Move the {field} inside."
    assert codes(held, **{field: D(last)}) == []
    assert found(held, **{field: D(beyond)}) == [Objection(field, "PRICE_FILTER", says)]


@pytest.mark.parametrize(
    ("held", "field", "last", "beyond", "bounds"),
    [
        (LONG, "stop", "59598", "59597.99", "59598 to 62895"),
        (LONG, "target", "62895", "62895.01", "59598 to 62895"),
        (SHORT, "stop", "62296", "62296.01", "58996 to 62296"),
        (SHORT, "target", "58996", "58995.99", "58996 to 62296"),
    ],
)
def test_the_way_out_has_its_own_distance_from_the_average(held, field, last, beyond, bounds):
    """A long sells, from 0.99 of the highest average to 1.05 of the lowest; a short buys back."""
    percents = PercentPrice(
        buy_down=D("0.98"), buy_up=D("1.04"), sell_down=D("0.99"), sell_up=D("1.05")
    )
    held = ruled(held, percent_price=percents)
    held = replace(held, stop=D(63000)) if held.direction == "short" else held
    says = f"is too far from the market: the exchange takes {bounds}. Move it closer."
    assert codes(held, **{field: D(last)}) == []
    assert found(held, **{field: D(beyond)}) == [
        Objection(field, "PERCENT_PRICE_BY_SIDE", f"The {field} {beyond} {says}")
    ]


def test_a_line_worth_exactly_the_least_passes():
    held = ruled(LONG, min_notional=D(5950))
    says = (
        "0.1 BTC at 59499.99 are worth 5949.999 USDT, below the exchange's least of 5950. "
        "The present stop stays."
    )
    assert codes(held, stop=D(59500)) == []
    assert found(held, stop=D("59499.99")) == [Objection("stop", "NOTIONAL", says)]
