"""A slice of the schedules: some seeds hold every invariant, and every planted bug is caught.

The whole figures are the drill's own: `python -m tests.drills schedules --seeds 1000`.
"""

import logging

import pytest

from tests.drills.plants import PLANTS
from tests.drills.play import play
from tests.drills.schedules import MOST_S, report

SEEDS = range(1, 5)
# Where each bug was first caught. A change of the product may shift what a seed does, so the seeds
# after it are tried too.
CAUGHT_BY = {
    "blind-retry": 8, "no-lock": 2, "memory-breaker": 12, "trade-id-alone": 4, "gross-stop": 11,
    "arrival-order": 4, "no-protection": 3, "cash-twice": 2, "claim-twice": 5,
    "signed-at-call": 44,
}  # fmt: skip
RARE = ("resend-in-window", "absent-at-once")  # many seeds each
TRIES = 40

pytestmark = pytest.mark.django_db(transaction=True)  # processes that die see real commits


@pytest.fixture(autouse=True)
def _quiet():
    """Hundreds of faults are no news."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_a_few_schedules_break_no_invariant():
    outcomes = [play(seed) for seed in SEEDS]
    found = report(outcomes, seconds=1, verbose=True)
    assert found["first_findings"] == []
    assert found["naked_s_max"] <= MOST_S
    assert found["trades"] >= len(SEEDS), "else nothing was at stake"


def test_a_seed_plays_the_same_schedule_again():
    first, again = play(3), play(3)
    assert (first.did, first.faults, first.naked) == (again.did, again.faults, again.naked)


def test_no_planted_bug_is_left_out():
    assert {*CAUGHT_BY, *RARE} == PLANTS.keys()


@pytest.mark.timeout(600)  # where the bug has moved away from its seed
@pytest.mark.parametrize(
    "bug", [*CAUGHT_BY, *(pytest.param(bug, marks=pytest.mark.slow) for bug in RARE)]
)
def test_a_planted_bug_is_caught(bug):
    """It counts only where the same schedule without the bug finds nothing."""
    first = CAUGHT_BY.get(bug, 1)
    for seed in range(first, first + TRIES):
        if play(seed, plant=bug).findings and not play(seed, plant=bug, bug=False).findings:
            return
    pytest.fail(f"{PLANTS[bug].says}: no schedule from {first} on found it")
