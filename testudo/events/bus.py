"""Facts in the past tense: published in the transaction that made them true, heard exactly once.

`publish` writes a row beside the change it describes. The relay hands each row to its listeners,
strictly in order within one stream (an account is a stream), in any worker.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django.db import connection

from testudo import clock
from testudo.db.batch import Batch
from testudo.db.ids import new_id
from testudo.events import codec, wake
from testudo.events.models import OutboxEvent
from testudo.observability.correlation import correlation_id

E = TypeVar("E", bound="Event")

_by_name: dict[str, type["Event"]] = {}
_listeners: dict[type["Event"], list["Listener"]] = {}
_in_hand: ContextVar["Delivery"] = ContextVar("delivery")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened. It cannot be refused. Subclass it, frozen, with a `name`."""

    name: ClassVar[str]
    id: UUID = field(default_factory=new_id)
    at: datetime = field(default_factory=clock.now)

    def __init_subclass__(cls) -> None:
        name = cls.__dict__.get("name")
        if not isinstance(name, str) or not 1 <= len(name) <= 80:
            raise TypeError(f"{cls.__qualname__} needs a name such as 'trading.order_filled'.")
        # dataclass(slots=True) makes the class a second time; the later one is the real one.
        other = _by_name.get(name)
        if other and (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"{name} already names {other.__module__}.{other.__qualname__}.")
        _by_name[name] = cls


@dataclass(frozen=True, slots=True)
class Listener:
    """A function that hears of an event, known in the inbox by its consumer's name."""

    consumer: str
    hear: Callable[[Any], object]
    writes: bool = True  # to the database


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where the event in hand stands: its stream and its number there, counted from 1."""

    stream: str
    seq: int


def publish(event: Event, *, stream: str, batch: Batch | None = None) -> int:
    """Write the event in the caller's transaction. Returns its number within the stream, from 1.

    The stream's row stays locked until that transaction ends, so numbers have no gaps and commit
    in order. Whoever publishes to two streams takes them in one fixed order (account, then user).
    With a `batch` it is written when that is run; its number is not known yet, and 0 is returned.

    Raises: RuntimeError outside a transaction; TypeError, if a value breaks its annotation.
    """
    if not connection.in_atomic_block:
        raise RuntimeError(
            f"{event.name} was published outside a transaction. Publish inside the atomic block "
            "that makes the change, so that both are saved or neither."
        )
    statement, values = OutboxEvent.append(
        stream, event.name, codec.dump(event), id=event.id, correlation_id=correlation_id()
    )
    wake.after_commit(stream, urgent=any(each.writes for each in listeners(type(event))))
    if batch is not None:
        batch.add(statement, values)
        return 0
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.fetchone()[0])


def subscribe(
    *events: type[E], consumer: str = "", writes: bool = True
) -> Callable[[Callable[[E], None]], Callable[[E], None]]:
    """Let a function hear these events, and events derived from them. `Event` itself means all.

    The function runs in a transaction together with its inbox row (consumer, event): whatever it
    writes through the database happens exactly once. What leaves the database does not belong in
    it; hand that to `transaction.on_commit`. If it raises, it is called again later, and the
    events behind it in the same stream wait.

    A listener that writes nothing there needs no such row: with `writes=False` it has none, and
    hears an event again where another listener of the same event failed.

    `consumer` is the name in the inbox and must stay the same for good; by default it is the
    function's module and name.
    """

    def register(hear: Callable[[E], None]) -> Callable[[E], None]:
        listener = Listener(consumer or f"{hear.__module__}.{hear.__qualname__}", hear, writes)
        for event in events:
            known = _listeners.setdefault(event, [])
            if any(other.consumer == listener.consumer for other in known):
                raise ValueError(f"{listener.consumer} already listens to {event.__qualname__}.")
            known.append(listener)
        return hear

    return register


def listeners(event: type[Event]) -> list[Listener]:
    """Who hears this kind of event, each once, in the order they subscribed."""
    found = {known.consumer: known for cls in event.__mro__ for known in _listeners.get(cls, ())}
    return list(found.values())


def load(name: str, payload: dict[str, Any]) -> Event:
    """The event again, typed, from its row. Raises: LookupError, TypeError, ValueError."""
    if name not in _by_name:
        raise LookupError(f"No event is named {name}. Is its app installed?")
    return codec.parse(_by_name[name], payload)


def delivery() -> Delivery:
    """Inside a listener: the stream and number of the event being heard."""
    return _in_hand.get()


@contextmanager
def in_hand(stream: str, seq: int) -> Iterator[None]:
    """Used by the relay: lets a listener ask `delivery()`."""
    token = _in_hand.set(Delivery(stream, seq))
    try:
        yield
    finally:
        _in_hand.reset(token)
