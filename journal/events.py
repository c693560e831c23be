"""The facts of the journal that others may rely on."""

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from testudo.events.bus import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntryWritten(Event):
    """A closed trade now stands in the journal, with its R."""

    name: ClassVar[str] = "journal.entry_written"
    account_id: UUID
    trade_id: UUID
    user_id: UUID
    symbol: str
    currency: str
    profit: Decimal  # net of fees
    r_multiple: Decimal
    text: str  # the fact in one plain sentence, for the page
