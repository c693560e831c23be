"""Fields that take what they say and nothing else, and whose refusals name the way out."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from testudo.web.parsers import JSONFloat

AMOUNT = r"^\d{1,18}(\.\d{1,18})?$"
_AMOUNT = re.compile(AMOUNT, re.ASCII)
_COMMA_DECIMAL = re.compile(r"^(\d{1,18}),(\d{1,18})$", re.ASCII)
_NUMBERS = (int, JSONFloat, float)


def plain(amount: Decimal) -> str:
    """An amount written out: no exponent, no trailing zeros, no minus zero."""
    text = format(amount, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


@extend_schema_field({"type": "string", "pattern": AMOUNT, "example": "64000.5"})
class AmountField(serializers.Field[Decimal, str, str, Any]):
    """Money, a price, a quantity or a fraction: a plain decimal in a string, greater than zero.

    At most 18 digits before the point and 18 after. `zero=True` takes zero too.
    """

    def __init__(self, *, zero: bool = False, **options: Any) -> None:
        self.zero = zero
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> Decimal:
        if not isinstance(data, str):
            raise serializers.ValidationError(_say_string(data))
        if not _AMOUNT.fullmatch(data):
            raise serializers.ValidationError(_say_plain(data))
        amount = Decimal(data)
        if not amount and not self.zero:
            raise serializers.ValidationError("It must be greater than zero.")
        return amount

    def to_representation(self, value: Decimal) -> str:
        return plain(value)


def _say_string(data: Any) -> str:
    if isinstance(data, _NUMBERS) and not isinstance(data, bool):
        return f'Send it as a string, "{str(data)[:40]}": a JSON number may lose digits.'
    return 'Send it as a string, for example "64000.5".'


def _say_plain(data: str) -> str:
    if comma := _COMMA_DECIMAL.fullmatch(data):
        return f'Write "{comma[1]}.{comma[2]}", with a dot.'
    if re.fullmatch(r"[+-]?[\d.]+[eE][+-]?\d+", data, re.ASCII):
        return "Write the number out, without an exponent."
    if data.startswith("-"):
        return "It must be greater than zero, without a sign."
    if re.fullmatch(r"\d+(\.\d+)?", data, re.ASCII):
        return "Use at most 18 digits before the point and 18 after it."
    return 'Write digits 0-9 with at most one dot between them, for example "64000.5".'


@extend_schema_field({"type": "string", "pattern": "^[A-Z0-9]{3,20}$", "example": "BTCUSDT"})
class SymbolField(serializers.Field[str, str, str, Any]):
    """The name of a symbol, as the exchange writes it."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or not re.fullmatch(r"[A-Z0-9]{3,20}", data, re.ASCII):
            raise serializers.ValidationError(
                "Write the symbol as the exchange does, for example BTCUSDT."
            )
        return data

    def to_representation(self, value: str) -> str:
        return value


@extend_schema_field(OpenApiTypes.DATETIME)
class MomentField(serializers.Field[datetime, str, str, Any]):
    """A moment in ISO 8601 with its offset, in the lifetime of this market."""

    EARLIEST = datetime(2009, 1, 3, tzinfo=UTC)  # the first block
    LATEST = datetime(2100, 1, 1, tzinfo=UTC)

    def to_internal_value(self, data: Any) -> datetime:
        try:
            moment = datetime.fromisoformat(data) if isinstance(data, str) else None
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None or not data.isascii():
            raise serializers.ValidationError(
                "Write an ISO 8601 moment with its offset, for example 2026-11-23T12:00:00Z."
            )
        try:
            moment = moment.astimezone(UTC)
        except OverflowError:
            moment = datetime.max.replace(tzinfo=UTC)
        if not self.EARLIEST <= moment < self.LATEST:
            raise serializers.ValidationError("Choose a moment between 2009 and 2100.")
        return moment

    def to_representation(self, value: datetime) -> str:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


@extend_schema_field({"type": "string", "pattern": r"^\d{1,9}$", "example": "14"})
class CountField(serializers.Field[int, str, str, Any]):
    """A whole number in a string, from `least` to `most`."""

    def __init__(self, *, least: int, most: int, **options: Any) -> None:
        self.least, self.most = least, most
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, str) or not re.fullmatch(r"\d{1,9}", data, re.ASCII):
            raise serializers.ValidationError('Send a whole number as a string, for example "14".')
        if not self.least <= int(data) <= self.most:
            raise serializers.ValidationError(f"Give {self.least} to {self.most}.")
        return int(data)

    def to_representation(self, value: int) -> str:
        return str(value)


@extend_schema_field({"type": "integer", "minimum": 1})
class LimitField(serializers.IntegerField):
    """How many to return: at least 1; more than `most` is taken as `most`."""

    def __init__(self, *, most: int, **options: Any) -> None:
        self.most = most
        super().__init__(min_value=1, **{"required": False, "default": most, **options})

    def to_internal_value(self, data: Any) -> int:
        if not re.fullmatch(r"-?\d{1,18}", str(data), re.ASCII):
            raise serializers.ValidationError("Write a whole number.")
        return min(int(str(data)), self.most)


@extend_schema_field({"type": "integer"})
class WholeField(serializers.Field[int, int, int, Any]):
    """A whole number, sent as one: not "5", not 5.0, not true."""

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int or abs(data) > 10**9:
            raise serializers.ValidationError("Send a whole number, for example 5.")
        return data

    def to_representation(self, value: int) -> int:
        return value


@extend_schema_field({"type": "boolean"})
class SwitchField(serializers.Field[bool, bool, bool, Any]):
    """true or false, and nothing that only looks like it."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("Send true or false.")
        return data

    def to_representation(self, value: bool) -> bool:
        return value


class ReasonField(serializers.CharField):
    """Some words of a person's own: printable, at most 200 characters, not empty."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_length": 200, "min_length": 1, **options})

    def to_internal_value(self, data: Any) -> str:
        text = str(super().to_internal_value(data))
        if not isinstance(data, str) or not text.isprintable():
            raise serializers.ValidationError("Write a line of text.")
        return text
