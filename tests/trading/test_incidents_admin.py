"""Staff see every account's incidents and the way down from each; they trade for nobody."""

import re

import pytest
from django.urls import reverse

from tests.trading.risky import opened
from trading import incidents
from trading.models import ExchangeCall, Incident, Order, Trade

BACKEND = "accounts.sign_in.PasswordBackend"


@pytest.fixture(params=["admin", "support"])
def staff(request, client, django_user_model):
    who = django_user_model.objects.create_user(
        "boss", "boss@example.com", "a long password", role=request.param
    )
    client.force_login(who, BACKEND)
    return client


@pytest.fixture
def incident(floor, account, draw) -> Incident:
    """One of a trade, over, and one of the whole venue that stands."""
    trade = opened(floor, account, draw())
    key = {"trade_id": trade.pk}
    found = incidents.open_incident(
        account.pk, "leg_lost", text="The stop is gone.", facts={"looks": 3}, **key
    )
    incidents.close_incident(account.pk, "leg_lost", done="A new stop was placed.", **key)
    incidents.open_incident(None, "venue_down", about="paper", text="It is silent.", facts={})
    return found


def page(client, url) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, url
    return answer.content.decode()


def change(row) -> str:
    return reverse(f"admin:trading_{row._meta.model_name}_change", args=[row.pk])


def test_the_list_names_who_what_and_what_was_done(staff, incident):
    shown = page(staff, reverse("admin:trading_incident_changelist"))
    for said in (
        "A stop or target is gone from the exchange", "alice", "Practice", "The stop is gone.",
        "A new stop was placed.", "The exchange does not answer", "everyone on paper",
    ):  # fmt: skip
        assert said in shown


def test_from_an_incident_the_way_leads_down_to_the_exchanges_answer(staff, incident):
    shown = page(staff, change(incident))
    trade = incident.trade
    for row in (incident.account, trade):
        assert f'href="{change(row)}"' in shown
    links = re.findall(r'href="([^"]*(?:order|exchangecall)/\?trade__id__exact=[^"]*)"', shown)
    assert len(links) == 2
    orders, answers = (page(staff, link) for link in links)
    for order in trade.orders.all():
        assert change(order) in orders
    call = trade.exchange_calls.filter(method="POST").first()
    assert change(call) in answers
    answered = page(staff, change(call))
    assert trade.orders.first().client_order_id in answered
    assert "signature" not in answered.replace("without key and signature", "")


def test_a_trades_page_holds_its_steps_incidents_orders_and_answers(staff, incident):
    shown = page(staff, change(incident.trade))
    assert "Filled" in shown
    assert re.search(r"Acknowledged \(\+\d", shown)
    assert "A new stop was placed." in shown
    for row in (*incident.trade.orders.all(), *incident.trade.exchange_calls.all(), incident):
        assert change(row) in shown


def test_an_account_leads_to_what_happened_in_it_and_shows_no_key(staff, incident):
    account = incident.account
    shown = page(staff, change(account))
    assert account.key_fingerprint not in shown
    link = re.search(r'href="([^"]*incident/\?account__id__exact=[^"]*)"', shown).group(1)
    listed = page(staff, link)
    assert "The stop is gone." in listed
    assert "It is silent." not in listed


@pytest.mark.parametrize("model", [Incident, Trade, Order, ExchangeCall])
def test_nothing_of_it_can_be_written(staff, incident, model):
    row = model.objects.first()
    name = f"admin:trading_{model._meta.model_name}"
    assert 'name="_save"' not in page(staff, change(row))
    assert staff.post(change(row), {"text": "Nothing happened."}).status_code == 403
    assert staff.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    assert staff.get(reverse(f"{name}_add")).status_code == 403
    listed = staff.post(
        reverse(f"{name}_changelist"),
        {"action": "delete_selected", "_selected_action": str(row.pk), "post": "yes"},
    )
    assert listed.status_code in {200, 302, 403}
    assert model.objects.filter(pk=row.pk).exists()


def test_staff_cannot_trade_for_a_trader(staff, incident):
    trade = incident.trade
    before = (trade.version, Order.objects.count())
    account = {"account": str(trade.account_id)}
    doors = {
        f"/api/v1/trades/{trade.pk}/close": {},
        f"/api/v1/trades/{trade.pk}/cancel": {},
        "/api/v1/trades": {
            **account, "symbol": "ETHUSDT", "side": "long", "entry": "3000", "stop": "2950",
            "target": "3200", "quoted_price": "3000", "quoted_at": "2026-11-02T09:30:00Z",
        },
    }  # fmt: skip
    for path, body in doors.items():
        answer = staff.post(
            path, body, content_type="application/json", headers={"idempotency-key": "k" * 36}
        )
        assert answer.status_code == 404, (path, answer.content)
    assert staff.get(f"/journal/{trade.pk}/").status_code == 404
    assert staff.get(f"/api/v1/trades/{trade.pk}").status_code == 404
    trade.refresh_from_db()
    assert (trade.version, Order.objects.count()) == before


def test_a_trader_does_not_enter(client, alice, incident):
    client.force_login(alice, BACKEND)
    answer = client.get(reverse("admin:trading_incident_changelist"))
    assert answer.status_code == 302


def test_a_hundred_incidents_cost_no_more_queries_than_one(
    staff, incident, django_assert_max_num_queries
):
    page(staff, reverse("admin:trading_incident_changelist"))
    for number in range(100):
        incidents.open_incident(
            incident.account_id, "leg_lost", about=str(number), text="Gone.", facts={}
        )
    with django_assert_max_num_queries(16):
        page(staff, reverse("admin:trading_incident_changelist"))
