"""Read-only questions other apps may ask of the journal, answered with frozen values."""

from uuid import UUID

from journal.models import JournalEntry
from journal.statistics import Statistics, statistics

__all__ = ["Statistics", "statistics_of"]


def statistics_of(account_id: UUID) -> Statistics:
    """What the closed trades of one account say so far."""
    entries = JournalEntry.objects.filter(account_id=account_id)
    return statistics(entries.values_list("r_multiple", flat=True))
