"""Incidents: opened once, told, and closed with what was done about them."""

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from testudo import clock
from testudo.events.models import OutboxEvent
from trading import incidents
from trading.models import ExchangeAccount, Incident


def told(account, name):
    return list(
        OutboxEvent.objects.filter(stream=str(account.pk), name=f"trading.{name}").order_by("seq")
    )


def open_one(account, kind="leg_lost", **changes):
    facts = {"quantity": Decimal("0.1"), "order": account.pk, "looks": 3}
    return incidents.open_incident(
        account.pk, kind, **{"text": "The stop is gone.", "facts": facts, **changes}
    )


def test_an_incident_is_told_once_however_often_it_is_noticed(account):
    first = open_one(account)
    again = open_one(account, text="The stop is gone, still.")
    assert again.pk == first.pk
    assert again.text == "The stop is gone."
    (event,) = told(account, "incident_opened")
    assert event.payload["text"] == (
        "A stop or target is gone from the exchange. The stop is gone."
    )
    assert event.payload["incident_id"] == str(first.pk)


def test_its_facts_are_kept_to_the_last_digit(account):
    facts = open_one(account, facts={"quantity": Decimal("0.100000000000000001"), "ids": (1, 2)})
    facts.refresh_from_db()
    assert facts.facts == {"quantity": "0.100000000000000001", "ids": [1, 2]}
    with pytest.raises(TypeError, match="float"):
        open_one(account, facts={"quantity": 0.1})


def test_two_assets_are_two_incidents_and_two_kinds_are_too(account):
    open_one(account, about="BTC")
    open_one(account, about="ETH")
    open_one(account, kind="exit_stuck", about="ETH")
    assert Incident.objects.count() == 3


def test_closing_says_what_was_done_and_twice_tells_once(account):
    opened = open_one(account)
    closed = incidents.close_incident(account.pk, "leg_lost", done="Placed a new stop.")
    assert closed.pk == opened.pk
    assert incidents.close_incident(account.pk, "leg_lost", done="Placed it again.") is None
    opened.refresh_from_db()
    assert opened.what_was_done == "Placed a new stop."
    assert opened.closed_at is not None
    (event,) = told(account, "incident_closed")
    assert event.payload["text"].endswith("Placed a new stop.")


def test_trouble_that_comes_back_is_a_new_incident(account):
    first = open_one(account)
    incidents.close_incident(account.pk, "leg_lost", done="Placed a new stop.")
    second = open_one(account)
    assert second.pk != first.pk
    assert len(told(account, "incident_opened")) == 2


def test_what_was_done_so_far_can_be_said_while_it_is_open(account):
    opened = open_one(account)
    assert incidents.note_done(opened.pk, "Asked the exchange twice.")
    incidents.close_incident(account.pk, "leg_lost", done="It was there after all.")
    assert not incidents.note_done(opened.pk, "Too late.")
    opened.refresh_from_db()
    assert opened.what_was_done == "It was there after all."


def test_an_incident_of_the_venue_is_told_to_every_account_there(floor, account, alice):
    other = floor.open_account(alice, name="Second", balances={"USDT": "10"})
    elsewhere = ExchangeAccount.objects.create(
        user=alice, venue="binance-demo", name="Demo", sealed_keys=b"", key_fingerprint="d",
        key_hint="0000",
    )  # fmt: skip
    facts = {"failures": 5}
    for _ in range(2):
        incidents.open_incident(None, "venue_down", about="paper", text="No answer.", facts=facts)
    assert len(told(account, "incident_opened")) == len(told(other, "incident_opened")) == 1
    assert told(elsewhere, "incident_opened") == []
    assert [each.kind for each in incidents.open_of(account)] == ["venue_down"]
    assert list(incidents.open_of(elsewhere)) == []


def test_an_unknown_kind_is_refused_and_so_is_an_incident_of_nobody(account):
    with pytest.raises(ValueError, match=r"incidents\.KINDS"):
        open_one(account, kind="bad_luck")
    with pytest.raises(IntegrityError, match="incident_of_all_names_whom"), transaction.atomic():
        incidents.open_incident(None, "venue_down", text="No answer.", facts={})


def test_a_clock_set_back_closes_it_all_the_same(account):
    opened = open_one(account)
    with clock.use(clock.VirtualClock(opened.opened_at - timedelta(hours=1))):
        closed = incidents.close_incident(account.pk, "leg_lost", done="Placed a new stop.")
    assert closed.closed_at == opened.opened_at


@pytest.mark.parametrize(
    ("change", "refused_by"),
    [
        ({"severity": "fatal"}, "incident_severity_known"),
        ({"text": ""}, "incident_says_what"),
        ({"closed_at": clock.now()}, "closed_incident_says_what_was_done"),
    ],
)
def test_the_database_refuses_an_incident_that_says_nothing(account, change, refused_by):
    opened = open_one(account)
    with pytest.raises(IntegrityError, match=refused_by), transaction.atomic():
        Incident.objects.filter(pk=opened.pk).update(**change)


@pytest.mark.django_db(transaction=True)
def test_ten_who_notice_at_once_open_one(django_user_model):
    owner = django_user_model.objects.create_user("alice", "a@example.com", "a long password")
    account = ExchangeAccount.objects.create(
        user=owner, venue="paper", name="P", sealed_keys=b"", key_fingerprint="k", key_hint="0000"
    )
    together, opened = threading.Barrier(10), []

    def notice():
        together.wait()
        opened.append(open_one(account).pk)
        connection.close()

    threads = [threading.Thread(target=notice) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 10
    assert len(set(opened)) == 1
    assert len(told(account, "incident_opened")) == 1
