"""Columns for money, prices and quantities, and the constraint that they hold real numbers."""

from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Q

MOST = Decimal("1e20")  # every amount stays below: 38 digits, 18 of them after the point


def amount(**options: Any) -> "models.DecimalField[Any, Any]":
    """A column for an exact amount: up to 20 digits before the point and 18 after."""
    return models.DecimalField(max_digits=38, decimal_places=18, **options)


def is_number(*fields: str, positive: bool = False) -> Q:
    """A condition for a `CheckConstraint`: each field is a number between the bounds, or NULL.

    PostgreSQL's numeric knows NaN, which sorts above every number, and infinities: only an upper
    and a lower bound keep them out. With `positive` each field must also be greater than zero.
    """
    condition = Q()
    for field in fields:
        lower = {f"{field}__gt": 0} if positive else {f"{field}__gt": -MOST}
        condition &= Q(**lower, **{f"{field}__lt": MOST})
    return condition
