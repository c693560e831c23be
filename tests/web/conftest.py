import pytest
from django.test import Client

from accounts.models import User

pytestmark = pytest.mark.urls("tests.web.doors")


@pytest.fixture
def alice(db):
    return User.objects.create_user("alice", "alice@example.org", "a long pass phrase")


@pytest.fixture
def mallory(db):
    return User.objects.create_user("mallory", "mallory@example.org", "a long pass phrase")


@pytest.fixture
def signed_in(alice):
    """A browser in which alice is signed in; a crash in a view is answered, not raised."""
    client = Client(raise_request_exception=False)
    client.force_login(alice, backend="accounts.sign_in.PasswordBackend")
    return client
