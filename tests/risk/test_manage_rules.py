"""The rules of an open position: whatever the price does, a stop only ever comes closer."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.manage_rules import (
    AFTER_A_REFUSAL,
    STEP_R,
    TRAIL_EVERY,
    Management,
    Ratchet,
    Run,
    break_even_stop,
    next_price,
    read,
    time_is_over,
    wanted_stop,
)
from risk.part_targets import PartTarget
from risk.symbols import is_on_tick

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
D = Decimal
EVEN = Management(break_even=True)
TRAIL = Management(trail_r=D(1))
STEPS = Management(ratchets=(Ratchet(D(1), D(0)), Ratchet(D(2), D(1))))
RULES = [EVEN, TRAIL, STEPS, Management(break_even=True, trail_r=D("1.5"), ratchets=STEPS.ratchets)]


def run(**changes) -> Run:
    facts = {
        "direction": "long", "entry": D(60000), "planned_entry": D(60000),
        "planned_stop": D(59400), "stop": D(59400), "target": D(61800), "fee_rate": D("0.001"),
        "tick": D("0.01"), "now": NOW, "atr": D(250),
    }  # fmt: skip
    return Run(**{**facts, **changes})


def mirrored(**changes) -> Run:
    short = {"direction": "short", "planned_stop": D(60600), "stop": D(60600), "target": D(58200)}
    return run(**{**short, **changes})


def test_at_half_way_to_the_target_the_stop_goes_where_both_fees_are_paid():
    wanted = wanted_stop(EVEN, run(), price=D(60900))
    assert (wanted.why, wanted.stop) == ("break_even", D("60120.19"))
    kept = (1 - D("0.001")) ** 2
    assert wanted.stop * kept >= D(60000) > (wanted.stop - D("0.01")) * kept


def test_before_half_way_nothing_moves():
    assert wanted_stop(EVEN, run(), price=D("60899.99")) is None


def test_break_even_is_asked_for_once():
    assert wanted_stop(EVEN, run(stop=D("60120.19")), price=D(61000)) is None
    assert next_price(EVEN, run(stop=D("60120.19"))) is None


def test_a_short_breaks_even_below_its_entry():
    wanted = wanted_stop(EVEN, mirrored(), price=D(59100))
    assert wanted.stop == break_even_stop(mirrored()) == D("59880.06")


def test_a_trailing_stop_follows_one_r_behind_the_price():
    assert wanted_stop(TRAIL, run(), price=D(60600)).stop == D(60000)


def test_a_trailing_stop_moves_by_a_quarter_r_or_not_at_all():
    assert wanted_stop(TRAIL, run(), price=D(60150)) is None
    assert wanted_stop(TRAIL, run(), price=D("60150.01")).stop == D("59550.01")


def test_a_trailing_stop_waits_thirty_seconds_between_two_moves():
    recent = run(trailed_at=NOW - TRAIL_EVERY + timedelta(milliseconds=1))
    assert wanted_stop(TRAIL, recent, price=D(62000)) is None
    assert next_price(TRAIL, recent) is None
    assert wanted_stop(TRAIL, run(trailed_at=NOW - TRAIL_EVERY), price=D(62000)) is not None


@pytest.mark.parametrize(("r", "at"), [("0.5", 60300), ("1", 60600), ("2.5", 61500)])
def test_a_trader_may_say_at_how_much_profit_the_stop_breaks_even(r, at):
    rules = Management(break_even=True, break_even_r=D(r))
    assert next_price(rules, run()) == at
    assert wanted_stop(rules, run(), price=D(at) - D("0.01")) is None
    assert wanted_stop(rules, run(), price=D(at)).stop == break_even_stop(run())
    assert next_price(rules, mirrored()) == 120000 - at


def test_with_a_nearer_target_the_stop_breaks_even_there_where_that_comes_first():
    sooner = Management(break_even=True, targets=(PartTarget(D(60500), D("0.5")),))
    later = Management(break_even=True, targets=(PartTarget(D(61200), D("0.5")),))
    assert next_price(sooner, run()) == 60500
    assert next_price(later, run()) == 60900, "half way"


def test_a_stop_may_trail_by_percent_of_the_price():
    rules = Management(trail_percent=D(1))
    assert wanted_stop(rules, run(), price=D(61000)).stop == D(60390)
    first = next_price(rules, run())
    assert D("60151.52") < first < D("60151.53"), "1 % behind it lies a quarter R above the stop"
    above = wanted_stop(rules, mirrored(), price=D(59000))
    assert above.stop == D(59590)


def test_a_stop_may_trail_by_average_true_ranges_and_stays_where_none_is_known():
    by_range = Management(trail_atr=D(2))
    assert wanted_stop(by_range, run(), price=D(60600)).stop == D(60100)
    assert wanted_stop(by_range, run(atr=None), price=D(60600)) is None
    assert next_price(by_range, run(atr=None)) is None


def test_a_ratchet_lifts_the_stop_step_by_step():
    assert wanted_stop(STEPS, run(), price=D("60599.99")) is None
    assert wanted_stop(STEPS, run(), price=D(60600)).stop == D(60000)
    assert wanted_stop(STEPS, run(stop=D(60000)), price=D(61200)).stop == D(60600)


def test_of_several_rules_the_tightest_stop_counts():
    both = Management(break_even=True, ratchets=(Ratchet(D(1), D(0)),))
    assert wanted_stop(both, run(), price=D(60900)).why == "break_even"


def test_a_trader_who_moved_the_stop_further_is_not_undone():
    assert wanted_stop(EVEN, run(stop=D(60500)), price=D(60900)) is None


def test_after_a_refusal_by_the_exchange_no_rule_tries_for_five_minutes():
    refused = run(refused_at=NOW - AFTER_A_REFUSAL + timedelta(seconds=1))
    assert wanted_stop(EVEN, refused, price=D(61000)) is None
    assert wanted_stop(EVEN, run(refused_at=NOW - AFTER_A_REFUSAL), price=D(61000)) is not None


def test_the_waits_are_thirty_seconds_and_five_minutes():
    assert wanted_stop(TRAIL, run(trailed_at=NOW - timedelta(seconds=30)), price=D(62000))
    assert wanted_stop(TRAIL, run(refused_at=NOW - timedelta(minutes=5)), price=D(62000))


@pytest.mark.parametrize(("it", "stop"), [(run, "60121.19"), (mirrored, "59881.05")])
def test_off_the_tick_break_even_is_put_where_the_fees_are_still_paid(it, stop):
    assert break_even_stop(it(entry=D(60001))) == D(stop)


@pytest.mark.parametrize(
    ("it", "present", "price", "stop"),
    [(run, "60120.18", 60900, "60120.19"), (mirrored, "59880.07", 59100, "59880.06")],
)
def test_one_tick_tighter_is_tighter(it, present, price, stop):
    assert wanted_stop(EVEN, it(stop=D(present)), price=D(price)).stop == D(stop)


@pytest.mark.parametrize(
    ("it", "price", "stop"), [(run, 60600, "60199.99"), (mirrored, 59400, "59800.01")]
)
def test_off_the_tick_a_stop_stays_further_from_the_market(it, price, stop):
    """A third of R is 199.998."""
    third = Management(ratchets=(Ratchet(D(1), D("0.33333")),))
    behind = Management(trail_r=D("0.66667"))
    for rules in (third, behind):
        assert wanted_stop(rules, it(), price=D(price)).stop == D(stop)


@pytest.mark.parametrize(("it", "price"), [(run, 60900), (mirrored, 59100)])
def test_a_ratchet_step_may_lie_between_whole_r(it, price):
    assert next_price(Management(ratchets=(Ratchet(D("1.5"), D(0)),)), it()) == price


@pytest.mark.parametrize(
    ("it", "price", "stop"), [(run, 60900, "60120.54"), (mirrored, 59100, "59879.46")]
)
def test_of_two_stops_less_than_one_apart_the_tighter_counts(it, price, stop):
    both = Management(break_even=True, ratchets=(Ratchet(D(1), D("0.2009")),))
    wanted = wanted_stop(both, it(), price=D(price))
    assert (wanted.why, wanted.stop) == ("ratchet", D(stop))


@pytest.mark.parametrize(
    ("it", "target", "at", "half_way", "price"),
    [(run, "61801", "1.5", "60900.5", "60900"),
     (mirrored, "58200.5", "1.499", "59100.25", "59100.6")],
)  # fmt: skip
def test_of_two_prices_less_than_one_apart_the_nearer_is_waited_for(
    it, target, at, half_way, price
):
    here = it(target=D(target))
    assert next_price(EVEN, here) == D(half_way)
    both = Management(break_even=True, ratchets=(Ratchet(D(at), D(0)),))
    assert next_price(both, here) == D(price)
    first = Management(break_even=True, targets=(PartTarget(D(price), D("0.5")),))
    assert next_price(first, here) == D(price)


@pytest.mark.parametrize(
    ("it", "price", "stop"),
    [(run, "60151." + "52" * 27 + "6", "59550.01"),
     (mirrored, "59851." + "4752" * 13 + "475", "60449.99")],
)  # fmt: skip
def test_by_percent_the_price_waited_for_is_rounded_to_where_the_whole_step_is_there(
    it, price, stop
):
    """To 60 digits: 59550.01 / 0.99 upwards, 60449.99 / 1.01 downwards."""
    rules = Management(trail_percent=D(1))
    assert next_price(rules, it()) == D(price)
    assert wanted_stop(rules, it(), price=D(price)).stop == D(stop)


def test_the_time_stop_is_due_when_its_minutes_are_over():
    rules = Management(close_after_minutes=90)
    opened = NOW - timedelta(minutes=90)
    assert time_is_over(rules, opened_at=opened, now=NOW)
    assert not time_is_over(rules, opened_at=opened + timedelta(seconds=1), now=NOW)
    assert not time_is_over(Management(), opened_at=opened, now=NOW)
    assert not time_is_over(rules, opened_at=None, now=NOW)


multiples = st.decimals("0.25", "5", places=2)
trails = (
    st.just({})
    | st.builds(lambda r: {"trail_r": r}, multiples)
    | st.builds(lambda m, n: {"trail_atr": m, "atr_period": n}, multiples, st.integers(1, 99))
    | st.builds(lambda p: {"trail_percent": p}, st.decimals("0.1", "20", places=2))
)


@st.composite
def managements(draw) -> Management:
    ats = sorted(draw(st.sets(st.integers(1, 50), max_size=4)))
    even = draw(st.booleans())
    nearer = draw(st.lists(st.decimals("0.01", "0.49", places=2), max_size=2))
    return Management(
        break_even=even,
        break_even_r=draw(st.none() | multiples) if even else None,
        targets=tuple(PartTarget(D(61000 + n), share) for n, share in enumerate(nearer)),
        **draw(trails),
        ratchets=tuple(Ratchet(D(at), D(at) - D("0.5")) for at in ats),
        close_after_minutes=draw(st.none() | st.integers(1, 1000)),
    )


@given(rules=managements())
def test_rules_are_stored_and_read_back_the_same(rules):
    assert read(rules.as_dict()) == rules


@given(
    rules=managements(),
    price=st.decimals("59400.01", "70000", places=2),
    stop=st.decimals("59400", "69000", places=2),
    short=st.booleans(),
)
def test_a_rule_only_tightens_stays_on_the_tick_and_never_triggers_at_once(
    rules, price, stop, short
):
    it = mirrored(stop=D(120000) - stop) if short else run(stop=stop)
    price = D(120000) - price if short else price
    wanted = wanted_stop(rules, it, price=price)
    if wanted is None:
        return
    assert (wanted.stop - it.stop) * it.sign > 0
    assert (price - wanted.stop) * it.sign > 0
    assert is_on_tick(wanted.stop, it.tick)
    if wanted.why == "trailing":
        assert (wanted.stop - it.stop) * it.sign >= STEP_R * it.r


@given(rules=managements(), stop=st.decimals("59400", "69000", places=2), short=st.booleans())
def test_the_index_waits_for_the_first_price_at_which_a_rule_moves(rules, stop, short):
    """No price before it moves the stop; at it a rule does, unless the market must pass the new
    stop first."""
    it = mirrored(stop=D(120000) - stop) if short else run(stop=stop)
    price = next_price(rules, it)
    if price is None:
        return
    before = price - it.sign * it.tick
    if (before - it.stop) * it.sign > 0:
        assert wanted_stop(rules, it, price=before) is None
    if wanted_stop(rules, it, price=price) is None:
        # only a line that lies at or beyond the price that sets it off
        assert (price - break_even_stop(it)) * it.sign <= 0
