"""The decision log: why a plan was placed or refused, as it was judged, in a keyed hash chain.

One chain per account; the caller holds the account's risk row, so numbers are contiguous. The
payload is canonical JSON of ids and figures only, kept as the very text that was hashed.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.conf import settings

from trading.models import Decision


def record(account_id: UUID, kind: str, facts: Mapping[str, object]) -> Decision:
    """Append one decision. Call it inside the transaction that holds the account's risk row."""
    last = Decision.objects.filter(account_id=account_id).order_by("-number").first()
    number, before = (last.number + 1, last.hash) if last else (1, "")
    payload = json.dumps(
        {"account": account_id, "number": number, "kind": kind, **facts},
        default=_plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True,
    )  # fmt: skip
    return Decision.objects.create(
        account_id=account_id,
        number=number,
        kind=kind,
        payload=payload,
        hash=chained(before, payload),
    )


def chained(before: str, payload: str) -> str:
    """HMAC-SHA256 over the previous link's hash and this payload."""
    key = hashlib.sha256(b"decision-chain|" + settings.SECRET_KEY.encode()).digest()
    return hmac.new(key, f"{before}|{payload}".encode(), hashlib.sha256).hexdigest()


def breaks(account_id: UUID) -> Iterator[str]:
    """What is wrong with an account's chain, a sentence a break; nothing where it is whole."""
    before, expected = "", 1
    for link in Decision.objects.filter(account_id=account_id).order_by("number").iterator():
        if link.number != expected:
            yield f"Decision {expected} of account {account_id} is missing."
        if link.hash != chained(before, link.payload):
            yield f"Decision {link.number} of account {account_id} was changed."
        before, expected = link.hash, link.number + 1


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"A decision holds ids and figures only, not {type(value).__name__}.")
