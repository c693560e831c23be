"""A trade is placed once, however often its request arrives (B17)."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from tests.web.doors import Work
from testudo.events.models import OutboxEvent
from testudo.web import idempotency
from testudo.web.models import IdempotencyKey
from testudo.web.tasks import tidy_up

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.web.doors")]

KEY = "0192f0c1-2f4e-7e4e"


def work(client, how="place", key=KEY, **more):
    headers = {} if key is None else {"Idempotency-Key": key}
    body = {"how": how, **more}
    return client.post("/api/v1/deeds", body, content_type="application/json", headers=headers)


def done():
    return OutboxEvent.objects.count()


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "idempotency_key_required"),
        ("", "idempotency_key_required"),
        ("short", "idempotency_key_invalid"),
        ("x" * 300, "idempotency_key_invalid"),
        ("spaces in it", "idempotency_key_invalid"),
        ("ключключключ", "idempotency_key_invalid"),
    ],
)
def test_b17_without_a_usable_key_nothing_is_done(signed_in, key, code):
    if key and not key.isascii():
        key = key.encode().decode("latin-1")
    answer = work(signed_in, key=key)
    assert answer.status_code == 400
    assert answer.json()["code"] == code
    assert done() == 0


def test_b17_the_same_request_again_gets_the_same_answer_and_does_nothing(signed_in):
    first, second = work(signed_in), work(signed_in)
    assert first.status_code == second.status_code == 201
    assert first.content == second.content  # byte for byte, order of members included
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert done() == 1


def test_the_order_of_members_does_not_make_it_another_request(signed_in):
    work(signed_in, a=1, b=2)
    assert work(signed_in, b=2, a=1).status_code == 201
    assert done() == 1


def test_b17_the_key_with_another_body_is_refused(signed_in):
    work(signed_in)
    answer = work(signed_in, how="place", quantity="2")
    assert answer.status_code == 422
    assert answer.json()["code"] == "idempotency_key_reused"
    assert done() == 1


def test_b17_another_users_key_of_the_same_name_is_another_key(signed_in, mallory):
    other = Client()
    other.force_login(mallory, backend="accounts.sign_in.PasswordBackend")
    work(signed_in)
    answer = work(other)
    assert answer.status_code == 201
    assert "Idempotent-Replayed" not in answer.headers
    assert done() == 2


def test_a_refusal_is_remembered_too_with_what_its_service_recorded(signed_in):
    first, second = work(signed_in, "refuse"), work(signed_in, "refuse")
    assert first.status_code == second.status_code == 409
    assert first.content == second.content
    assert second.json()["verdicts"] == [{"ok": False}]
    assert second.headers["Content-Type"] == "application/problem+json"
    assert done() == 1  # the decision record of a refusal stays


@pytest.mark.parametrize("how", ["unavailable", "too_many", "crash", "database"])
def test_what_was_no_answer_is_undone_and_can_be_tried_again(signed_in, how):
    assert work(signed_in, how).status_code in (429, 500, 503)
    assert done() == 0
    assert not IdempotencyKey.objects.exists()
    assert work(signed_in, "place").status_code == 201


def test_two_at_once_do_it_once_and_the_second_gets_the_firsts_answer(signed_in, monkeypatch):
    inside, go_on = threading.Event(), threading.Event()

    def wait():
        inside.set()
        go_on.wait(5)

    monkeypatch.setattr(Work, "before_answering", [wait])
    answers = []

    def send():
        client = Client()
        client.cookies = signed_in.cookies
        answers.append(work(client))
        connection.close()

    first, second = threading.Thread(target=send), threading.Thread(target=send)
    first.start()
    assert inside.wait(5)
    second.start()
    time.sleep(0.2)  # the second is waiting on the row now
    assert not answers
    go_on.set()
    first.join()
    second.join()
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert done() == 1


def test_the_second_waits_two_seconds_at_most_and_is_told_to_ask_again(signed_in, monkeypatch):
    inside, go_on = threading.Event(), threading.Event()

    def wait():
        inside.set()
        go_on.wait(10)

    monkeypatch.setattr(Work, "before_answering", [wait])
    monkeypatch.setattr(idempotency, "LONGEST_WAIT_MS", 300)

    def send():
        client = Client()
        client.cookies = signed_in.cookies
        work(client)
        connection.close()

    first = threading.Thread(target=send)
    first.start()
    assert inside.wait(5)
    answer = work(signed_in)
    go_on.set()
    first.join()
    assert answer.status_code == 409
    assert answer.json()["code"] == "request_in_progress"
    assert answer.headers["Retry-After"] == "1"
    assert work(signed_in).headers["Idempotent-Replayed"] == "true"
    assert done() == 1


def test_answers_are_forgotten_after_a_week(signed_in):
    work(signed_in)
    work(signed_in, key="another-key")
    old = timezone.now() - idempotency.KEPT_FOR - timedelta(minutes=1)
    IdempotencyKey.objects.filter(key=KEY).update(created_at=old)
    tidy_up.run()
    assert IdempotencyKey.objects.get().key == "another-key"
