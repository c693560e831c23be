"""The values of limits as text and back, and what a wish may be at all."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from risk.limits import CAPS, RESET_ZONE, said
from risk.wording import plain


class LimitRefused(Exception):
    """A wish that can never come true. The message says what can."""

    def __init__(self, field: str, value: object, message: str) -> None:
        super().__init__(message)
        self.field, self.value = field, value


def check(wanted: Mapping[str, Any]) -> None:
    """Raises: LimitRefused, for a name, kind or value the protocol does not have."""
    for name, value in wanted.items():
        if name == RESET_ZONE:
            if value not in _zones():
                example = "Write an IANA time zone, for example Europe/Berlin."
                raise LimitRefused(name, value, example)
            continue
        if name not in CAPS:
            raise LimitRefused(name, value, f"No such limit. Known: {', '.join(CAPS)}.")
        least, most = CAPS[name]
        if type(value) is not type(most):
            raise LimitRefused(name, value, f"Send a {type(most).__name__}.")
        known = not isinstance(value, Decimal) or value.is_finite()
        if not known or not least <= value <= most:
            raise LimitRefused(
                name,
                value,
                f"Choose a value from {as_text(least)} to {as_text(most)}: "
                "nobody may go beyond, staff included.",
            )


def as_text(value: Any) -> str:
    """A limit's value as it is stored and sent: "0.01", "5", "true", "Europe/Berlin"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return plain(value) if isinstance(value, Decimal) else str(value)


def from_text(name: str, text: str) -> Any:
    """The value `as_text` wrote."""
    if name == RESET_ZONE:
        return text
    kind = type(CAPS[name][1])
    return text == "true" if kind is bool else kind(text)


def said_text(name: str, text: str) -> str:
    """A stored value as people say it: `1 % of equity`."""
    return said(name, from_text(name, text))


@cache
def _zones() -> frozenset[str]:
    """Every IANA zone this machine knows; looked up once, for it reads many files."""
    return frozenset(available_timezones())
