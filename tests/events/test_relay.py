"""The relay: every listener hears every event once, in order, whoever dies or fails."""

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.events.facts import Counted, Renamed
from testudo.events import bus, relay, tasks
from testudo.events.models import EventStream, InboxEntry, OutboxEvent
from testudo.observability import correlation


def publish(*numbers, stream="a"):
    with transaction.atomic():
        for number in numbers:
            bus.publish(Counted(number=number), stream=stream)


def wait_is_over():
    OutboxEvent.objects.filter(delivered_at=None).update(retry_at=timezone.now())


def test_listeners_hear_in_order_and_know_where_the_event_stands(notes):
    @bus.subscribe(Counted, consumer="notes")
    def note(event):
        where = bus.delivery()
        notes.write(where.stream, where.seq, str(event.number))

    publish(10, 20)
    publish(30, stream="b")

    assert relay.deliver_due() == 3
    assert notes.read() == [("a", 1), ("a", 2), ("b", 1)]
    assert notes.texts() == ["10", "20", "30"]
    assert not OutboxEvent.objects.filter(delivered_at=None).exists()
    assert relay.deliver_due() == 0


def test_whoever_subscribes_to_event_hears_everything(notes):
    bus.subscribe(bus.Event, consumer="all")(lambda event: notes.write("", 0, event.name))
    bus.subscribe(Counted, consumer="counts")(lambda event: notes.write("", 0, "count"))
    publish(1)
    with transaction.atomic():
        bus.publish(Renamed(text="x"), stream="a")

    relay.deliver_due()
    assert sorted(notes.texts()) == ["count", "tests.counted", "tests.renamed"]


def test_a_failing_listener_stops_its_own_stream_only_and_is_tried_again(notes):
    broken = True

    @bus.subscribe(Counted, consumer="journal")
    def journal(event):
        if broken and event.number == 1:
            notes.write("lost", 0)
            raise ValueError("cannot write")
        notes.write(bus.delivery().stream, bus.delivery().seq)

    publish(1, 2, stream="a")
    publish(7, 8, stream="b")

    assert relay.deliver_due() == 2
    assert notes.read() == [("b", 1), ("b", 2)]  # what the failing one wrote is undone
    held = OutboxEvent.objects.get(stream="a", seq=1)
    assert held.attempts == 1
    assert held.retry_at > timezone.now()
    assert held.last_error == "journal: ValueError: cannot write"

    assert relay.deliver_due() == 0  # not before its time
    wait_is_over()
    assert relay.deliver_due() == 0
    held.refresh_from_db()
    assert held.attempts == 2

    broken = False
    wait_is_over()
    assert relay.deliver_due() == 2
    assert notes.read()[2:] == [("a", 1), ("a", 2)]
    held.refresh_from_db()
    assert held.last_error == ""


def test_a_failing_listener_does_not_make_the_others_hear_twice(notes):
    failing = [True]
    bus.subscribe(Counted, consumer="first")(lambda event: notes.write("first", 0))

    @bus.subscribe(Counted, consumer="second")
    def second(event):
        if failing.pop():
            # a database error spoils only the listener's own savepoint
            EventStream.objects.create(name="a")
        notes.write("second", 0)

    bus.subscribe(Counted, consumer="third")(lambda event: notes.write("third", 0))
    publish(1)

    relay.deliver_due()
    failing.append(False)
    wait_is_over()
    relay.deliver_due()
    assert sorted(notes.read()) == [("first", 0), ("second", 0), ("third", 0)]


def test_the_wait_grows_to_a_minute_and_no_further():
    waits = [relay._wait(attempt).total_seconds() for attempt in (1, 2, 5, 9, 10_000)]
    assert 0.25 <= waits[0] <= 0.5
    assert 4 <= waits[2] <= 8
    assert all(30 <= wait <= 60 for wait in waits[3:])


def test_an_event_nobody_can_read_any_more_is_kept_and_named(notes):
    publish(1)
    OutboxEvent.objects.update(name="tests.removed")

    assert relay.deliver_due() == 0
    assert "tests.removed" in OutboxEvent.objects.get().last_error


def test_an_event_heard_but_not_marked_has_no_second_effect(notes):
    """As after a restore that lost the mark: the inbox is the last wall."""
    bus.subscribe(Counted, consumer="notes")(lambda event: notes.write("a", event.number))
    publish(1)
    relay.deliver_due()
    OutboxEvent.objects.update(delivered_at=None)

    assert relay.deliver_due() == 1
    assert notes.read() == [("a", 1)]


