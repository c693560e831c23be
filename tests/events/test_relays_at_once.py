"""Many relays at once, some of them killed: each event still has one effect, in order."""

import os
import signal
import threading

import pytest
from django.db import connection, transaction

from tests.events.facts import Counted
from testudo.events import bus, relay
from testudo.events.models import InboxEntry, OutboxEvent


def publish(*numbers, stream="a"):
    with transaction.atomic():
        for number in numbers:
            bus.publish(Counted(number=number), stream=stream)


@pytest.mark.parametrize("moment", ["in_the_listener", "before_the_mark"])
def test_a_relay_killed_before_commit_delivers_again_with_one_effect(notes, monkeypatch, moment):
    bus.subscribe(Counted, consumer="notes")(lambda event: notes.write("a", event.number))
    publish(1, 2)

    connection.close()
    child = os.fork()
    if child == 0:

        def die(*args):
            os.kill(os.getpid(), signal.SIGKILL)

        if moment == "in_the_listener":
            bus.subscribe(Counted, consumer="deadly")(die)
        else:
            monkeypatch.setattr(relay.timezone, "now", _dies_on_call(2, relay.timezone.now, die))
        try:
            relay.deliver_due(stream="a")
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert notes.read() == []

    assert relay.deliver_due() == 2
    assert notes.read() == [("a", 1), ("a", 2)]
    assert InboxEntry.objects.count() == 2


def _dies_on_call(which, function, die):
    calls = []

    def wrapped():
        calls.append(1)
        if len(calls) == which:
            die()
        return function()

    return wrapped


def test_relays_in_parallel_deliver_each_event_once_and_in_order(notes):
    streams = ["a", "b", "c"]
    bus.subscribe(Counted, consumer="notes")(
        lambda event: notes.write(bus.delivery().stream, bus.delivery().seq)
    )
    done = threading.Event()
    delivered = []

    def work():
        while not done.is_set() or relay.deliver_due(limit=7):
            delivered.append(relay.deliver_due(limit=7))
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for number in range(30):  # while they run
        for stream in streams:
            publish(number, stream=stream)
    done.set()
    for worker in workers:
        worker.join()

    relay.deliver_due()
    heard = notes.read()
    for stream in streams:
        assert [seq for name, seq in heard if name == stream] == list(range(1, 31))


def test_relays_in_several_processes_deliver_each_event_once_and_in_order(notes):
    bus.subscribe(Counted, consumer="notes")(
        lambda event: notes.write(bus.delivery().stream, bus.delivery().seq)
    )
    for number in range(40):
        publish(number, stream="a")
        publish(number, stream="b")
    connection.close()
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                while relay.deliver_due(limit=5):
                    pass
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]

    relay.deliver_due()
    heard = notes.read()
    for stream in "ab":
        assert [seq for name, seq in heard if name == stream] == list(range(1, 41))


def test_a_stream_held_by_another_relay_is_passed_over_not_overtaken(notes):
    bus.subscribe(Counted, consumer="notes")(
        lambda event: notes.write(bus.delivery().stream, bus.delivery().seq)
    )
    publish(1, 2, stream="a")
    publish(1, stream="b")
    held, release = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            OutboxEvent.objects.select_for_update().get(stream="a", seq=1)
            held.set()
            release.wait(10)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    assert relay.deliver_due() == 1
    assert notes.read() == [("b", 1)]
    publish(3, stream="a")  # and publishers do not wait for whoever delivers
    release.set()
    holder.join()
    assert relay.deliver_due() == 3
