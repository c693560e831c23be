"""Facts that exist for these tests only."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from testudo.events.bus import Event


class Side(StrEnum):
    BUY = "BUY"


@dataclass(frozen=True, slots=True)
class Part:
    price: Decimal
    venue: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted(Event):
    name: ClassVar[str] = "tests.counted"
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamed(Event):
    name: ClassVar[str] = "tests.renamed"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything(Event):
    name: ClassVar[str] = "tests.everything"
    key: UUID
    amount: Decimal
    moment: datetime
    day: date
    side: Side
    count: int
    text: str
    flag: bool
    maybe: Decimal | None
    absent: Decimal | None
    many: tuple[Decimal, ...]
    pair: tuple[str, int]
    by_name: dict[str, Decimal]
    parts: tuple[Part, ...]
