from dataclasses import dataclass
from typing import ClassVar

from testudo.events.bus import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked(Event):
    name: ClassVar[str] = "tests.worked"
    how: str
