"""The journal writes itself: each closed trade once, with its R on the frozen initial risk."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from journal.models import JournalEntry
from tests.journal.builders import NOON, D, closed, tell, written
from testudo.events import bus
from testudo.events.models import InboxEntry, OutboxEvent
from testudo.events.relay import deliver_due


def test_a_closed_trade_becomes_an_entry_with_its_r(alice):
    entry = written(alice)
    entry.refresh_from_db()
    assert (entry.user, entry.symbol, entry.side, entry.exit_reason) == (
        alice, "BTCUSDT", "long", "target",
    )  # fmt: skip
    assert entry.r_multiple == D("2.332499096336007734")  # 167.64618 / 71.87406
    assert (entry.gross, entry.fees, entry.profit) == (D("179.82"), D("12.17382"), D("167.64618"))
    assert (entry.planned_quantity, entry.quantity) == (D("0.1"), D("0.0999"))
    assert (entry.stop, entry.initial_risk) == (D(59400), D("71.87406"))
    assert (entry.order_ms, entry.protected_ms, entry.naked_ms) == (84, 131, 0)
    assert entry.closed_at - entry.placed_at == timedelta(hours=2)
    assert entry.fills[0]["commission_asset"] == "BTC"


def test_an_exit_exactly_at_the_stop_is_entered_as_minus_one_r(alice):
    entry = written(
        alice, exit_reason="stop", exit_price=D(59400), profit=D("-71.87406"),
        gross=D("-59.94"), fees=D("11.93406"),
    )  # fmt: skip
    assert entry.r_multiple == -1


def test_the_entry_is_told_in_the_stream_of_its_account(alice):
    event = closed(alice)
    tell(event)
    row = OutboxEvent.objects.get(stream=str(event.account_id), name="journal.entry_written")
    told = bus.load(row.name, row.payload)
    assert (told.trade_id, told.profit) == (event.trade_id, event.profit)
    assert told.text == "BTCUSDT is in the journal: +2.33 R."
    assert row.seq == 2


def test_an_event_heard_twice_is_entered_once(alice):
    event = closed(alice)
    tell(event)
    OutboxEvent.objects.filter(pk=event.id).update(delivered_at=None)
    deliver_due(stream=str(event.account_id))
    assert JournalEntry.objects.count() == 1
    assert OutboxEvent.objects.filter(name="journal.entry_written").count() == 1


def test_a_second_event_about_the_same_trade_changes_nothing(alice):
    first = closed(alice)
    tell(first)
    same = {"trade_id": first.trade_id, "account_id": first.account_id}
    tell(closed(alice, **same, profit=D(1), gross=D("13.17382")))
    assert JournalEntry.objects.get().profit == D("167.64618")
    assert OutboxEvent.objects.filter(name="journal.entry_written").count() == 1


def test_the_journal_written_again_from_its_events_comes_out_equal(alice):
    """R16: nothing in an entry depends on when, or how often, it was written."""
    for hours in (1, 2, 3):
        written(alice, closed_at=NOON + timedelta(hours=hours))
    before = list(JournalEntry.objects.order_by("pk").values())
    JournalEntry.objects.all().delete()
    InboxEntry.objects.filter(consumer="journal").delete()
    OutboxEvent.objects.filter(name="trading.trade_closed").update(delivered_at=None)
    deliver_due()
    assert list(JournalEntry.objects.order_by("pk").values()) == before


def test_averages_with_more_digits_than_a_column_still_add_up(alice):
    entry = written(
        alice, entry_price=D(1) / 3 + 60000, gross=D("20") / 3 + D("1e-25"),
        fees=D("0.1234567890123456789"), profit=D("20") / 3 - D("0.1234567890123456789"),
    )  # fmt: skip
    entry.refresh_from_db()
    assert entry.gross - entry.fees == entry.profit


@pytest.mark.parametrize("column", ["entry", "profit", "r_multiple", "fees", "initial_risk"])
def test_the_database_refuses_nan(alice, column):
    entry = written(alice)
    with (
        pytest.raises(IntegrityError, match="journal_"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            f"UPDATE journal_journalentry SET {column} = 'NaN' WHERE trade_id = %s",  # noqa: S608
            [entry.pk],
        )


@pytest.mark.parametrize(
    ("changes", "wall"),
    [
        ({"profit": D(999)}, "journal_profit_adds_up"),
        ({"stop": D(60001)}, "journal_stop_on_losing_side"),
        ({"side": "up"}, "journal_side_known"),
        ({"opened_at": NOON + timedelta(days=9)}, "journal_times_in_order"),
        ({"fees": D(-1), "gross": D("166.64618")}, "journal_outcome_is_numbers"),
    ],
)
def test_an_entry_cannot_hold_nonsense(alice, changes, wall):
    entry = written(alice)
    with pytest.raises(IntegrityError, match=wall), transaction.atomic():
        JournalEntry.objects.filter(pk=entry.pk).update(**changes)


def test_a_trade_without_initial_risk_stops_only_its_own_stream_and_is_recorded(alice):
    """R would be undefined: that is an error of the order path, kept with the event."""
    broken = closed(alice, initial_risk=D(0))
    tell(broken)
    assert "R is undefined" in OutboxEvent.objects.get(pk=broken.id).last_error
    assert written(alice).r_multiple > 2
