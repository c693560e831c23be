"""Answers are JSON whose amounts are strings, whatever a view left in them."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from django.utils.translation import gettext_lazy
from rest_framework.renderers import JSONRenderer

from testudo.web.renderers import OurJSONRenderer

AT = datetime(2026, 11, 23, 20, 0, 0, 250_000, tzinfo=UTC)


def written(data):
    return OurJSONRenderer().render(data).decode()


@pytest.mark.parametrize(
    "amount", ["0.1", "1E+3", "64000.50", "0.000000000000000001", "123456789.123456789012345678"]
)
def test_an_amount_that_is_left_over_is_written_to_its_last_digit(amount):
    assert written({"risk": Decimal(amount)}) == f'{{"risk":"{Decimal(amount):f}"}}'


def test_everything_else_is_written_as_upstream_does():
    said = {
        "at": AT, "day": AT.date(), "id": UUID(int=7), "said": gettext_lazy("halted"), "none": None,
        "list": [1, True, "Größe  "], "pair": (1, 2), "nested": {"a": {"b": []}},
    }  # fmt: skip
    theirs = JSONRenderer().render(said).decode()
    assert written(said) == theirs.replace("\\u2028", "\u2028").replace("\\u2029", "\u2029")


def test_no_answer_at_all_has_no_body_and_nonsense_is_an_error():
    assert written(None) == ""
    with pytest.raises(TypeError):
        OurJSONRenderer().render({"what": object()})
