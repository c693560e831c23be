"""Sizing against hand-computed cases: published examples and documented filters, each cited."""

from dataclasses import fields
from decimal import Decimal

import pytest

from risk import ceilings, sizing
from risk.costs import Costs
from risk.size_models import Range, SizeModel, average_true_range, wanted_quantity
from risk.symbols import UNLIMITED, Symbol
from tests.risk.builders import D, symbol
from tests.risk.published_cases import Case
from tests.risk.published_models import CASES

OPEN = {
    "min_quantity": D(0), "max_quantity": UNLIMITED, "market_min_quantity": D(0),
    "market_max_quantity": UNLIMITED, "min_notional": D(0), "max_notional": None,
    "tick": D("1E-8"),
}  # fmt: skip
MONEY = {"money", "sum", "unit", "volatility_fraction", "atr_multiple"}


def size_of(case: Case) -> sizing.Sizing:
    entry, stop = D(case.entry), D(case.stop)
    costs = Costs(
        D(case.fees[0]),
        D(case.fees[1]),
        slippage=D(case.slippage),
        fee_in_base=case.fee_in == "coin",
        fee_in_bnb=case.fee_in == "bnb",
    )
    amounts = {name: D(v) if isinstance(v, str) else v for name, v in case.filters.items()}
    rules = symbol(**{**OPEN, "step": D(case.step), "market_step": D(case.step), **amounts})
    model = SizeModel(**{name: D(v) if name in MONEY else v for name, v in case.model.items()})
    wanted = wanted_quantity(
        model,
        direction=case.direction,
        entry=entry,
        stop=stop,
        equity=D(case.equity),
        risk_fraction=D("0.01"),
        costs=costs,
        atr=D(case.atr) if case.atr else None,
    )
    return sizing.size(
        direction=case.direction,
        entry=entry,
        worst_entry=entry,
        stop=stop,
        target=entry + 3 * (entry - stop),
        budget=D(case.budget),
        cash=D(case.cash),
        costs=costs,
        symbol=rules,
        position=D(case.position),
        model=model.name,
        wanted=wanted,
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.source[:40]}: {case.sum[:40]}")
def test_the_size_is_the_one_computed_by_hand(case):
    given = size_of(case)
    assert given.quantity == D(case.expected), case.sum
    assert given.worst_loss <= D(case.budget)
    assert given.model == case.model.get("name", "percent_risk")
    if case.bound:
        assert given.bound == case.bound
    assert (given.unplaceable.filter if given.unplaceable else None) == case.broken


def test_there_are_at_least_forty_cases_and_each_names_its_source():
    assert len(CASES) >= 40
    assert all(case.source and case.sum for case in CASES)
    assert {name.name for name in fields(Symbol)} >= {key for c in CASES for key in c.filters}


# Kelly and optimal f: results repeated until they carry a ceiling at all.


@pytest.mark.parametrize(
    ("source", "wins", "losses", "payoff", "fraction"),
    [
        ("Wikipedia, Kelly criterion: 60 % at even odds stakes 20 %", 60, 40, "1", "0.2"),
        ("deltax.trade, The Kelly Criterion: half the time, two to one", 20, 20, "2", "0.25"),
        ("deltax.trade, The Kelly Criterion: 40 %, two to one", 100, 150, "2", "0.1"),
    ],
)
def test_kelly_is_the_published_fraction(source, wins, losses, payoff, fraction):
    results = [D(payoff)] * wins + [D(-1)] * losses
    assert ceilings.kelly(results) == D(fraction), source
    assert ceilings.ceiling_fraction("half_kelly", results) == D(fraction) / 2
    assert ceilings.ceiling_fraction("quarter_kelly", results) == D(fraction) / 4


@pytest.mark.parametrize("loss", ["1", "2"])
def test_vinces_two_to_one_coin_has_an_optimal_f_of_a_quarter(loss):
    """Vince, Portfolio Management Formulas, 1990: win 2 or lose 1, optimal f 0.25; where the worst
    loss is 2R, a quarter of equity lost on it means an eighth risked on one R."""
    results = [2 * D(loss), -D(loss)] * 20
    found = ceilings.optimal_f(results)
    assert abs(found - D("0.25") / D(loss)) < D("1e-7")


def test_vinces_nine_trades_have_an_optimal_f_of_0_24():
    """Vince, The Mathematics of Money Management, 1992: +9 +18 +7 +1 +10 -5 -3 -17 -7."""
    results = [D(each) for each in (9, 18, 7, 1, 10, -5, -3, -17, -7)] * 22
    found = ceilings.optimal_f(results) * 17
    assert found.quantize(D("0.01")) == D("0.24")


def test_the_average_true_range_is_wilders():
    """Wilder 1978: the first average is plain; then (before * 13 + now) / 14. True ranges as in
    Wikipedia's formula, gaps up and down included. By hand: ranges 2, 3 (gap up), 4 (gap down)."""
    candles = [
        Range(D(11), D(9), D(10)),
        Range(D(11), D(9), D(11)),  # 2
        Range(D(14), D(12), D(13)),  # 14 - 11 = 3
        Range(D(12), D(9), D(10)),  # 13 - 9 = 4
    ]
    assert average_true_range(candles[:3], 2) == D("2.5")
    assert average_true_range(candles, 2) == D("3.25")  # (2.5 + 4) / 2
    assert average_true_range(candles, 3) == D(3)
    with pytest.raises(ValueError, match="5 candles are needed"):
        average_true_range(candles, 4)


def test_a_third_of_a_tick_is_kept_to_eighteen_places():
    candles = [Range(D(2), D(1), D("1.5"))] * 2 + [Range(D(3), D(1), D(2))] * 2
    assert average_true_range(candles, 3) == Decimal("1.666666666666666667")
