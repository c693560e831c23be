"""The admin site shows every model; what the order path writes, no hand changes."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.urls import reverse

from trading import orders
from trading.models import Candle, Decision, Fill, Order, Trade

OURS = ["accounts", "risk", "trading", "journal", "events", "web"]
LEDGERS = [Order, Fill, Decision, Trade]


@pytest.fixture
def at_the_admin(client, django_user_model):
    boss = django_user_model.objects.create_superuser("boss", "boss@example.com", "a long password")
    client.force_login(boss, "django.contrib.auth.backends.ModelBackend")
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
