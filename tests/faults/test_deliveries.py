"""The relay and its listeners die: one effect, whatever is told again (F45, F46)."""

import pytest
from django.db import transaction

from tests.events.conftest import notes, only_these_listeners
from tests.events.facts import Counted
from testudo.events import bus, relay
from testudo.events.models import InboxEntry, OutboxEvent

__all__ = ["notes", "only_these_listeners"]


class Died(BaseException):
    """The process is gone here."""


def publish(number: int) -> None:
    with transaction.atomic():
        bus.publish(Counted(number=number), stream="a")


def test_f45_a_relay_that_dies_before_it_marks_the_event_has_one_effect(notes, monkeypatch):
    @bus.subscribe(Counted, consumer="notes")
    def note(event):
        notes.write("a", event.number)

    publish(1)
    hear = relay._hear

    def die_after(row):
        hear(row)
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(relay, "_hear", die_after)
        with pytest.raises(Died):
            relay.deliver_due()
    assert OutboxEvent.objects.filter(delivered_at=None).count() == 1
    assert relay.deliver_due() == 1
    assert notes.read() == [("a", 1)]
    assert InboxEntry.objects.count() == 1


def test_f46_a_listener_that_dies_after_its_effect_leaves_neither_effect_nor_inbox(notes):
    dies = [True]

    @bus.subscribe(Counted, consumer="notes")
    def note(event):
        notes.write("a", event.number)
        if dies:
            dies.clear()
            raise Died

    publish(1)
    with pytest.raises(Died):
        relay.deliver_due()
    assert notes.read() == []
    assert InboxEntry.objects.count() == 0
    assert relay.deliver_due() == 1
    assert notes.read() == [("a", 1)]
