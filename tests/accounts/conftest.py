import pytest
from django.test import Client

from accounts.models import User

PASSWORD = "a long pass phrase"


@pytest.fixture
def alice(db):
    return User.objects.create_user("alice", "alice@example.org", PASSWORD)


@pytest.fixture
def browser():
    return Client()
