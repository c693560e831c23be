"""A placement's locks are not held while the disk is waited for."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from trading import orders


@pytest.mark.django_db(transaction=True)
def test_a_placement_commits_at_once_and_then_waits_for_the_disk(floor, account, draw):
    with CaptureQueriesContext(connection) as asked:
        orders.place_trade(account, draw(), quote_of=floor.quote_of)
    sent = [each["sql"] for each in asked if each["sql"] != "BEGIN"]
    locking = next(n for n, text in enumerate(sent) if "trading_accountrisk" in text)
    assert sent[locking].startswith("SET LOCAL synchronous_commit TO off;")
    assert any("pg_logical_emit_message" in text for text in sent[locking + 1 :])
