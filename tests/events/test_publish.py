"""Publishing: saved with the change or not at all, numbered without gaps, never slow."""

import queue
import threading
import time

import pytest
from celery import Celery
from django.db import connection, transaction

from tests.events.facts import Counted, Renamed
from testudo.events import bus, log, wake
from testudo.events.models import EventStream, OutboxEvent
from testudo.observability import correlation


def publish_and_undo(stream):
    with transaction.atomic():
        bus.publish(Counted(number=0), stream=stream)
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_publishing_outside_a_transaction_is_refused_with_advice():
    with pytest.raises(RuntimeError, match="inside the atomic block"):
        bus.publish(Counted(number=1), stream="a")
    assert not OutboxEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_event_whose_change_is_undone_never_happened_and_leaves_no_gap():
    with transaction.atomic():
        assert bus.publish(Counted(number=1), stream="a") == 1
    publish_and_undo("a")
    with transaction.atomic():
        assert bus.publish(Counted(number=3), stream="a") == 2
        assert bus.publish(Counted(number=1), stream="b") == 1

    assert [(seq, event.number) for seq, event in log.since("a", 0)] == [(1, 1), (2, 3)]
    assert log.last_seq("a") == 2
    assert log.last_seq("nobody") == 0


@pytest.mark.django_db(transaction=True)
def test_two_publishers_at_once_get_numbers_that_commit_in_order():
    def publish_many():
        for number in range(25):
            with transaction.atomic():
                bus.publish(Counted(number=number), stream="a")
        connection.close()

    publishers = [threading.Thread(target=publish_many) for _ in range(4)]
    for publisher in publishers:
        publisher.start()
    for publisher in publishers:
        publisher.join()

    assert [seq for seq, _ in log.since("a", 0)] == list(range(1, 101))
    assert EventStream.objects.get(name="a").last_seq == 100


@pytest.mark.django_db
def test_the_correlation_id_is_kept_with_the_event():
    with correlation.bind("request-12345678"):
        bus.publish(Counted(number=1), stream="a")
    assert OutboxEvent.objects.get().correlation_id == "request-12345678"


@pytest.mark.django_db
def test_history_gives_the_kinds_asked_for_in_the_order_of_each_stream():
    for number in (1, 2):
        bus.publish(Counted(number=number), stream="b")
        bus.publish(Renamed(text="x"), stream="b")
    bus.publish(Counted(number=9), stream="a")

    assert [event.number for event in log.history(Counted)] == [9, 1, 2]
    assert [event.number for event in log.history(Counted, stream="b")] == [1, 2]


@pytest.fixture
def woken(monkeypatch):
    """The process's waker, real again."""
    waker = wake.Waker()
    monkeypatch.setattr(wake, "_waker", waker)
    return waker


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("broker", ["redis://127.0.0.1:1/0", "hanging"])
def test_a_dead_broker_neither_fails_nor_slows_a_publisher(monkeypatch, woken, broker):
    tried = threading.Event()
    release = threading.Event()

    def send_task(*args, **kwargs):
        tried.set()
        if broker == "hanging":
            release.wait(20)
            return
        Celery(broker=broker).send_task(*args, **kwargs)

    monkeypatch.setattr(wake.current_app, "send_task", send_task)
    began = time.monotonic()
    with transaction.atomic():
        bus.publish(Counted(number=1), stream="a")
    took = time.monotonic() - began

    assert took < 0.5
    assert tried.wait(5)
    release.set()
    assert OutboxEvent.objects.filter(delivered_at=None).count() == 1


@pytest.mark.django_db(transaction=True)
def test_many_events_of_one_transaction_send_few_messages_and_a_rollback_sends_none(
    monkeypatch, woken
):
    sent, go_on = [], threading.Event()

    def send_task(name, args, **kwargs):
        go_on.wait(5)
        sent.append((name, args))

    monkeypatch.setattr(wake.current_app, "send_task", send_task)
    with transaction.atomic():
        for number in range(50):
            bus.publish(Counted(number=number), stream="a")
        bus.publish(Counted(number=1), stream="b")
    publish_and_undo("undone")
    go_on.set()
    deadline = time.monotonic() + 5
    while woken._pending and time.monotonic() < deadline:
        time.sleep(0.01)

    names = [args[0] for _, args in sent]
    assert names.count("a") <= 2  # the one being sent, and one for what came meanwhile
    assert names.count("b") <= 1
    assert "undone" not in names


@pytest.fixture
def sent_names(monkeypatch):
    """The names for which messages went to the broker."""
    sent: queue.Queue[str] = queue.Queue()
    monkeypatch.setattr(
        wake.current_app, "send_task", lambda name, args, **kwargs: sent.put(args[0])
    )
    return sent


def test_what_is_only_shown_wakes_nobody_where_nobody_looks(sent_names):
    waker = wake.Waker(gather=0.01)
    waker.looked_at = lambda names: {"looked-at"} & set(names)
    waker.wake("unseen", urgent=False)
    waker.wake("looked-at", urgent=False)
    waker.wake("both", urgent=False)
    waker.wake("both")  # and not the other way round
    waker.wake("both", urgent=False)
    assert [sent_names.get(timeout=5) for _ in range(2)] == ["looked-at", "both"]
    waker.wake("last")
    assert sent_names.get(timeout=5) == "last"  # nothing was sent for "unseen" before it


def test_a_look_that_fails_wakes_them_all_and_the_thread_goes_on(sent_names):
    def broken(names):
        raise OSError("Redis is away")

    waker = wake.Waker()
    waker.looked_at = broken
    for name in ("a", "b"):
        waker.wake(name, urgent=False)
        assert sent_names.get(timeout=5) == name


@pytest.mark.django_db(transaction=True)
def test_an_event_is_urgent_where_a_listener_acts_on_it(monkeypatch):
    told = []
    monkeypatch.setattr(wake._waker, "wake", lambda stream, urgent: told.append((stream, urgent)))
    bus.subscribe(Counted, consumer="page", writes=False)(lambda event: None)
    with transaction.atomic():
        bus.publish(Counted(number=1), stream="shown")
    bus.subscribe(Counted, consumer="journal")(lambda event: None)
    with transaction.atomic():
        bus.publish(Counted(number=1), stream="acted-on")
    assert told == [("shown", False), ("acted-on", True)]
