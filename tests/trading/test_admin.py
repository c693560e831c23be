"""The admin site shows every model; what the order path writes, no hand changes."""

import json

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from risk.limits import CAPS, DEFAULTS
from trading import limits, orders
from trading.limit_values import as_text
from trading.models import Candle, Decision, Fill, Order, Trade

OURS = ["accounts", "risk", "trading", "journal", "events", "web"]
LEDGERS = [Order, Fill, Decision, Trade]


@pytest.fixture
def at_the_admin(client, django_user_model):
    boss = django_user_model.objects.create_superuser("boss", "boss@example.com", "a long password")
    client.force_login(boss, "accounts.sign_in.PasswordBackend")
    return client


def models():
    return [model for label in OURS for model in apps.get_app_config(label).get_models()]


@pytest.mark.parametrize("model", models(), ids=lambda model: model._meta.label)
def test_every_model_has_its_page(model, at_the_admin, db):
    if model is Candle:  # Django 5.2's admin takes no composite primary key
        assert not admin.site.is_registered(model)
        return
    page = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    assert at_the_admin.get(page).status_code == 200


@pytest.mark.parametrize("model", LEDGERS, ids=lambda model: model._meta.label)
def test_a_ledger_row_can_be_looked_at_and_not_touched(model, at_the_admin, floor, account, draw):
    orders.place_trade(account, draw(), quote_of=floor.quote_of)
    floor.turn(account)
    row = model.objects.first()
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    change = reverse(f"{name}_change", args=[row.pk])
    assert at_the_admin.get(change).status_code == 200
    assert at_the_admin.post(change, {}).status_code == 403
    assert (
        at_the_admin.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code
        == 403
    )
    assert at_the_admin.get(reverse(f"{name}_add")).status_code == 403
    assert model.objects.filter(pk=row.pk).exists()


def test_the_account_page_shows_no_key(at_the_admin, account):
    page = at_the_admin.get(reverse("admin:trading_exchangeaccount_change", args=[account.pk]))
    assert page.status_code == 200
    assert account.key_fingerprint not in page.content.decode()
    assert "sealed" not in page.content.decode()


def limits_page(account):
    profile = limits.profile_of(account.pk)
    return reverse("admin:risk_riskprofile_change", args=[profile.pk]), {
        name: as_text(getattr(profile, name))
        for name in CAPS
        if getattr(profile, name) is not False
    }


def test_an_admin_can_tighten_a_traders_limits(at_the_admin, account):
    page, fields = limits_page(account)
    assert at_the_admin.post(page, {**fields, "max_risk": "0.004"}).status_code == 302
    assert str(limits.limits_of(account.pk).max_risk) == "0.004000000000000000"
    record = json.loads(Decision.objects.get().payload)
    assert (record["what"], record["by"]) == ("tightened", "admin")


@pytest.mark.parametrize(("name", "laxer"), [("max_risk", "0.02"), ("max_positions", "6")])
def test_an_admin_cannot_loosen_a_traders_limits(at_the_admin, account, name, laxer):
    page, fields = limits_page(account)
    answer = at_the_admin.post(page, {**fields, name: laxer})
    assert answer.status_code == 200
    assert "only the trader may ask for more" in answer.content.decode()
    assert limits.limits_of(account.pk) == DEFAULTS
    assert not Decision.objects.exists()


def test_an_admin_halts_an_account_and_support_cannot(at_the_admin, account, django_user_model):
    page = reverse("admin:trading_accountrisk_changelist")
    action = {"action": "halt", "_selected_action": [str(account.pk)]}
    people = django_user_model.objects
    helper = people.create_user("helper", "h@example.com", "a long password", role="support")
    client = Client()
    client.force_login(helper, "accounts.sign_in.PasswordBackend")
    client.post(page, action)
    account.accountrisk.refresh_from_db()
    assert account.accountrisk.state == "active"
    assert at_the_admin.post(page, action).status_code == 302
    account.accountrisk.refresh_from_db()
    assert account.accountrisk.state == "halted"
