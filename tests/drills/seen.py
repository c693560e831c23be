"""What a drill saw of an account from outside, and what it found: the values of `invariants`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from tests.drills.ledger import VenueLedger
from trading.client_ids import client_id
from trading.models import ExchangeAccount

RECV_WINDOW = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Finding:
    """One promise that was broken, and how."""

    invariant: str
    text: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.text}"


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that opens risk, as the exchange's door saw it."""

    at: datetime
    account: int
    client_id: str
    signed_at: datetime

    @property
    def is_stale(self) -> bool:
        """A process stopped in between sends too late: the exchange refuses it (R5)."""
        return self.at - self.signed_at > RECV_WINDOW


@dataclass(frozen=True, slots=True)
class Span:
    """From when until when something held; None: it still does."""

    since: datetime
    until: datetime | None = None

    def holds(self, moment: datetime) -> bool:
        return self.since <= moment and (self.until is None or moment < self.until)


@dataclass(slots=True)
class Seen:
    """What a drill saw from outside while it ran; what it cannot see stays empty."""

    account: ExchangeAccount
    venue: VenueLedger
    entries: list[Sent] = field(default_factory=list)  # requests that open risk
    halts: list[Span] = field(default_factory=list)
    bans: list[Span] = field(default_factory=list)  # from when one of us had heard of each
    requests: list[datetime] = field(default_factory=list)  # when they left us
    unreachable: list[Span] = field(default_factory=list)  # the exchange, for us
    database_down: list[Span] = field(default_factory=list)
    unheard: list[Span] = field(default_factory=list)  # a stream that fell silent (F19, F20)
    jumps: set[tuple[str, datetime]] = field(default_factory=set)  # of a symbol's price (F26)
    excused: set[str] = field(default_factory=set)  # client ids whose orders a fault has hurt
    most_weight: int = 0
    by_hand: set[int] = field(default_factory=set)  # exchange order ids the trader touched himself
    strangers: list[str] = field(default_factory=list)  # frames that reached the wrong group

    def excuses(self, trade_id: str) -> bool:
        """Whether a fault has hurt an order or a list of the trade at the exchange."""
        prefix = client_id(UUID(trade_id), "E")[:-5]
        return any(hurt.startswith(prefix) for hurt in self.excused)
