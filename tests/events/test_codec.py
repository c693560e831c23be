"""Events survive the way through JSON with every value and type intact."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest

from tests.events.facts import Counted, Everything, Part, Side
from testudo.db.ids import new_id
from testudo.events import bus, codec

EVERYTHING = Everything(
    key=UUID("0192f0c1-2f4e-7e4e-8a4b-2f3d1c0b9a88"),
    amount=Decimal("0.100000000000000001"),
    moment=datetime(2026, 11, 23, 12, 30, 1, 123456, tzinfo=timezone(timedelta(hours=2))),
    day=date(2026, 11, 23),
    side=Side.BUY,
    count=2**63,
    text="naïve \u202e text",
    flag=False,
    maybe=Decimal("1E+3"),
    absent=None,
    many=(Decimal("1.10"), Decimal("-2")),
    pair=("BTCUSDT", 3),
    by_name={"USDT": Decimal("10000")},
    parts=(Part(Decimal("64000.00")), Part(Decimal(1), "paper")),
)


def test_every_kind_of_value_comes_back_equal_and_of_its_type():
    again = bus.load(EVERYTHING.name, json.loads(json.dumps(codec.dump(EVERYTHING))))

    assert again == EVERYTHING
    assert [type(v) for v in again.many] == [Decimal, Decimal]
    assert isinstance(again.parts[0], Part)
    assert str(again.many[0]) == "1.10"  # the scale is kept: the journal is rebuilt byte-equal


@pytest.mark.parametrize(
    ("field", "value", "advice"),
    [
        ("amount", 0.1, "Decimal"),
        ("amount", Decimal("NaN"), "finite"),
        ("count", True, "int, not bool"),
        ("flag", 1, "bool"),
        ("moment", datetime(2026, 11, 23), "time zone"),  # noqa: DTZ001
        ("day", datetime(2026, 11, 23, tzinfo=UTC), "date"),
        ("key", "0192f0c1-2f4e-7e4e-8a4b-2f3d1c0b9a88", "UUID"),
        ("by_name", {1: Decimal(1)}, "str"),
        ("pair", ("BTCUSDT",), "2 items"),
        ("many", (1.5,), "Decimal"),
    ],
)
def test_a_value_that_breaks_its_annotation_is_refused_by_name(field, value, advice):
    with pytest.raises(TypeError, match=f"{field}.*{advice}"):
        codec.dump(replace(EVERYTHING, **{field: value}))


def test_a_field_added_since_takes_its_default_and_an_unknown_one_is_refused():
    old = {"id": str(new_id()), "number": 1}
    assert bus.load("tests.counted", old).at.tzinfo is not None

    with pytest.raises(TypeError, match="no field nonsense"):
        bus.load("tests.counted", {**old, "nonsense": 1})


def test_a_name_that_no_app_knows_is_refused():
    with pytest.raises(LookupError, match="unheard_of"):
        bus.load("tests.unheard_of", {})


def test_two_events_cannot_share_a_name():
    with pytest.raises(TypeError, match="already names"):
        type("Impostor", (bus.Event,), {"name": Counted.name})
