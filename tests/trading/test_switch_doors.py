"""The switch over all accounts, and flattening: in the API and in the admin site, for whom, how."""

import json
import threading
from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from tests.trading.risky import opened
from trading import flattening, global_halt, halts, orders
from trading.actors import Actor
from trading.api import accounts, switches
from trading.models import Decision, GlobalHalt, Order, Trade, Venue
from trading.order_states import TradeState

BACKEND = "accounts.sign_in.PasswordBackend"
PASSWORD = "a long password"
GLOBAL = reverse("admin:trading_globalhalt_changelist")
ACCOUNTS = reverse("admin:trading_accountrisk_changelist")
OPERATOR = Actor("operator")
WIDE = {"stop": "0.03", "target": "0.1"}  # two of these fit beside each other


@pytest.fixture(autouse=True)
def _prices(floor, monkeypatch):
    for view in (accounts.AccountRiskView, switches.ResumeView):
        monkeypatch.setattr(view, "quote_of", staticmethod(floor.quote_of))


def person(django_user_model, name, **fields):
    return django_user_model.objects.create_user(name, f"{name}@example.com", PASSWORD, **fields)


def signed_in(user, kind=APIClient):
    client = kind()
    client.force_login(user, BACKEND)
    return client


@pytest.fixture
def boss(django_user_model):
    return person(django_user_model, "boss", role="admin")


@pytest.fixture
def chief(django_user_model):
    return person(django_user_model, "chief", role="admin")


@pytest.fixture
def desk(boss):
    """The admin site, as boss sees it."""
    return signed_in(boss, Client)


def prove(client):
    assert client.post("/api/v1/step-up", {"password": PASSWORD}, format="json").status_code == 204


def post(client, address, **body):
    return client.post(f"/api/v1/{address}", body, format="json")


def act(client, page, action, *rows, **typed):
    """An action of the admin site, with what was typed beside it. Returns what it said."""
    answer = client.post(page, {"action": action, "_selected_action": rows, **typed})
    assert answer.status_code == 302
    return " ".join(str(each) for each in get_messages(answer.wsgi_request))


def reread(trade):
    trade.refresh_from_db()
    return trade


def test_an_admin_halts_all_trading_over_the_api_without_a_password(boss, account, floor, draw):
    answer = post(signed_in(boss), "halt", reason="the exchange reports trouble")
    assert answer.status_code == 200
    assert answer.json()["halted"] is True
    assert (answer.json()["withdrawn"], answer.json()["closing"]) == (0, 0)
    assert answer.json()["reason"] == "the exchange reports trouble"
    with pytest.raises(orders.PlanRefused, match="exchange reports trouble"):
        orders.place_trade(account, draw(), quote_of=floor.quote_of)


@pytest.mark.parametrize("role", ["trader", "support"])
def test_the_switch_over_all_accounts_is_for_admins(django_user_model, role, db):
    client = signed_in(person(django_user_model, "somebody", role=role))
    prove(client)
    answers = [
        client.get("/api/v1/halt"),
        post(client, "halt", reason="x"),
        post(client, "resume", reason="x"),
    ]
    assert [(each.status_code, each.json()["code"]) for each in answers] == [
        (403, "admins_only")
    ] * 3
    assert not global_halt.read().halted


def test_visitors_are_asked_to_sign_in_first(db):
    assert post(APIClient(), "halt", reason="x").status_code == 401
    assert not global_halt.read().halted


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "reason"), ({"reason": " "}, "reason"), ({"reason": "x" * 201}, "reason"),
     ({"reason": "x", "flatten": "yes"}, "flatten"), ({"reason": "x", "account": "1"}, "account")],
)  # fmt: skip
def test_a_malformed_halt_of_all_is_refused_by_field(boss, body, field):
    answer = post(signed_in(boss), "halt", **body)
    assert answer.status_code == 400
    assert [each["field"] for each in answer.json()["errors"]] == [field]
    assert not global_halt.read().halted


