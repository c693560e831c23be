"""The tests are worth something: each planted bug turns them red."""

import pytest

from tests.planted import BUGS, ROOT, is_caught


@pytest.mark.slow
@pytest.mark.timeout(850)
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name.replace(" ", "_"))
def test_a_planted_bug_is_caught(bug):
    caught, last = is_caught(bug)
    assert caught, f"{bug.name} got through: {last}"


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name.replace(" ", "_"))
def test_every_bug_still_has_its_place(bug):
    assert (ROOT / bug.file).read_text().count(bug.old) == 1
