"""A trader's own limits: stricter at once, laxer only after a night, and never by staff."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction

from risk.limits import CAPS, DEFAULTS, PRESETS, TIGHTER
from risk.models import PendingChange
from testudo import clock
from testudo.events.models import OutboxEvent
from trading import limits, orders
from trading.actors import Actor
from trading.limit_values import LimitRefused, as_text, from_text
from trading.models import AccountRisk, Decision

ALICE, STAFF = Actor("trader"), Actor("admin")
D = Decimal
DAY = timedelta(days=1)


def ask(account, **wanted):
    return limits.ask(account, wanted, by=ALICE)


def now_of(account):
    return limits.profile_of(account.pk).limits()


def wait(floor, by=DAY):
    floor.moment.advance(by)
    return clock.now()


def apply(floor, account):
    return limits.apply_due(account, clock.now(), quote_of=floor.quote_of)


def last_facts(account, kind="limit_changed"):
    last = Decision.objects.filter(account=account, kind=kind).order_by("-number").first()
    return json.loads(last.payload)


def test_a_stricter_limit_acts_at_once(account):
    done = ask(account, max_risk=D("0.005"), symbol_cooldown_minutes=60)
    assert done.tightened == ("max_risk", "symbol_cooldown_minutes")
    assert now_of(account).max_risk == D("0.005")
    assert now_of(account).symbol_cooldown_minutes == 60
    assert not done.pending


def test_a_laxer_limit_waits_and_says_since_when(account):
    (pending,) = ask(account, max_risk=D("0.02")).pending
    assert now_of(account).max_risk == DEFAULTS.max_risk
    assert (pending.from_value, pending.to_value) == ("0.01", "0.02")
    assert pending.earliest_at == clock.now() + DAY  # later than the next reset


def test_a_wish_of_both_kinds_takes_the_stricter_part_at_once(account):
    done = ask(account, max_heat=D("0.02"), max_positions=8)
    assert done.tightened == ("max_heat",)
    assert [each.name for each in done.pending] == ["max_positions"]


def test_every_limit_can_be_tightened_and_loosened(account, floor):
    for name, (least, most) in CAPS.items():
        strict, lax = (least, most) if TIGHTER[name] == "lower" else (most, least)
        ask(account, **{name: strict})
        assert getattr(now_of(account), name) == strict, name
        ask(account, **{name: lax})
        assert getattr(now_of(account), name) == strict, name
    wait(floor)
    assert {each.name for each in apply(floor, account)} == set(CAPS)
    for name, (least, most) in CAPS.items():
        assert getattr(now_of(account), name) == (most if TIGHTER[name] == "lower" else least)


def test_it_takes_effect_after_24_hours_and_the_next_reset_and_only_once(account, floor):
    ask(account, max_risk=D("0.02"))
    wait(floor, DAY - timedelta(seconds=1))
    assert apply(floor, account) == []
    wait(floor, timedelta(seconds=1))
    assert [each.name for each in apply(floor, account)] == ["max_risk"]
    assert now_of(account).max_risk == D("0.02")
    assert apply(floor, account) == []
    assert last_facts(account)["what"] == "effective"
    assert last_facts(account)["by"] == "rule"


def test_a_day_of_25_hours_delays_it_to_its_end(account, floor):
    """On 25 October 2026 Berlin's day has 25 hours: the reset is the later of the two."""
    account.reset_zone = "Europe/Berlin"
    account.save()
    floor.moment.moment = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)  # midnight in Berlin
    (pending,) = ask(account, max_risk=D("0.02")).pending
    assert pending.earliest_at == datetime(2026, 10, 25, 23, 0, tzinfo=UTC)
    floor.moment.moment = datetime(2026, 10, 25, 22, 30, tzinfo=UTC)
    assert apply(floor, account) == []


def test_an_open_trade_holds_it_back(account, floor, draw):
    trade = orders.place_trade(account, draw(), quote_of=floor.quote_of)
    ask(account, max_risk=D("0.02"))
    wait(floor)
    assert apply(floor, account) == []
    assert PendingChange.objects.open().count() == 1
    orders.request_cancel(trade.pk)
    floor.turn(account)
    assert [each.name for each in apply(floor, account)] == ["max_risk"]


def test_a_drawdown_above_half_its_limit_holds_it_back(account, floor):
    ask(account, max_risk=D("0.02"))
    wait(floor)
    risk = AccountRisk.objects.get(account=account)
    risk.units, risk.peak_nav = D("100"), D("106")  # equity 10,000 is a NAV of 100: 5.66 % below
    risk.save()
    assert apply(floor, account) == []
    risk.peak_nav = D("105")  # 4.76 %
    risk.save()
    assert len(apply(floor, account)) == 1


def test_tightening_ends_what_waits(account, floor):
    ask(account, max_risk=D("0.02"))
    done = ask(account, max_risk=D("0.005"))
    assert not done.pending
    wait(floor)
    assert apply(floor, account) == []
    assert now_of(account).max_risk == D("0.005")


def test_a_smaller_wish_lowers_what_waits_without_starting_its_clock_anew(account, floor):
    (first,) = ask(account, max_risk=D("0.03")).pending
    wait(floor, timedelta(hours=10))
    (second,) = ask(account, max_risk=D("0.02")).pending
    assert (second.to_value, second.earliest_at) == ("0.02", first.earliest_at)


def test_a_greater_wish_starts_its_clock_anew(account, floor):
    (first,) = ask(account, max_risk=D("0.02")).pending
    wait(floor, timedelta(hours=10))
    (second,) = ask(account, max_risk=D("0.03")).pending
    assert second.earliest_at == first.earliest_at + timedelta(hours=10)
    assert PendingChange.objects.open().count() == 1


