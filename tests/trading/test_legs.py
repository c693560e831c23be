"""The stop and target as the symbol takes them: the prices they name pass its filters."""

from dataclasses import replace
from decimal import Decimal

import pytest

from risk.symbols import PercentPrice
from tests.risk.builders import symbol
from trading import legs, plans

D = Decimal
MARKET_KINDS = {"STOP_LOSS", "TAKE_PROFIT"}


def limit_only(**changes):
    """A symbol that takes stops and targets only with a price."""
    known = symbol()
    named = (known.order_types - MARKET_KINDS) | {f"{kind}_LIMIT" for kind in MARKET_KINDS}
    return replace(known, order_types=frozenset(named), **changes)


def not_taken(of, stop="59400", target="64000", low="60000", high="60000"):
    found = {"stop": stop, "target": target, "low": low, "high": high}
    return legs.not_taken(of, **{name: D(price) for name, price in found.items()})


def test_a_stop_that_must_name_a_price_sells_down_to_a_hundredth_below_it():
    assert legs.stop_leg(limit_only(), D(59400)) == {
        "type": "STOP_LOSS_LIMIT", "stop_price": D(59400), "price": D(58806),
        "time_in_force": "GTC",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("down", "up", "named"),
    [
        ("0.9801", "1.1", ""),  # 60,000 * 0.9801 is what the stop sells at
        ("0.9802", "1.1", "The stop sells at 58806"),
        ("0.9", "1.0666", "The target sells at 64000"),
        ("0.9", "1.0667", ""),
    ],
)
def test_the_price_a_leg_names_lies_where_the_exchange_takes_sales(down, up, named):
    sides = PercentPrice(D(1), D(1), D(down), D(up))
    assert (not_taken(limit_only(percent_price=sides)) or "").startswith(named)
    assert bool(not_taken(limit_only(percent_price=sides))) is bool(named)
    assert not_taken(replace(symbol(), percent_price=sides)) is None, "a market leg names none"


def test_it_lies_there_at_whatever_average_the_exchange_may_have():
    sides = PercentPrice(D(1), D(1), D("0.9801"), D("1.0667"))
    assert "PERCENT_PRICE_BY_SIDE" in not_taken(limit_only(percent_price=sides), high="60001")
    assert "PERCENT_PRICE_BY_SIDE" in not_taken(limit_only(percent_price=sides), low="59998")


def test_it_lies_above_the_exchanges_lowest_price():
    assert not_taken(limit_only(min_price=D(58806))) is None
    assert "(PRICE_FILTER). Move it up." in not_taken(limit_only(min_price=D("58806.01")))


def test_a_plan_whose_stop_the_exchange_would_refuse_is_refused_with_the_way_out(
    floor, account, draw, monkeypatch
):
    known = plans.rules
    sides = PercentPrice(D("0.5"), D("1.5"), D("0.985"), D("1.5"))

    def changed(venue, name):
        found = known(venue, name)
        named = (found.order_types - MARKET_KINDS) | {f"{kind}_LIMIT" for kind in MARKET_KINDS}
        return replace(found, order_types=frozenset(named), percent_price=sides)

    monkeypatch.setattr(plans, "rules", changed)

    def off(drawing):
        judged = plans.judge(account, drawing, quote_of=floor.quote_of)
        return {v.code: v.message for v in judged.verdicts if not v.ok}.get("entry_kind", "")

    assert off(draw(stop="0.003")) == ""
    assert "Move it closer" in off(draw(stop="0.01"))
