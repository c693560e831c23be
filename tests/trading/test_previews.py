"""What this process remembers of an account opens no door: each preview passes through it anew."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from testudo import clock
from testudo.web.problems import Problem
from trading import previews
from trading.models import ExchangeAccount


@pytest.fixture(autouse=True)
def nothing_seen():
    previews.forget()


@pytest.fixture
def bob(django_user_model):
    return django_user_model.objects.create_user("bob", "b@example.com", "a long password")


@pytest.fixture
def look(floor, account, draw):
    return lambda user, **lines: previews.preview(
        user, account.pk, draw(**lines), quote_of=floor.quote_of
    )


def refused(judged):
    return {verdict.code for verdict in judged.verdicts if not verdict.ok}


def test_the_second_look_says_the_same_in_one_statement(look, alice, account):
    first = look(alice)[1]
    with CaptureQueriesContext(connection) as asked:
        found, again = look(alice)
    assert len(asked) == 1
    assert (found, again.plan, again.verdicts) == (account, first.plan, first.verdicts)
    assert found is not account


def test_what_changed_since_the_first_look_counts(look, alice, account):
    look(alice)
    before = refused(look(alice)[1])
    ExchangeAccount.objects.update(stream_gap=True)
    found, judged = look(alice)
    assert found.stream_gap
    assert refused(judged) - before


@pytest.mark.parametrize("seen", [False, True])
def test_anothers_account_is_absent_whoever_looked_at_it_before(look, alice, bob, seen):
    if seen:
        look(alice)
    for _ in range(2):
        with pytest.raises(Problem) as refusal:
            look(bob)
        assert refusal.value.status == 404


def test_an_account_removed_or_given_away_is_gone_at_once(look, alice, bob):
    look(alice)
    ExchangeAccount.objects.update(removed_at=clock.now())
    with pytest.raises(Problem):
        look(alice)
    ExchangeAccount.objects.update(removed_at=None)
    look(alice)
    ExchangeAccount.objects.update(user=bob)
    with pytest.raises(Problem):
        look(alice)


def test_what_is_kept_has_a_bound(look, alice, monkeypatch):
    monkeypatch.setattr(previews, "MOST_SEEN", 1)
    previews._seen["other"] = object()
    look(alice)
    assert len(previews._seen) == 1