def test_asking_twice_changes_and_records_nothing_more(account):
    ask(account, max_risk=D("0.02"), max_heat=D("0.02"))
    before = (Decision.objects.count(), PendingChange.objects.count())
    ask(account, max_risk=D("0.02"), max_heat=D("0.02"))
    assert (Decision.objects.count(), PendingChange.objects.count()) == before


def test_a_pending_loosening_can_be_taken_back(account, floor):
    (pending,) = ask(account, max_risk=D("0.02")).pending
    limits.withdraw(account, pending.pk, by=ALICE)
    wait(floor)
    assert apply(floor, account) == []
    with pytest.raises(limits.NoSuchChange):
        limits.withdraw(account, pending.pk, by=ALICE)


def test_each_step_is_a_decision_and_an_event(account, floor):
    (pending,) = ask(account, max_risk=D("0.02"), max_heat=D("0.02")).pending
    limits.withdraw(account, pending.pk, by=ALICE)
    kinds = [json.loads(each.payload)["what"] for each in Decision.objects.order_by("number")]
    assert kinds == ["tightened", "asked", "withdrawn"]
    told = OutboxEvent.objects.filter(name="trading.limit_changed").order_by("pk")
    assert [each.payload["what"] for each in told] == kinds
    assert "Risk per trade from 1 %" in told.last().payload["text"]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("max_risk", D("0.07"), "0.0001 to 0.06"),
        ("max_risk", D("NaN"), "0.0001 to 0.06"),
        ("max_risk", 1, "Decimal"),
        ("max_positions", True, "int"),
        ("max_positions", 9, "1 to 8"),
        ("max_drawdown", D("0.11"), "0.0001 to 0.1"),
        ("leverage", D(2), "No such limit"),
        ("reset_zone", "Mars/Olympus", "Europe/Berlin"),
    ],
)
def test_what_the_protocol_does_not_allow_is_refused_whole(account, name, value, says):
    with pytest.raises(LimitRefused, match=says):
        limits.ask(account, {"max_heat": D("0.02"), name: value}, by=ALICE)
    assert now_of(account) == DEFAULTS
    assert not Decision.objects.exists()


def test_staff_may_tighten_and_never_loosen(account):
    limits.tighten(account, {"max_risk": D("0.004")}, by=STAFF)
    assert now_of(account).max_risk == D("0.004")
    assert last_facts(account)["by"] == "admin"
    for wanted in ({"max_risk": D("0.005")}, {"max_heat": D("0.02"), "max_positions": 6}):
        with pytest.raises(limits.LoosenRefused, match="Only the trader"):
            limits.tighten(account, wanted, by=STAFF)
    with pytest.raises(limits.LoosenRefused):
        limits.tighten(account, {"reset_zone": "Asia/Tokyo"}, by=STAFF)
    assert now_of(account).max_heat == DEFAULTS.max_heat
    assert not PendingChange.objects.exists()


def test_the_conservative_preset_is_stricter_everywhere_and_so_acts_at_once(account):
    wanted = {name: getattr(PRESETS["conservative"], name) for name in CAPS}
    assert not limits.ask(account, wanted, by=ALICE).pending
    assert limits.profile_of(account.pk).preset == "conservative"
    back = limits.ask(account, {n: getattr(DEFAULTS, n) for n in CAPS}, by=ALICE)
    assert {each.name for each in back.pending} == {
        name for name in CAPS if getattr(PRESETS["conservative"], name) != getattr(DEFAULTS, name)
    }


def test_the_reset_zone_waits_in_either_direction_and_refreshes_no_days_limit(account, floor):
    """Whatever the hour it is tried, nothing counted today may drop out of the day."""
    risk = AccountRisk.objects.get(account=account)
    risk.day, risk.day_start_equity = clock.now().date(), D("12345")
    risk.save()
    (pending,) = ask(account, reset_zone="Asia/Tokyo").pending
    floor.moment.moment = pending.earliest_at.replace(hour=20)  # 05:00 of the next day in Tokyo
    assert apply(floor, account) == [], "Tokyo's day began at 15:00, after this one"
    floor.moment.moment = (pending.earliest_at + DAY).replace(hour=3)
    assert [each.name for each in apply(floor, account)] == ["reset_zone"]
    account.refresh_from_db()
    assert account.reset_zone == "Asia/Tokyo"
    risk.refresh_from_db()
    assert risk.day_start_equity == D("12345")
    assert risk.day == clock.now().astimezone(ZoneInfo("Asia/Tokyo")).date()


def test_the_database_keeps_one_open_change_per_limit_that_ends_once(account):
    (pending,) = ask(account, max_risk=D("0.02")).pending
    with pytest.raises(IntegrityError, match="one_open_change_per_limit"), transaction.atomic():
        PendingChange.objects.create(
            account_id=account.pk, name="max_risk", from_value="0.01", to_value="0.03",
            asked_at=clock.now(), earliest_at=clock.now() + DAY,
        )  # fmt: skip
    rows = PendingChange.objects.filter(pk=pending.pk)
    for wrong, name in (
        ({"withdrawn_at": clock.now(), "effective_at": pending.earliest_at}, "ends_once"),
        ({"effective_at": clock.now()}, "waits"),
        ({"name": "leverage"}, "name_known"),
    ):
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            rows.update(**wrong)


@pytest.mark.parametrize("name", list(CAPS))
def test_a_value_stored_as_text_reads_back_as_it_was(name):
    for value in (*CAPS[name], getattr(DEFAULTS, name)):
        back = from_text(name, as_text(value))
        assert (back, type(back)) == (value, type(value))