def test_the_publishers_correlation_id_is_bound_in_the_listener(notes):
    bus.subscribe(Counted, consumer="notes")(
        lambda event: notes.write("", 0, correlation.correlation_id())
    )
    with correlation.bind("request-12345678"):
        publish(1)
    publish(2)

    relay.deliver_due()
    first, second = notes.texts()
    assert first == "request-12345678"
    assert second not in ("", first)
    assert correlation.correlation_id() == ""


def test_delivering_one_event_costs_few_statements(notes):
    """The page's live updates come this way: the number of round trips is their latency."""
    bus.subscribe(Counted, consumer="notes")(lambda event: notes.write("a", 1))
    publish(1)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        relay.deliver_due(stream="a")
    # lock the head; inbox and effect in a savepoint; mark; and a look that finds no more
    assert len(queries) <= 12, [query["sql"] for query in queries]


def test_the_task_delivers_its_stream_to_the_end(notes, monkeypatch):
    monkeypatch.setattr(relay, "BATCH", 2)
    bus.subscribe(Counted, consumer="notes")(lambda event: notes.write("a", event.number))
    publish(1, 2, 3)
    publish(9, stream="b")

    tasks.deliver.run("a")
    assert notes.read() == [("a", 1), ("a", 2), ("a", 3)]


def test_redriving_tries_held_events_at_once_and_says_what_is_left(notes, capsys):
    broken = [True]

    @bus.subscribe(Counted, consumer="journal")
    def journal(event):
        if broken:
            raise ValueError("cannot write")

    publish(1, 2)
    relay.deliver_due()

    call_command("redrive_outbox", "--dry-run")
    assert "tests.counted a#1 failed 1 times: journal: ValueError" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        call_command("redrive_outbox")
    assert "1 held back, 0 delivered, 1 still held back" in capsys.readouterr().out

    broken.clear()
    call_command("redrive_outbox", "--json")
    assert '"delivered": 2, "left": 0' in capsys.readouterr().out


@pytest.mark.django_db
def test_two_functions_cannot_be_one_consumer_of_one_event():
    bus.subscribe(Counted, consumer="one")(lambda event: None)
    with pytest.raises(ValueError, match="already listens"):
        bus.subscribe(Counted, consumer="one")(lambda event: None)


@pytest.mark.django_db
def test_the_inbox_holds_one_row_for_a_consumer_and_an_event():
    publish(1)
    event = OutboxEvent.objects.get()
    assert InboxEntry.enter("notes", event.pk)
    assert not InboxEntry.enter("notes", event.pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        InboxEntry.objects.create(consumer="notes", event=event)


def test_a_burst_is_delivered_in_one_transaction_up_to_the_one_that_fails(notes):
    broken = True

    @bus.subscribe(Counted, consumer="journal")
    def journal(event):
        notes.write("a", 0, str(event.number))
        if broken and event.number == 3:
            raise ValueError("cannot write")

    publish(1, 2, 3, 4)
    with CaptureQueriesContext(connection) as sent:
        assert relay.deliver_due(stream="a") == 2
    locks = [query for query in sent.captured_queries if "FOR NO KEY UPDATE" in query["sql"]]
    assert len(locks) == 1, "what was put off is not looked at again at once"
    assert notes.texts() == ["1", "2"]
    assert OutboxEvent.objects.get(seq=3).attempts == 1
    broken = False
    wait_is_over()
    assert relay.deliver_due(stream="a") == 2
    assert notes.texts() == ["1", "2", "3", "4"]


def test_a_listener_that_writes_nothing_has_no_inbox_row_and_hears_again_what_failed(notes):
    told, broken = [], True

    @bus.subscribe(Counted, consumer="page", writes=False)
    def page(event):
        told.append(event.number)

    @bus.subscribe(Counted, consumer="journal")
    def journal(event):
        if broken:
            raise ValueError("cannot write")
        notes.write("a", 0, str(event.number))

    publish(1, 2)
    assert relay.deliver_due(stream="a") == 0
    broken = False
    wait_is_over()
    assert relay.deliver_due(stream="a") == 2
    assert told == [1, 1, 2]
    assert notes.texts() == ["1", "2"]
    assert set(InboxEntry.objects.values_list("consumer", flat=True)) == {"journal"}


def test_what_nobody_writes_about_is_read_once(notes):
    @bus.subscribe(Counted, consumer="page", writes=False)
    def page(event):
        pass

    publish(1, 2)
    with CaptureQueriesContext(connection) as sent:
        assert relay.deliver_due(stream="a") == 2
    done = [query["sql"].split()[0] for query in sent.captured_queries]
    assert done == ["BEGIN", "WITH", "UPDATE", "COMMIT"]
