"""The password again: for five minutes, in this session only, with a few tries of its own."""

import contextlib
import json
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from accounts.models import SignInCount
from testudo import clock
from testudo.web import step_up
from testudo.web.models import StepUpCount
from testudo.web.problems import Problem
from testudo.web.tasks import tidy_up

pytestmark = [pytest.mark.django_db, pytest.mark.urls("testudo.urls")]
PASSWORD = "a long pass phrase"
BACKEND = "accounts.sign_in.PasswordBackend"


def prove(browser, password=PASSWORD, **more):
    return browser.post(
        "/api/v1/step-up", {"password": password, **more}, content_type="application/json"
    )


def until(browser, user):
    request = APIRequestFactory().get("/")
    request.session, request.user = browser.session, user
    return step_up.fresh_until(request)


def test_the_right_password_is_good_for_five_minutes(alice, signed_in):
    start = clock.now()
    with clock.use(clock.VirtualClock(start)) as moment:
        assert until(signed_in, alice) is None
        assert prove(signed_in).status_code == 204
        moment.advance(timedelta(minutes=4, seconds=58))
        assert until(signed_in, alice) is not None
        moment.advance(timedelta(seconds=2))
        assert until(signed_in, alice) is None


def test_a_mark_from_the_future_counts_no_more_than_none(alice, signed_in):
    """A clock that was set back must not prolong it."""
    prove(signed_in)
    with clock.use(clock.VirtualClock(clock.now() - timedelta(hours=1))):
        assert until(signed_in, alice) is None


def test_a_wrong_password_is_refused_and_never_said_back(alice, signed_in, caplog):
    answer = prove(signed_in, "not my password, but close")
    assert answer.status_code == 400
    assert answer.json()["code"] == "wrong_password"
    assert answer.json()["errors"] == [
        {"field": "password", "value": None, "message": "This is not your password. Type it again."}
    ]
    assert until(signed_in, alice) is None
    assert "not my password" not in caplog.text


def test_the_password_is_not_logged_nor_kept_in_the_session(alice, signed_in, caplog):
    caplog.set_level("DEBUG")
    prove(signed_in)
    assert PASSWORD not in caplog.text
    assert PASSWORD not in json.dumps(dict(signed_in.session.items()))


def test_another_session_of_the_same_user_is_not_proved(alice, signed_in):
    prove(signed_in)
    other = Client()
    other.force_login(alice, backend=BACKEND)
    assert until(other, alice) is None


def test_the_mark_is_the_users_own(alice, mallory, signed_in):
    prove(signed_in)
    assert until(signed_in, mallory) is None


def test_signing_out_ends_it(alice, signed_in):
    prove(signed_in)
    signed_in.logout()
    signed_in.force_login(alice, backend=BACKEND)
    assert until(signed_in, alice) is None


def test_another_persons_password_proves_nothing(alice, mallory, signed_in):
    mallory.set_password("mallorys own long phrase")
    mallory.save()
    assert prove(signed_in, "mallorys own long phrase").status_code == 400


def test_beyond_the_limit_even_the_right_password_waits(alice, signed_in):
    said = [prove(signed_in, "wrong").status_code for _ in range(step_up.MOST_TRIES)]
    assert said == [400] * step_up.MOST_TRIES
    answer = prove(signed_in)
    assert answer.status_code == 429
    assert answer.json()["code"] == "too_many_tries"
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert 890 < int(answer.headers["Retry-After"]) <= 900
    assert "Wait 15 minutes" in answer.json()["detail"]
    assert "halts, stops and exits need none" in answer.json()["detail"]
    assert until(signed_in, alice) is None


def test_guessing_here_does_not_lock_the_owner_out_of_signing_in(alice, signed_in):
    for _ in range(step_up.MOST_TRIES + 1):
        prove(signed_in, "wrong")
    assert not SignInCount.objects.exists()
    at_the_door = Client().post("/sign-in/", {"username": "alice", "password": PASSWORD})
    assert at_the_door.status_code == 302


def test_guessing_at_the_door_does_not_lock_who_is_inside(alice, signed_in):
    for _ in range(12):
        Client().post("/sign-in/", {"username": "alice", "password": "wrong"})
    assert prove(signed_in).status_code == 204


def test_another_session_of_the_same_person_shares_the_lock(alice, signed_in):
    for _ in range(step_up.MOST_TRIES):
        prove(signed_in, "wrong")
    other = Client(REMOTE_ADDR="10.9.8.7")
    other.force_login(alice, backend=BACKEND)
    assert prove(other).status_code == 429


def test_another_person_is_not_locked_with_them(alice, mallory, signed_in):
    mallory.set_password(PASSWORD)
    mallory.save()
    for _ in range(step_up.MOST_TRIES + 1):
        prove(signed_in, "wrong")
    other = Client()
    other.force_login(mallory, backend=BACKEND)
    assert prove(other).status_code == 204


def test_the_lock_ends_by_itself(alice, signed_in):
    for _ in range(step_up.MOST_TRIES + 1):
        prove(signed_in, "wrong")
    StepUpCount.objects.update(began_at=F("began_at") - step_up.LOCKED_FOR - timedelta(seconds=1))
    assert prove(signed_in).status_code == 204


def test_the_right_password_forgets_the_tries_before_it(alice, signed_in):
    for _ in range(3):
        for _ in range(step_up.MOST_TRIES - 1):
            assert prove(signed_in, "wrong").status_code == 400
        assert prove(signed_in).status_code == 204
    assert not StepUpCount.objects.exists()


def test_counts_whose_lock_is_over_are_forgotten(alice, mallory, signed_in):
    prove(signed_in, "wrong")
    StepUpCount.objects.create(
        key="old", tried=3, began_at=timezone.now() - step_up.LOCKED_FOR - timedelta(seconds=1)
    )
    tidy_up()
    assert [each.tried for each in StepUpCount.objects.all()] == [1]


@pytest.mark.django_db(transaction=True)
def test_of_forty_tries_at_once_no_more_than_the_limit_are_looked_at(alice, monkeypatch):
    looked, at_once = [], threading.Barrier(40)
    monkeypatch.setattr(
        type(alice), "check_password", lambda self, secret: looked.append(secret) or False
    )

    def attempt():
        at_once.wait()
        with contextlib.suppress(step_up.TooManyTries):
            step_up.try_password(alice, "wrong")
        connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(looked) == step_up.MOST_TRIES


@pytest.mark.parametrize(
    "body", [{}, {"password": ""}, {"password": "x" * 1025}, {"password": PASSWORD, "otp": "1"}]
)
def test_a_malformed_request_is_refused(alice, signed_in, body):
    answer = signed_in.post("/api/v1/step-up", body, content_type="application/json")
    assert answer.status_code == 400
    assert until(signed_in, alice) is None


def test_visitors_are_asked_to_sign_in(db):
    assert prove(Client()).status_code == 401


def test_it_takes_a_token_against_forged_requests(alice):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice, backend=BACKEND)
    assert prove(strict).status_code == 403


def test_a_guarded_door_names_what_it_needs(alice):
    class Door(APIView):
        authentication_classes = ()
        permission_classes = ()

        @step_up.stepped_up
        def post(self, request):
            return Response("open")

    request = APIRequestFactory().post("/")
    request.session = {}
    answer = Door.as_view()(request)
    assert answer.status_code == 403
    assert answer.data["code"] == "step_up_required"
    assert "/api/v1/step-up" in answer.data["detail"]
    request.user = alice
    request.session = {"step_up": {"at": int(clock.now().timestamp()), "user": "someone else"}}
    with pytest.raises(Problem, match="step_up_required"):
        step_up.require(request)
