import pytest

from tests.journal import builders
from testudo.events import wake


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    """The tests deliver by themselves; no other process is woken."""
    monkeypatch.setattr(wake._waker, "wake", lambda stream, urgent: None)


@pytest.fixture
def alice(db):
    return builders.trader("alice")


@pytest.fixture
def mallory(db):
    return builders.trader("mallory")
