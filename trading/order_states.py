"""All that can happen to an order. `bookkeeping.py` translates Binance's own states."""

from django.db import models


class State(models.TextChoices):
    PLANNED = "planned"  # written, nothing sent
    SENDING = "sending"  # claimed by one worker; may be on the wire
    UNKNOWN = "unknown"  # sent, no clear answer: it is looked up; an entry is never sent again
    WAITING = "waiting"  # accepted as the leg of a list; rests once the entry has filled whole
    OPEN = "open"
    PARTLY_FILLED = "partly_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"


_ANSWERS = {
    State.WAITING, State.OPEN, State.PARTLY_FILLED, State.FILLED,
    State.CANCELED, State.EXPIRED, State.REJECTED,
}  # fmt: skip

NEXT: dict[State, set[State]] = {
    # _ANSWERS: it had been sent before it was planned again, or before our books were restored.
    State.PLANNED: _ANSWERS | {State.SENDING},
    State.SENDING: _ANSWERS | {State.UNKNOWN},  # EXPIRED: a fill-or-kill that missed
    # PLANNED: a protective order that was not found is sent again under the same ids (R4).
    State.UNKNOWN: _ANSWERS | {State.PLANNED},
    State.WAITING: {State.OPEN, State.PARTLY_FILLED, State.FILLED, State.CANCELED, State.EXPIRED},
    State.OPEN: {State.PARTLY_FILLED, State.FILLED, State.CANCELED, State.EXPIRED},
    State.PARTLY_FILLED: {State.PARTLY_FILLED, State.FILLED, State.CANCELED, State.EXPIRED},
    State.CANCELED: {State.FILLED},  # a fill can overtake our cancel; the exchange is right
    # "Absent" can prove wrong, and so can a refusal of what was sent a second time under the same
    # ids: then the exchange's own word brings the order back.
    State.EXPIRED: {State.WAITING, State.OPEN, State.PARTLY_FILLED, State.FILLED, State.CANCELED},
    State.REJECTED: {State.WAITING, State.OPEN, State.PARTLY_FILLED, State.FILLED, State.CANCELED},
    State.FILLED: set(),
}

TERMINAL = frozenset({State.FILLED, State.CANCELED, State.EXPIRED, State.REJECTED})
UNSETTLED = frozenset({State.SENDING, State.UNKNOWN})
# What the exchange holds for us: a stop in one of these, bar WAITING, protects.
LIVE = frozenset({State.OPEN, State.PARTLY_FILLED})


class TradeState(models.TextChoices):
    """Where a trade stands. Follows from its orders and fills: see `positions.trade_state`."""

    APPROVED = "approved"  # recorded, its risk reserved, nothing sent
    ENTERING = "entering"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"
    EXPIRED = "expired"  # the entry never filled
    REJECTED = "rejected"  # the exchange refused the entry
    CANCELED = "canceled"  # withdrawn before it was sent


FINISHED = frozenset(
    {TradeState.CLOSED, TradeState.EXPIRED, TradeState.REJECTED, TradeState.CANCELED}
)


class IllegalMove(Exception):
    """An order was asked to go where `NEXT` does not lead."""