def test_halting_all_withdraws_entries_and_closes_trades_when_asked(
    boss, chief, account, floor, draw
):
    held = opened(floor, account, draw(**WIDE))
    waits = orders.place_trade(account, draw("ETHUSDT", **WIDE), quote_of=floor.quote_of)
    client = signed_in(boss)
    answer = post(client, "halt", reason="trouble", cancel_entries=True)
    assert (answer.json()["withdrawn"], answer.json()["closing"]) == (1, 0)
    floor.turn(account)
    assert reread(waits).state == TradeState.CANCELED
    assert reread(held).state == TradeState.OPEN
    assert post(client, "halt", reason="worse", flatten=True).json()["closing"] == 1
    floor.follow(reread(held), step=timedelta(seconds=1), at_most=timedelta(minutes=1))
    assert held.state == TradeState.CLOSED
    kinds = list(Decision.objects.order_by("number").values_list("kind", flat=True))
    assert kinds == ["placed", "placed", "halted", "flattened", "flattened"]
    record = json.loads(Decision.objects.get(number=5).payload)
    assert (record["by"], record["by_user"]) == ("admin", str(boss.pk))
    assert (record["scope"], record["closing"]) == ("global", 1)


def test_flattening_live_accounts_over_the_api_is_said_twice(boss, account):
    type(account).objects.filter(pk=account.pk).update(venue=Venue.BINANCE)
    client = signed_in(boss)
    answer = post(client, "halt", reason="x", flatten=True)
    assert (answer.status_code, answer.json()["code"]) == (409, "live_needs_yes")
    assert "yes_live: true" in answer.json()["detail"]
    assert not global_halt.read().halted
    assert post(client, "halt", reason="x", flatten=True, yes_live=True).status_code == 200
    assert global_halt.read().halted


def test_two_admins_with_their_passwords_put_all_trading_back_over_the_api(boss, chief):
    global_halt.halt_all(reason="trouble", by=OPERATOR)
    first, second = signed_in(boss), signed_in(chief)
    assert post(first, "resume", reason="over").json()["code"] == "step_up_required"
    prove(first)
    asked = post(first, "resume", reason="over")
    assert asked.status_code == 202
    assert asked.json()["halted"] is True
    assert asked.json()["release"]["by_you"] is True
    assert "second admin" in asked.json()["release"]["waits"]
    assert post(first, "resume", reason="over, really").status_code == 202
    seen = second.get("/api/v1/halt").json()
    assert (seen["release"]["by_you"], seen["release"]["waits"]) == (False, "")
    prove(second)
    answer = post(second, "resume", reason="agreed")
    assert (answer.status_code, answer.json()["halted"]) == (200, False)
    assert not global_halt.read().halted


def test_the_switch_reads_as_it_stands(boss, floor):
    client = signed_in(boss)
    never = client.get("/api/v1/halt").json()
    assert (never["halted"], never["since"], never["release"]) == (False, None, None)
    global_halt.halt_all(reason="trouble", by=OPERATOR)
    global_halt.resume_all(reason="over", by=Actor("admin", boss.pk))
    assert "only admin" in client.get("/api/v1/halt").json()["release"]["waits"]
    floor.moment.advance(timedelta(hours=24, seconds=1))
    stale = client.get("/api/v1/halt").json()
    assert (stale["halted"], stale["release"]) == (True, None), "what was asked a day ago is over"


def test_one_trade_that_somebody_holds_keeps_none_of_the_others_from_closing(
    floor, account, draw, monkeypatch
):
    from django.db import OperationalError
    from psycopg2.errors import LockNotAvailable

    held = opened(floor, account, draw(**WIDE))
    other = opened(floor, account, draw("ETHUSDT", **WIDE))
    ask = orders.request_close

    def busy(trade_id):
        if trade_id == held.pk:
            raise OperationalError("timeout") from _with_code(LockNotAvailable)
        return ask(trade_id)

    monkeypatch.setattr(orders, "request_close", busy)
    left = flattening.stop_all(reason="trouble", by=OPERATOR, flatten=True)
    assert (left.closing, left.busy) == (1, 1)
    assert reread(other).close_requested_at is not None
    assert reread(held).close_requested_at is None
    monkeypatch.setattr(orders, "request_close", ask)
    assert flattening.stop_all(reason="trouble", by=OPERATOR, flatten=True).busy == 0
    assert reread(held).close_requested_at is not None


