"""Statements planned once for each connection of the pool."""

import pytest
from django.db import DataError, connection, transaction

from tests.stack.test_engine import backend_pid, in_thread
from testudo.db.prepared import Prepared

SUM = Prepared("sum_of_two", "SELECT %(a)s + %(b)s + %(a)s", {"a": "int", "b": "int"})

pytestmark = pytest.mark.django_db(transaction=True)


def ask(a, b):
    with connection.cursor() as cursor:
        cursor.execute(SUM.ready(), {"a": a, "b": b})
        return cursor.fetchone()[0]


def prepared_here():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE name = 'sum_of_two'")
        return cursor.fetchone()[0]


def test_a_statement_is_planned_once_and_answers_each_time():
    assert [ask(1, 2), ask(10, 20)] == [4, 40]
    assert prepared_here() == 1


def test_it_stays_prepared_though_the_transaction_around_it_failed():
    def fail():
        with transaction.atomic(), connection.cursor() as cursor:
            ask(1, 2)
            cursor.execute("SELECT 1 / 0")

    with pytest.raises(DataError):
        fail()
    assert ask(3, 4) == 10


def test_a_new_connection_prepares_it_anew():
    ask(1, 2)
    mine = backend_pid()

    def elsewhere():
        return ask(5, 6), backend_pid()

    answer, theirs = in_thread(elsewhere)
    assert answer == 16
    assert theirs != mine


def test_a_connection_the_pool_lends_on_knows_it_still():
    def once():
        return ask(1, 1), prepared_here(), backend_pid()

    first, again = in_thread(once), in_thread(once)
    assert first == again == (3, 1, first[2])
