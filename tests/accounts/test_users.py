"""People: one name, one address, one role, whatever tries to look like them."""

import json

import pytest
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client

from accounts import public
from accounts.models import Role, User
from tests.accounts.conftest import PASSWORD
from testudo.db.ids import new_id

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.accounts.urls")]


def make(username="bob", email="bob@example.org", **more):
    return User.objects.create_user(username, email, PASSWORD, **more)


@pytest.mark.parametrize(
    "name",
    [
        "аlice",  # Cyrillic а
        "alicе",  # Cyrillic е
        "al\u0131ce",  # dotless i
        "alice\u200b",
        "ali\u202ece",
        "ali ce",
        "ali\x00ce",
        "ali\nce",
        "a" * 10_000,
        "ab",
        "",
        "-alice",
        "alice@example.org",
        "<b>alice</b>",
    ],
)
def test_b48_a_name_that_could_pass_for_another_is_refused(name):
    with pytest.raises(ValidationError) as refused:
        make(name)
    assert "username" in refused.value.message_dict


@pytest.mark.parametrize("name", ["ALICE", "Alice", "ａｌｉｃｅ", "ⓐlice", " alice "])
def test_b48_another_form_of_a_taken_name_is_the_same_name(alice, name):
    with pytest.raises(ValidationError, match="already exists"):
        make(name)


@pytest.mark.parametrize("email", ["ALICE@example.org", "alice@EXAMPLE.org", "ａlice@example.org"])
def test_b48_another_form_of_a_taken_address_is_the_same_address(alice, email):
    with pytest.raises(ValidationError, match="already has a sign-in"):
        make(email=email)


@pytest.mark.parametrize(
    "email",
    ["", "alice", "alice@exаmple.org", "a@b@c.org", "alice@example.org\n\nBcc: x@y.org", "x" * 300],
)
def test_what_is_no_plain_address_is_refused(email):
    with pytest.raises(ValidationError) as refused:
        make(email=email)
    assert "email" in refused.value.message_dict


def test_the_database_itself_refuses_what_slipped_past_the_forms(alice):
    bob = make()
    for changes in (
        {"email": "ALICE@EXAMPLE.ORG"},
        {"username": "Alice"},
        {"username": "аlice"},
        {"role": "root"},
        {"theme": "pink"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.filter(pk=bob.pk).update(**changes)


def test_a_time_zone_must_be_one():
    with pytest.raises(ValidationError, match="Europe/Berlin"):
        make(time_zone="Mars/Olympus")
    assert make(time_zone="Asia/Kathmandu").time_zone == "Asia/Kathmandu"


def test_a_trader_may_nothing_in_the_admin_support_may_look_and_an_admin_may_all(alice):
    support, chief = make("helper", "h@example.org", role=Role.SUPPORT), make(role=Role.ADMIN)
    assert not alice.is_staff
    assert not alice.has_perm("accounts.view_user")
    assert support.is_staff
    assert support.has_perm("accounts.view_user")
    assert not support.has_perm("accounts.change_user")
    assert chief.has_perm("accounts.change_user")
    chief.is_active = False
    assert not chief.has_perm("accounts.view_user")


def sign_in_to_admin(user):
    browser = Client()
    browser.force_login(user, backend="accounts.sign_in.PasswordBackend")
    return browser


def test_the_admin_site_shows_events_and_people_and_changes_no_event(alice):
    chief, support = make(role=Role.ADMIN), make("helper", "h@example.org", role=Role.SUPPORT)
    assert sign_in_to_admin(alice).get("/admin/accounts/user/").status_code == 302
    for user in (chief, support):
        browser = sign_in_to_admin(user)
        for model in ("accounts/user", "events/outboxevent", "events/eventstream"):
            assert browser.get(f"/admin/{model}/").status_code == 200
        assert browser.get("/admin/events/outboxevent/add/").status_code == 403
    page = sign_in_to_admin(chief).get(f"/admin/accounts/user/{alice.pk}/change/")
    assert page.status_code == 200
    assert alice.password not in page.content.decode()
    changed = {"email": alice.email, "role": "admin", "time_zone": "UTC", "theme": "dark"}
    url = f"/admin/accounts/user/{alice.pk}/change/"
    assert sign_in_to_admin(support).post(url, changed).status_code == 403
    assert sign_in_to_admin(chief).post(url, changed).status_code == 302
    alice.refresh_from_db()
    assert (alice.role, alice.is_active) == ("admin", False)  # the unticked box


def test_users_are_not_deleted_in_the_admin(rf, alice):
    chief = make(role=Role.ADMIN)
    request = rf.get("/")
    request.user = chief
    assert not admin.site.get_model_admin(User).has_delete_permission(request, alice)


def test_other_apps_get_a_frozen_person(alice):
    person = public.person(alice.pk)
    assert (person.username, person.role, str(person.time_zone)) == ("alice", "trader", "UTC")
    with pytest.raises(AttributeError):
        person.role = Role.ADMIN
    assert public.admins() == ()
    chief = make(role=Role.ADMIN)
    assert [admin.id for admin in public.admins()] == [chief.pk]
    assert public.person(new_id()) is None


def test_set_role_tells_what_it_did_and_a_dry_run_does_nothing(alice, capsys):
    call_command("set_role", "alice", "support", "--dry-run")
    alice.refresh_from_db()
    assert alice.role == "trader"
    assert "alice was trader and would become support." in capsys.readouterr().out

    call_command("set_role", "alice@example.org", "admin", "--json")
    alice.refresh_from_db()
    assert alice.role == "admin"
    assert json.loads(capsys.readouterr().out)["before"] == "trader"
    with pytest.raises(CommandError, match="no user nobody"):
        call_command("set_role", "nobody", "admin")


def test_ensure_user_takes_the_password_from_the_environment_and_can_be_repeated(
    monkeypatch, capsys
):
    with pytest.raises(CommandError, match="environment variable TESTUDO_USER_PASSWORD"):
        call_command("ensure_user", "demo")
    monkeypatch.setenv("TESTUDO_USER_PASSWORD", "a fine long password")
    call_command("ensure_user", "demo", "--json")
    made = json.loads(capsys.readouterr().out)
    demo = User.objects.get(username="demo")
    assert made == {"id": str(demo.pk), "username": "demo", "role": "trader", "created": True}
    assert demo.check_password("a fine long password")

    before = demo.password
    call_command("ensure_user", "demo", "--role", "admin")
    demo.refresh_from_db()
    assert (demo.password, demo.role) == (before, "admin")  # same password: sessions stay

    monkeypatch.setenv("OTHER", "another long password")
    call_command("ensure_user", "demo", "--password-env", "OTHER")
    demo.refresh_from_db()
    assert demo.check_password("another long password")
    assert demo.role == "trader"
    monkeypatch.setenv("OTHER", "short")
    with pytest.raises(CommandError, match="too short"):
        call_command("ensure_user", "demo2", "--password-env", "OTHER")
    assert "another long password" not in capsys.readouterr().out
