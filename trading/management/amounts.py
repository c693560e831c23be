"""Amounts as arguments of staff commands: the same plain decimals the API takes."""

import re
from argparse import ArgumentTypeError
from decimal import Decimal

_AMOUNT = re.compile(r"\d{1,18}(\.\d{1,18})?", re.ASCII)


def figure(text: str) -> Decimal:
    """Zero or more. Raises: ArgumentTypeError, which argparse shows with the option's name."""
    if not _AMOUNT.fullmatch(text):
        raise ArgumentTypeError(
            f"{text[:40]!a} is no amount: write plain digits with a dot, like 60000.5"
        )
    return Decimal(text)


def positive(text: str) -> Decimal:
    """More than zero. Raises: ArgumentTypeError."""
    value = figure(text)
    if value == 0:
        raise ArgumentTypeError("0 is too small: write an amount above 0")
    return value
