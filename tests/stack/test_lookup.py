"""One row by its key, through a query that is written and planned once."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.sign_in import PasswordBackend
from testudo.db.lookup import Lookup

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def user():
    return User.objects.create_user("ann", "ann@example.org", "a fine long password 7")


def test_it_finds_what_the_orm_finds(user):
    found = PasswordBackend().get_user(user.pk)
    expected = User.objects.get(pk=user.pk)
    assert found == expected
    assert not found._state.adding
    for field in User._meta.concrete_fields:
        assert getattr(found, field.attname) == getattr(expected, field.attname), field


def test_it_finds_nothing_where_there_is_nothing(user):
    assert PasswordBackend().get_user(uuid4()) is None


def test_a_user_who_may_not_sign_in_is_nobody(user):
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert PasswordBackend().get_user(user.pk) is None


def test_it_is_one_short_statement(user):
    PasswordBackend().get_user(user.pk)
    with CaptureQueriesContext(connection) as asked:
        PasswordBackend().get_user(user.pk)
    assert [each["sql"].split(" ")[0] for each in asked] == ["EXECUTE"]


def test_a_value_in_the_query_that_nobody_gives_is_refused(user):
    lookup = Lookup(
        "by_name", lambda key: User.objects.filter(pk=key, username="ann"), {"key": "uuid"}
    )
    with pytest.raises(KeyError, match="ann"):
        lookup.find(key=user.pk)
