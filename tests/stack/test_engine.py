"""The database engine: one set of migrations for both servers, and pooled connections."""

import asyncio
import os
import threading
import time
from decimal import Decimal
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from asgiref.testing import ApplicationCommunicator
from django.db import OperationalError, connection, connections, models
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
from timescale.db.models.fields import TimescaleDateTimeField

from testudo.db import pool
from testudo.db.amounts import MOST, amount, is_number
from testudo.db.ids import new_id
from testudo.db.schema import SchemaEditor
from testudo.web.handler import Handler


def backend_pid() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


def in_thread(work):
    """Run `work` in a thread of its own, as a request is, and give the connection back."""
    results = []

    def run():
        try:
            results.append(work())
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(10)
    assert results, "the thread failed"
    return results[0]


def answer_pid(request):
    return HttpResponse(str(backend_pid()))


urlpatterns = [path("pid/", answer_pid)]


class Row(models.Model):
    """A table that is never made: only its conditions are asked."""

    price = amount()

    class Meta:
        app_label = "testudo_db"
        managed = False

    def __str__(self):
        return str(self.price)


# Pooling -----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_next_thread_uses_the_same_connection_again():
    assert in_thread(backend_pid) == in_thread(backend_pid)


@pytest.mark.django_db(transaction=True)
@override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[], ALLOWED_HOSTS=["*"])
def test_a_second_request_under_asgi_opens_no_connection():
    pool.dispose()  # what other tests left

    async def get(path: str) -> tuple[str, float]:
        scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
        begun = time.perf_counter()
        client = ApplicationCommunicator(Handler(), scope)
        await client.send_input({"type": "http.request"})
        assert (await client.receive_output(timeout=10))["status"] == 200
        body = (await client.receive_output(timeout=10))["body"].decode()
        await client.wait()
        return body, time.perf_counter() - begun

    async def both():
        return await get("/pid/"), await get("/pid/")

    (first, _), (second, _) = asyncio.run(both())
    assert first == second


@pytest.mark.django_db(transaction=True)
def test_a_connection_the_server_closed_is_replaced_not_lent():
    mine = backend_pid()
    lent = in_thread(backend_pid)
    assert lent != mine
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [lent])  # waits for its end
        assert cursor.fetchone()[0]
    assert in_thread(backend_pid) not in (lent, mine)


@pytest.mark.django_db(transaction=True)
def test_to_lend_a_living_connection_asks_it_nothing(monkeypatch):
    mine = in_thread(backend_pid)
    monkeypatch.setattr(PGDialect_psycopg2, "do_ping", Mock(side_effect=AssertionError("asked")))
    assert in_thread(backend_pid) == mine


@pytest.mark.django_db(transaction=True)
def test_a_fork_uses_connections_of_its_own():
    connection.close()
    pid = in_thread(backend_pid)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, str(backend_pid()).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert int(os.read(reading, 32)) != pid
    assert in_thread(backend_pid) == pid, "the parent's connection survived the child"
    os.close(reading)
    os.close(writing)


@pytest.mark.django_db(transaction=True)
def test_an_exhausted_pool_says_so_in_its_time_out(monkeypatch):
    pool.dispose()
    monkeypatch.setitem(
        connections["default"].settings_dict,
        "POOL",
        {"pool_size": 1, "max_overflow": 0, "timeout": 0.2},
    )
    connection.close()
    backend_pid()  # holds the only one

    def ask():
        with pytest.raises(OperationalError, match="No database connection became free"):
            backend_pid()
        return True

    assert in_thread(ask)
    connection.close()
    pool.dispose()


# What every session has -----------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("statement_timeout", "5s"),
        ("lock_timeout", "2s"),
        ("idle_in_transaction_session_timeout", "10s"),
        ("TimeZone", "UTC"),
    ],
)
def test_every_session_has_its_time_outs(setting, value):
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [setting])
        assert cursor.fetchone()[0] == value


@pytest.mark.django_db
def test_time_bucket_works_with_and_without_timescaledb():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT time_bucket('1 week', timestamptz '2026-11-18 13:00Z')::text,"
            " time_bucket('5 minutes', timestamptz '2026-11-18 13:07Z')::text"
        )
        assert cursor.fetchone() == ("2026-11-16 00:00:00+00", "2026-11-18 13:05:00+00")


# The schema editor, both branches ---------------------------------------------------------------


def editor_on(*, has_timescaledb: bool) -> tuple[SchemaEditor, list[str]]:
    """A schema editor whose statements are noted, not executed."""
    noted: list[str] = []
    server = Mock(spec=connection, wraps=connection)
    server.has_timescaledb = has_timescaledb
    server.schema_name = None
    server.ops, server.features = connection.ops, connection.features
    editor = SchemaEditor(server)
    editor.execute = lambda sql, params=(): noted.append(str(sql))
    editor.quote_value = lambda value: f"'{value}'"
    return editor, noted


def model_with(primary_key: models.Field) -> SimpleNamespace:
    return SimpleNamespace(_meta=SimpleNamespace(pk=primary_key, db_table="candle"))


def time_field() -> TimescaleDateTimeField:
    field = TimescaleDateTimeField(interval="1 day")
    field.column = "time"
    return field


def test_on_plain_postgresql_a_table_stays_a_table():
    editor, noted = editor_on(has_timescaledb=False)
    editor._create_hypertable(model_with(models.BigAutoField()), time_field())
    editor._set_chunk_time_interval(model_with(models.BigAutoField()), time_field())
    assert noted == []


def test_on_timescaledb_a_table_becomes_a_hypertable():
    editor, noted = editor_on(has_timescaledb=True)
    editor._create_hypertable(model_with(models.BigAutoField()), time_field())
    assert any("create_hypertable" in sql for sql in noted)
    assert any("DROP CONSTRAINT" in sql for sql in noted)


def test_on_timescaledb_a_composite_key_is_kept():
    editor, noted = editor_on(has_timescaledb=True)
    key = models.CompositePrimaryKey("symbol", "time")
    editor._create_hypertable(model_with(key), time_field())
    assert any("create_hypertable" in sql for sql in noted)
    assert not any("DROP CONSTRAINT" in sql for sql in noted)


# Keys and amounts -----------------------------------------------------------------------------


def test_keys_sort_by_the_time_they_were_made():
    keys = [new_id() for _ in range(1000)]
    assert keys == sorted(keys)
    assert {key.version for key in keys} == {7}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("figure", "holds"),
    [
        ("1", True),
        ("0", False),
        ("-1", False),
        ("NaN", False),
        ("Infinity", False),
        ("1e20", False),
    ],
)
def test_a_positive_amount_is_a_number_between_the_bounds(figure, holds):
    condition = is_number("price", positive=True)
    compiler = Row.objects.filter(condition).query.get_compiler("default")
    sql, params = compiler.compile(compiler.query.where)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {sql} FROM (SELECT %s::numeric AS price) AS testudo_db_row",  # noqa: S608
            [*params, figure],
        )
        assert cursor.fetchone()[0] is holds
    assert Decimal("1e20") == MOST
