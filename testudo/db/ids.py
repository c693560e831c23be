"""Keys: UUIDv7, made by the writer of a row, so that they sort by time and need no round trip."""

import uuid

from uuid_utils.compat import uuid7


def new_id() -> uuid.UUID:
    """A fresh time-ordered key, a standard `uuid.UUID`; use it as a model field's `default`."""
    return uuid7()
