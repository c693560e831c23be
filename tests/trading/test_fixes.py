"""Ways out of a refused plan: found by the rules, worded for the trader, and they work."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from risk.rules import may_proceed
from trading import orders
from trading.fixes import ways_out
from trading.plans import judge

pytestmark = pytest.mark.django_db


def look(floor, account, drawing):
    judged = judge(account, drawing, quote_of=floor.quote_of)
    found = ways_out(account, drawing, judged, quote_of=floor.quote_of)
    return judged, {each.lever: each for each in found}


@pytest.mark.parametrize(
    ("changes", "lever"),
    [
        ({"risk_fraction": Decimal("0.018")}, "size"),
        ({"target": "0.02"}, "target"),
        ({"target": "0.02"}, "stop"),
        ({"risk_fraction": Decimal("0.018"), "target": "0.02"}, "size_and_target"),
    ],
)
def test_what_is_suggested_is_accepted_when_placed(floor, account, draw, changes, lever):
    drawing = draw(**changes)
    judged, found = look(floor, account, drawing)
    assert not may_proceed(judged.verdicts, acknowledged=frozenset())
    redrawn = replace(drawing, **found[lever].changes)
    assert orders.place_trade(account, redrawn, quote_of=floor.quote_of).state == "approved"


def test_a_suggestion_says_what_the_plan_would_be(floor, account, draw):
    _, found = look(floor, account, draw(risk_fraction=Decimal("0.018")))
    assert found["size"].title == "Risk 1 %"
    assert "BTC, at most " in found["size"].text
    assert found["size"].text.endswith(" R.")


def test_too_many_trades_today_names_the_reset_to_wait_for(floor, account, draw, settings):
    drawing = draw()
    judged = judge(account, drawing, quote_of=floor.quote_of)
    spent = replace(judged, book=replace(judged.book, trades_today=10))
    found = ways_out(account, drawing, spent, quote_of=floor.quote_of)
    assert [each.lever for each in found] == ["wait"]
    assert found[0].until == judged.book.day_ends_at
    assert found[0].text == "The day's limits start anew then."


def test_a_second_trade_in_the_symbol_names_the_one_to_close_first(floor, account, draw):
    placed = orders.place_trade(account, draw(), quote_of=floor.quote_of)
    _, found = look(floor, account, draw())
    assert found["close"].close == placed.pk
    assert found["close"].title == "Withdraw the entry in BTCUSDT"
    assert found["close"].changes == {}


def test_an_old_drawing_is_not_answered_with_lines_to_move(floor, account, draw):
    drawing = draw()
    floor.advance(timedelta(seconds=15))
    floor.turn(account)
    judged, found = look(floor, account, drawing)
    assert "quote_age" in {verdict.code for verdict in judged.verdicts if not verdict.ok}
    assert not found
