import pytest
from django.db import connection

from testudo.events import bus, wake


@pytest.fixture(autouse=True)
def only_these_listeners(monkeypatch):
    """Each test begins with nobody listening, and wakes no worker unless it asks to."""
    monkeypatch.setattr(bus, "_listeners", {})
    monkeypatch.setattr(wake._waker, "wake", lambda stream, urgent: None)


class Notes:
    """A table that listeners write to, so that their effect can be counted."""

    def write(self, stream: str, seq: int, text: str = "") -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO tests_note VALUES (DEFAULT, %s, %s, %s)", [stream, seq, text]
            )

    def read(self) -> list[tuple[str, int]]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT stream, seq FROM tests_note ORDER BY id")
            return cursor.fetchall()

    def texts(self) -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT text FROM tests_note ORDER BY id")
            return [text for (text,) in cursor.fetchall()]


@pytest.fixture
def notes(transactional_db):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE tests_note (id serial, stream text, seq int, text text)")
    yield Notes()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE tests_note")
