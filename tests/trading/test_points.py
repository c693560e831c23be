"""The history of an account's worth: fine for a month, by the hour for ever, its worst kept."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from testudo import clock
from trading import points, tasks
from trading.models import EquityPoint

D = Decimal
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LONG_AGO = datetime(2026, 9, 1, 10, tzinfo=UTC)


def store(account, start, minutes, *, drawdown=lambda n: D(0)):
    EquityPoint.objects.bulk_create(
        EquityPoint(
            account=account, at=start + n * MINUTE, equity=D(10000 + n), nav=D(1),
            drawdown=drawdown(n), heat=D(0), open_risk=D(0), exposure=D(0),
        )
        for n in range(minutes)
    )  # fmt: skip


def kept(account, before):
    rows = EquityPoint.objects.filter(account=account, at__lt=before).order_by("at")
    return [row.at - LONG_AGO for row in rows]


def test_points_older_than_a_month_are_kept_by_the_hour(account):
    store(account, LONG_AGO, 150, drawdown=lambda n: D("0.05") if n == 70 else D(0))
    assert points.thin(account.pk, now=clock.now()) == 147
    # Of the second hour the minute with the deepest drawdown.
    assert kept(account, clock.now() - 30 * DAY) == [timedelta(0), 70 * MINUTE, 120 * MINUTE]
    assert points.thin(account.pk, now=clock.now()) == 0


def test_younger_points_and_other_accounts_stay_as_they_are(account, floor, alice):
    other = floor.open_account(alice, name="Other", balances={"USDT": "5"})
    edge = (clock.now() - points.FINE_FOR).replace(minute=0, second=0, microsecond=0)
    store(account, edge, 30)
    store(other, LONG_AGO, 30)
    before = EquityPoint.objects.count()
    assert points.thin(account.pk, now=clock.now()) == 0
    assert EquityPoint.objects.count() == before


def test_the_sweep_thins_every_account_a_batch_at_a_time(account, monkeypatch):
    monkeypatch.setattr(points, "BATCH", 40)
    store(account, LONG_AGO, 60)
    tasks.thin_points()
    assert len(kept(account, LONG_AGO + DAY)) == 20
    tasks.thin_points()
    assert kept(account, LONG_AGO + DAY) == [timedelta(0)]
