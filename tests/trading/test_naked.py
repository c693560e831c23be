"""Naked milliseconds: each trade's own, and p50 and p99 over all that bought anything."""

from datetime import timedelta

import pytest

from tests.trading.risky import opened
from testudo import clock
from testudo.db.ids import new_id
from trading import naked
from trading.models import Decision, Trade
from trading.naked import figures_by_venue, figures_of


@pytest.fixture
def trades(floor, account, draw):
    """Copies of one closed trade, with these naked milliseconds."""
    first = opened(floor, account, draw())

    def made(*each_ms: int) -> None:
        Trade.objects.filter(pk=first.pk).update(state="closed", naked_ms=each_ms[0])
        for number, ms in enumerate(each_ms[1:], start=1_000):
            decision = Decision.objects.create(
                account=account, number=number, kind="placed", payload="{}", hash=""
            )
            copy = Trade.objects.get(pk=first.pk)
            copy.pk, copy.decision, copy.naked_ms = new_id(), decision, ms
            copy.save(force_insert=True)

    return made


def test_the_percentiles_are_nearest_rank_over_all_trades(account, trades):
    trades(*[0] * 90, *range(1, 11))  # a hundred: ninety never naked, ten for 1 to 10 ms
    found = figures_of(account.pk, venue="paper")
    assert (found.trades, found.p50, found.p99, found.longest) == (100, 0, 9, 10)
    assert found.total == 55


def test_what_is_naked_now_counts_with_its_time_so_far(account, trades):
    trades(0, 40)
    row = Trade.objects.order_by("pk").last()
    Trade.objects.filter(pk=row.pk).update(
        state="open", naked_since=clock.now() - timedelta(seconds=3)
    )
    found = figures_of(account.pk, venue="paper")
    assert (found.naked_now, found.longest) == (1, 3_040)


def test_an_entry_that_bought_nothing_does_not_count(account, trades):
    trades(0, 7)
    Trade.objects.filter(naked_ms=7).update(opened_at=None)
    assert figures_of(account.pk, venue="paper").trades == 1


def test_old_trades_leave_the_window_but_not_while_they_are_naked(account, trades):
    trades(5, 9)
    long_ago = clock.now() - naked.WINDOW - timedelta(days=1)
    Trade.objects.update(placed_at=long_ago)
    assert figures_of(account.pk, venue="paper").trades == 0
    Trade.objects.filter(naked_ms=9).update(state="open", naked_since=long_ago)
    assert figures_of(account.pk, venue="paper").naked_now == 1


def test_all_accounts_come_venue_by_venue(account, trades):
    trades(3)
    assert [(each.venue, each.trades) for each in figures_by_venue()] == [("paper", 1)]


def test_an_account_without_trades_has_zeros(account):
    found = figures_of(account.pk, venue="paper")
    assert (found.trades, found.p99, found.naked_now) == (0, 0, 0)
