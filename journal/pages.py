"""Pages of journal entries by key: as quick at the ten-thousandth as at the first."""

from uuid import UUID

from journal.models import JournalEntry, JournalEntryQuerySet


class UnknownCursor(LookupError):
    """No entry to go on from. The message says what to use."""


def page_of(
    entries: JournalEntryQuerySet, cursor: UUID | None, *, limit: int
) -> tuple[list[JournalEntry], UUID | None]:
    """The newest entries behind `cursor` (a trade's key), and the cursor of the next page.

    Raises: UnknownCursor.
    """
    rows = entries.newest_first()
    if cursor is not None:
        last = entries.filter(pk=cursor).first()
        if last is None:
            raise UnknownCursor("Use the `next` of the page before.")
        rows = entries.after(last)
    page = list(rows[: limit + 1])
    more = len(page) > limit
    page = page[:limit]
    return page, page[-1].trade_id if more else None
