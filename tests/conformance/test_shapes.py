"""The shape checks themselves: what they must notice."""

import pytest

from tests.conformance.documented import SHAPES
from tests.conformance.shapes import Shapes

TABLE = Shapes({"A": "name:s count:i ?price:d inner:[B]", "B": "ok:b pair:(d,i)"})
GOOD = {"name": "x", "count": 1, "inner": [{"ok": True, "pair": ["1.0", 2]}]}


def test_a_documented_answer_conforms() -> None:
    assert TABLE.problems(GOOD, "A") == []
    assert TABLE.problems(GOOD | {"price": "1.5"}, "A") == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"extra": 1}, "A.extra: not documented"),
        ({"count": "1"}, "A.count: a whole number expected, got str '1'"),
        ({"count": True}, "A.count: a whole number expected, got bool True"),
        ({"price": 1.5}, "A.price: a decimal string expected, got float 1.5"),
        ({"price": "1E+5"}, "A.price: a decimal string expected, got str '1E+5'"),
        ({"inner": {}}, "A.inner: a list expected, got dict {}"),
        ({"inner": [{"pair": ["1", 2]}]}, "A.inner[].ok: missing"),
        ({"inner": [{"ok": True, "pair": ["1"]}]}, "A.inner[].pair: a list of 2 expected"),
    ],
)
def test_what_is_not_documented_is_named(change: dict[str, object], expected: str) -> None:
    problems = TABLE.problems(GOOD | change, "A")
    assert len(problems) == 1
    assert problems[0].startswith(expected)


def test_one_of_several_shapes_is_enough() -> None:
    assert TABLE.problems({"ok": True, "pair": ["1", 2]}, "A|B") == []
    assert TABLE.problems({"ok": 1, "pair": ["1", 2]}, "A|B") != []


def test_every_shape_that_is_named_exists() -> None:
    for name in SHAPES.names:
        SHAPES.problems({}, name)
