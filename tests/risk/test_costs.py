"""What trading costs, and where the lines of a drawing may lie."""

import pytest

from risk.costs import Costs, NoStopDistance, PlanImpossible, WrongSide, check_sides, target_for
from tests.risk.builders import FREE, IN_COIN, IN_QUOTE, D, profit_at


def sides(direction="long", **lines):
    """Long: entry 100, stop 90, target 130. Short: stop 110, target 70."""
    long = direction == "long"
    sound = {"entry": "100", "stop": "90" if long else "110", "target": "130" if long else "70"}
    prices = {**sound, **lines}
    prices.setdefault("worst_entry", prices["entry"])
    check_sides(direction, **{name: D(price) for name, price in prices.items()})


def test_a_fee_may_be_nothing_and_at_most_a_tenth():
    assert (Costs(D(0), D("0.1")).entry, Costs(D("0.1"), D(0)).entry) == (0, D("0.1"))
    for rates in ((D("-0.0001"), D(0)), (D(0), D("0.1001")), (D(0), D("Infinity"))):
        with pytest.raises(ValueError, match=r"fee is .* Give a fraction from 0 to 0\.1"):
            Costs(*rates)


@pytest.mark.parametrize("slippage", ["-0.01", "NaN", "Infinity"])
def test_a_slippage_below_nothing_is_no_allowance(slippage):
    with pytest.raises(ValueError, match=r"slippage allowance is .* Give 0 or more"):
        Costs(D(0), D(0), slippage=D(slippage))


@pytest.mark.parametrize("line", ["entry", "worst_entry", "stop", "target"])
@pytest.mark.parametrize("price", ["0", "-1", "NaN", "Infinity"])
def test_a_line_at_no_price_is_named(line, price):
    with pytest.raises(PlanImpossible, match="Give a price above 0") as refused:
        sides(**{line: price})
    assert refused.value.field == line


@pytest.mark.parametrize(
    ("direction", "worst", "between"), [("long", "102", "101"), ("short", "98", "99")]
)
def test_a_stop_between_the_entry_and_its_worst_price_is_on_the_wrong_side(
    direction, worst, between
):
    sides(direction, worst_entry=worst)
    with pytest.raises(WrongSide, match="Move the stop") as refused:
        sides(direction, worst_entry=worst, stop=between)
    assert refused.value.field == "stop"
    for same in (worst, "100"):
        with pytest.raises(NoStopDistance, match="Move the stop"):
            sides(direction, worst_entry=worst, stop=same)


@pytest.mark.parametrize("direction", ["long", "short"])
def test_a_target_at_the_entry_wins_nothing(direction):
    with pytest.raises(WrongSide, match="Move the target"):
        sides(direction, target="100")


@pytest.mark.parametrize(("direction", "better"), [("long", "99"), ("short", "101")])
def test_the_worst_entry_is_never_better_than_the_entry(direction, better):
    with pytest.raises(WrongSide, match=f"Move the entry to {better}") as refused:
        sides(direction, worst_entry=better)
    assert refused.value.field == "entry"


# The nearest target that pays a ratio.


@pytest.mark.parametrize("costs", [FREE, IN_QUOTE, IN_COIN], ids=["free", "in quote", "in coin"])
@pytest.mark.parametrize(("direction", "stop"), [("long", "90"), ("short", "110")])
def test_the_nearest_target_pays_the_ratio_and_a_tick_closer_does_not(direction, stop, costs):
    away = D("0.01") if direction == "long" else D("-0.01")
    facts = {"direction": direction, "entry": D(100), "costs": costs}
    target = target_for(D(2), **facts, stop=D(stop), tick=D("0.01"))
    lost = -profit_at(D(stop), 1, **facts)
    assert profit_at(target - away, 1, **facts) < 2 * lost <= profit_at(target, 1, **facts)


def test_a_short_cannot_win_more_than_its_whole_price():
    def target(ratio):
        return target_for(
            D(ratio), direction="short", entry=D(100), stop=D(110), costs=FREE, tick=D("0.01")
        )

    assert (target("9.95"), target("9.999")) == (D("0.5"), D("0.01"))
    assert target("10") is None  # nothing is worth nothing
    assert target("11") is None
