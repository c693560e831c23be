"""A refusal by any rule can be read afterwards: its figures, its unit, and today's words for it."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.db import transaction
from rest_framework.test import APIClient

from risk.protocol import DEFAULTS, Book, Plan, TraderTotals
from risk.rules import RULES, check
from risk.symbols import PercentPrice
from tests.risk.builders import NOW, book, plan
from trading import decisions
from trading.breakers import lock_risk
from trading.drawing import Drawing
from trading.models import Decision
from trading.plan_facts import as_facts
from trading.plans import Judged, entry_kind, quote_age

D = Decimal
HOUR = timedelta(hours=1)
LATER = NOW + HOUR
LOST = {
    "equity": D(8000), "day_start_equity": D(10000), "week_start_equity": D(10000),
    "drawdown": D("0.2"), "heat": D(500), "open_risk": D(500), "pending_risk": D(100),
}  # fmt: skip
WORN = book(
    **LOST, cash=D(1), exposure=D(9000), losing_streak=3, streak_until=LATER, orders=300,
    stop_outs=4, stop_outs_until=LATER, symbol_cooldown_until=LATER, symbol_locked_until=LATER,
    setup_locked_until=LATER, trades_today=20, open_positions=8, positions_in_symbol=1,
    state="halted", state_reason="Tired.", reconciled=False, account_age=HOUR, order_room=0,
    clock_uncertainty=HOUR, exchange_breaker="open", trader=TraderTotals(**LOST),
)  # fmt: skip
CHECKED = replace(DEFAULTS, lock_losing_symbols=True, lock_losing_setups=True)
BIG = plan(budget="400", price="60500", quoted_price="60000", bid="59000", market_age=HOUR)
BIG = replace(BIG, worst_entry=D("60300"))
SMALL = plan(budget="10", price_range=PercentPrice(D(0), D(2), D("0.995"), D(2)))
WRONG = replace(
    plan(direction="short", entry="60000", stop="60300", target="59900"), stop=D("59999.99")
)
REFUSED = [(BIG, WORN), (SMALL, book()), (WRONG, book(half_size=True))]


@pytest.fixture
def http(alice) -> APIClient:
    client = APIClient()
    client.force_login(alice, "accounts.sign_in.PasswordBackend")
    return client


def written(account, the_plan: Plan, the_book: Book) -> Decision:
    drawing = Drawing(
        symbol=the_plan.symbol.name, side=the_plan.direction, entry=the_plan.entry,
        stop=the_plan.stop, target=the_plan.target, quoted_at=NOW - HOUR,
    )  # fmt: skip
    judged = Judged(
        plan=the_plan, kind="now", book=the_book, terms=SimpleNamespace(limits=CHECKED),
        verdicts=(
            *check(the_plan, the_book, CHECKED), entry_kind(the_plan, "now"),
            quote_age(drawing, now=NOW),
        ),
        quote=None, stakes=(),
    )  # fmt: skip
    with transaction.atomic():
        lock_risk(account.pk)
        return decisions.record(account.pk, "refused", as_facts(judged, drawing))


def test_the_refusals_below_are_by_every_rule():
    broken = {v.code for each in REFUSED for v in check(*each, CHECKED) if not v.ok}
    assert {v.code for v in check(plan(), book(), CHECKED)} == broken
    assert len(broken) == len(RULES)


@pytest.mark.parametrize("refused", REFUSED, ids=["worn", "small", "wrong"])
def test_a_refusal_by_any_rule_keeps_its_units_and_is_judged_the_same_again(http, account, refused):
    found = written(account, *refused)
    said = http.get(f"/api/v1/decisions/{found.pk}").json()
    told = {v.code: v for v in check(*refused, CHECKED)}
    for each in said["verdicts"]:
        assert isinstance(each["unit"], str), each
        if each["code"] in told:
            assert each["unit"] == told[each["code"]].unit
    assert said["replay"]["same"] is True, said["replay"]["differences"]
    assert said["intact"] is True
    assert "sha256" not in said["reading"]
    assert "{" not in said["reading"]


def test_a_fraction_is_read_as_a_percentage_of_what_it_is_a_part_of(http, account):
    found = written(account, plan(), book(drawdown=D("0.125"), losing_streak=3, streak_until=LATER))
    said = http.get("/api/v1/decisions", {"account": str(account.pk)}).json()["results"][0]
    assert said["id"] == str(found.pk)
    assert "drawdown (measured 12.5 % of the peak, limit 10 % of the peak)" in said["reading"]
    assert "losing streak (measured 3 losses in a row" in said["reading"]