def _with_code(kind):
    """As psycopg2 raises it: `pgcode` is read-only, and the server's to set."""

    class Coded(kind):
        pgcode = "55P03"

    return Coded("canceling statement due to lock timeout")


@pytest.mark.django_db(transaction=True)
def test_an_account_row_that_is_held_neither_stops_the_halt_nor_loses_its_note(
    django_user_model, floor
):
    alice = person(django_user_model, "alice")
    account = floor.open_account(alice, name="Held", balances={"USDT": "1000"})
    others = floor.open_account(alice, name="Free", balances={"USDT": "1000"})
    holds, done = threading.Event(), threading.Event()

    def hold():
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                row = "SELECT 1 FROM trading_accountrisk WHERE account_id = %s FOR UPDATE"
                cursor.execute(row, [account.pk])
                holds.set()
                done.wait(30)
        finally:
            connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert holds.wait(10)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '100ms'")
    try:
        assert global_halt.halt_all(reason="trouble", by=OPERATOR) is True
        assert GlobalHalt.objects.get().halted
        assert [each.account_id for each in Decision.objects.all()] == [others.pk]
    finally:
        done.set()
        holder.join(10)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '2s'")


def test_a_trader_flattens_their_own_account_and_no_other(account, alice, floor, draw, chief):
    trade = opened(floor, account, draw())
    mallory = signed_in(chief)  # an admin, too, has no door to another's account
    address = f"accounts/{account.pk}/flatten"
    assert post(mallory, address, reason="x").status_code == 404
    assert post(signed_in(alice), address).status_code == 400
    answer = post(signed_in(alice), address, reason="leaving")
    assert (answer.status_code, answer.json()["state"]) == (200, "halted")
    floor.follow(reread(trade), step=timedelta(seconds=1), at_most=timedelta(minutes=1))
    assert trade.state == TradeState.CLOSED


def test_flattening_twice_closes_once(account, alice, floor, draw):
    trade = opened(floor, account, draw())
    for _ in range(2):
        assert post(signed_in(alice), f"accounts/{account.pk}/flatten", reason="x").status_code
    floor.follow(reread(trade), step=timedelta(seconds=1), at_most=timedelta(minutes=1))
    assert trade.orders.filter(leg="exit").count() == 1


def test_an_admin_pulls_the_switch_over_all_accounts_in_the_admin_site(desk, boss, account):
    assert "All trading" in desk.get(GLOBAL).content.decode()
    said = act(desk, GLOBAL, "halt_all", "1", reason="the exchange reports trouble")
    assert "All trading is halted" in said
    row = GlobalHalt.objects.get()
    assert (row.halted, row.reason, row.by_user_id) == (
        True, "the exchange reports trouble", boss.pk,
    )  # fmt: skip


def test_closing_every_position_in_the_admin_site_takes_a_reason_and_a_tick(
    desk, account, floor, draw
):
    trade = opened(floor, account, draw())
    desk.get(GLOBAL)
    assert "Give a reason" in act(desk, GLOBAL, "flatten_all", "1", sure="on")
    assert "I mean it" in act(desk, GLOBAL, "flatten_all", "1", reason="trouble")
    assert not global_halt.read().halted
    said = act(desk, GLOBAL, "flatten_all", "1", reason="trouble", sure="on")
    assert "1 trades closing" in said
    floor.follow(reread(trade), step=timedelta(seconds=1), at_most=timedelta(minutes=1))
    assert trade.state == TradeState.CLOSED


