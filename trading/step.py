"""A step of the loop: what `decide` yields and `ooda.act` takes. Pure."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    trade_id: UUID
    correlation_id: str = ""
