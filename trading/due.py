"""Whether a moment that was written down is long enough ago, by a clock that may have been put
back. Pure."""

from datetime import datetime, timedelta

# Our clock may be put back (F15), or be behind the exchange's, whose moments are read too: a moment
# further ahead than this counts as over. Machines differ by less.
AHEAD = timedelta(seconds=1)
LONGEST_LOOK = timedelta(seconds=6)  # no look is put off further


def has_passed(age: timedelta, since: datetime, now: datetime) -> bool:
    """Whether so much time has passed since a moment that was written down."""
    return not -AHEAD <= now - since < age


def is_due(at: datetime, now: datetime) -> bool:
    """Whether a look that was put off is due."""
    return not now < at <= now + LONGEST_LOOK