def test_putting_it_back_in_the_admin_site_takes_each_admins_password(desk, boss, chief):
    desk.get(GLOBAL)
    global_halt.halt_all(reason="trouble", by=OPERATOR)
    assert "not your password" in act(desk, GLOBAL, "resume_all", "1", reason="over")
    wrong = act(desk, GLOBAL, "resume_all", "1", reason="over", password="guess")
    assert "not your password" in wrong
    assert GlobalHalt.objects.get().release_asked_at is None
    said = act(desk, GLOBAL, "resume_all", "1", reason="over", password=PASSWORD)
    assert "second admin" in said
    second = signed_in(chief, Client)
    said = act(second, GLOBAL, "resume_all", "1", reason="agreed", password=PASSWORD)
    assert said == "Trading goes on."
    assert not global_halt.read().halted


def test_support_sees_the_switches_and_cannot_pull_them(django_user_model, account):
    helper = signed_in(person(django_user_model, "helper", role="support"), Client)
    page = helper.get(GLOBAL)
    assert page.status_code == 200
    assert "halt_all" not in page.content.decode()
    for page, action, row in [(GLOBAL, "flatten_all", "1"), (ACCOUNTS, "flatten", account.pk)]:
        helper.post(
            page, {"action": action, "_selected_action": [row], "reason": "x", "sure": "on"}
        )
    assert not global_halt.read().halted
    account.accountrisk.refresh_from_db()
    assert account.accountrisk.state == "active"


def test_an_admin_flattens_one_account_and_the_log_says_who(desk, boss, account, floor, draw):
    trade = opened(floor, account, draw())
    said = act(desk, ACCOUNTS, "flatten", str(account.pk), reason="the trader asked", sure="on")
    assert "1 trades closing" in said
    floor.follow(reread(trade), step=timedelta(seconds=1), at_most=timedelta(minutes=1))
    assert trade.state == TradeState.CLOSED
    record = json.loads(Decision.objects.get(kind="flattened").payload)
    assert (record["by"], record["by_user"], record["closing"]) == ("admin", str(boss.pk), 1)


def test_an_admin_takes_back_staffs_halt_with_a_password_and_never_the_traders(
    desk, account, alice
):
    act(desk, ACCOUNTS, "halt", str(account.pk), reason="looking into it")
    resume = (ACCOUNTS, "resume", str(account.pk))
    assert "Give a reason" in act(desk, *resume, password=PASSWORD)
    assert "not your password" in act(desk, *resume, reason="done", password="guess")
    account.accountrisk.refresh_from_db()
    assert account.accountrisk.state == "halted"
    act(desk, *resume, reason="done", password=PASSWORD)
    account.accountrisk.refresh_from_db()
    assert account.accountrisk.state == "active"
    halts.halt(account, reason="mine", by=Actor("trader", alice.pk))
    assert "only they resume it" in act(desk, *resume, reason="done", password=PASSWORD)
    account.accountrisk.refresh_from_db()
    assert account.accountrisk.state == "halted"


def test_wrong_passwords_in_the_admin_site_lock_as_everywhere(desk, account):
    desk.get(GLOBAL)
    global_halt.halt_all(reason="trouble", by=OPERATOR)
    for _ in range(5):
        act(desk, GLOBAL, "resume_all", "1", reason="over", password="guess")
    said = act(desk, GLOBAL, "resume_all", "1", reason="over", password=PASSWORD)
    assert "Wait 15 minutes" in said
    assert GlobalHalt.objects.get().release_asked_at is None


def test_nothing_of_the_admin_site_places_a_trade_for_a_trader(desk, account):
    """Its actions halt, leave and resume; no page adds a trade or an order."""
    for model in ("trade", "order", "move"):
        assert desk.get(reverse(f"admin:trading_{model}_add")).status_code == 403
    assert not Trade.objects.exists()
    assert not Order.objects.exists()


def test_the_risk_page_leads_admins_to_the_switch_over_all_accounts_and_nobody_else(
    boss, alice, account, floor
):
    floor.open_account(boss, name="Own", balances={"USDT": "1000"})
    assert GLOBAL in signed_in(boss, Client).get("/risk/").content.decode()
    assert GLOBAL not in signed_in(alice, Client).get("/risk/").content.decode()
