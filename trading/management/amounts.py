"""Amounts and moments as arguments of staff commands: the same plain decimals the API takes."""

import re
from argparse import ArgumentTypeError
from datetime import datetime
from decimal import Decimal

_AMOUNT = re.compile(r"\d{1,18}(\.\d{1,18})?", re.ASCII)


def figure(text: str) -> Decimal:
    """Zero or more. Raises: ArgumentTypeError, which argparse shows with the option's name."""
    if not _AMOUNT.fullmatch(text):
        raise ArgumentTypeError(
            f"{text[:40]!a} is no amount: write plain digits with a dot, like 60000.5"
        )
    return Decimal(text)


def moment(text: str) -> datetime:
    """ISO 8601 with an offset. Raises: ArgumentTypeError."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        value = None
    if value is None or value.tzinfo is None:
        raise ArgumentTypeError(
            f"{text[:40]!a} is no moment: write it like 2026-11-24T18:00:00+00:00"
        )
    return value


def positive(text: str) -> Decimal:
    """More than zero. Raises: ArgumentTypeError."""
    value = figure(text)
    if value == 0:
        raise ArgumentTypeError("0 is too small: write an amount above 0")
    return value
