"""The decision log: what was decided and by which figures, in an append-only chain per account.

The caller holds the account's risk row, so numbers are contiguous. The payload is canonical JSON
(sorted keys, no spaces, ASCII) of ids and figures only, kept as the very text that was hashed. Two
hashes bind each record to the one before: a plain SHA-256 anyone can recompute from an export, and
a keyed HMAC only this server can make (`decision_keys`). A sentence or anything a person wrote is
replaced by its SHA-256: the log proves it without holding it, so it can be erased elsewhere.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from testudo import clock
from testudo.db.batch import Batch
from testudo.db.ids import new_id
from trading import decision_keys
from trading.decision_facts import MICROSECOND, SOME
from trading.models import Decision, DecisionHead

KINDS = (
    "placed", "refused", "released", "release_refused", "limit_changed", "halted", "resumed",
    "breaker", "adopted", "holding", "flattened",
)  # fmt: skip
# Codes, figures, ids, moments, time zones: no spaces, no @, nothing long.
FIGURE_OR_ID = re.compile(r"[A-Za-z0-9_.:+\-/]{0,64}|#", re.ASCII)
CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME
OWN = frozenset({"id", "account", "number", "kind", "at"})  # written here, not by the caller
# Whatever stands under these names was written by a person, or for one: only its hash is kept.
WORDED = frozenset({"reason", "note", "text", "setup", "message", "state_reason", "detail"})
PLAIN = frozenset({bool, int, type(None), Decimal, datetime, timedelta, UUID})
START = ""  # what the first record is bound to


@dataclass(frozen=True, slots=True)
class Break:
    """One place where a chain does not hold."""

    number: int
    text: str


class Head(NamedTuple):
    """The newest record of a chain, which the next one is bound to."""

    number: int
    digest: str
    hash: str


def head_of(columns: Sequence[str] | None) -> Head:
    """From (number, digest, hash) as text; before the first record nothing is bound."""
    return Head(int(columns[0]), columns[1], columns[2]) if columns else Head(0, START, START)


def record(
    account_id: UUID,
    kind: str,
    facts: Mapping[str, object],
    *,
    after: Head | None = None,
    batch: Batch | None = None,
) -> Decision:
    """Append one decision. Call it inside the transaction that holds the account's risk row.

    `after`: the chain's head, where the caller has read it since it holds the row. With a `batch`
    the record is written when that is run.

    Raises: ValueError, for an unknown kind or a name the record writes itself; TypeError, for
    what is neither id nor figure.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind} is no kind of decision. Use one of: {', '.join(KINDS)}.")
    if taken := OWN & facts.keys():
        raise ValueError(f"{', '.join(sorted(taken))}: the record writes this itself.")
    last = after or _head(account_id)
    number, own_id, at = last.number + 1, new_id(), clock.now()
    payload = canonical(
        {
            "id": own_id, "account": account_id, "number": number, "kind": kind, "at": at,
            **figures_only(facts),
        }
    )  # fmt: skip
    key_id, key = decision_keys.signing()
    decision = Decision(
        id=own_id,
        account_id=account_id,
        number=number,
        kind=kind,
        payload=payload,
        digest=plain_link(last.digest, payload),
        hash=keyed_link(key, key_id, last.hash, payload),
        key_id=key_id,
        created_at=at,
    )
    if batch is None:
        decision.save(force_insert=True)
    else:
        batch.insert(decision)
    return decision


def _head(account_id: UUID) -> Head:
    rows = Decision.objects.filter(account_id=account_id).order_by("-number")
    return head_of(rows.values_list("number", "digest", "hash").first())


def canonical(facts: Mapping[str, Any]) -> str:
    """One text for one set of facts, ASCII, names in order, no spaces: the bytes that are hashed.

    Raises: TypeError, for what is neither id nor figure; ValueError, for letters beyond ASCII.
    """
    text = orjson.dumps(facts, default=_plain, option=CANONICAL)
    return text.decode("ascii")


def plain_link(before: str, payload: str) -> str:
    """SHA-256 over the previous digest and this payload: what an export is verified by."""
    return hashlib.sha256(f"{before}|{payload}".encode()).hexdigest()


def keyed_link(key: bytes, key_id: str, before: str, payload: str) -> str:
    """HMAC-SHA256 over the key's id, the previous hash and this payload."""
    bound = f"{before}|{payload}" if key_id == decision_keys.LEGACY else (
        f"{key_id}|{before}|{payload}"
    )  # fmt: skip
    return hmac.new(key, bound.encode(), hashlib.sha256).hexdigest()


def figures_only(value: Any) -> Any:
    """The value with every sentence in it replaced by its SHA-256 and length."""
    kind = type(value)  # asked for some 500 values of a record, while others wait for the account
    if kind is str:
        return value if _is_figure_or_id(value) else _hashed(value)
    if kind in PLAIN:
        return value
    if kind is dict or isinstance(value, Mapping):
        found = {}
        for key, each in value.items():
            if key in WORDED and each:
                found[_name(key)] = _hashed(each)
            else:  # most are figures: not worth a call each
                found[_name(key)] = each if type(each) in PLAIN else figures_only(each)
        return found
    if isinstance(value, list | tuple):
        return [figures_only(each) for each in value]
    if isinstance(value, set | frozenset):
        return sorted(figures_only(each) for each in value)
    if isinstance(value, str) and not _is_figure_or_id(value):
        return _hashed(value)
    if isinstance(value, float):
        raise TypeError("A decision holds exact figures only, not float.")
    return value


@lru_cache(maxsize=4096)  # the same codes and names stand in every record
def _is_figure_or_id(text: str) -> bool:
    return FIGURE_OR_ID.fullmatch(text) is not None


def _hashed(words: object) -> object:
    if words == SOME or isinstance(words, Mapping):  # no words any more
        return words
    text = str(words)
    return {"sha256": hashlib.sha256(text.encode()).hexdigest(), "chars": len(text)}


def _name(key: object) -> str:
    if isinstance(key, str) and _is_figure_or_id(key):
        return key
    raise TypeError(f"A decision's facts are named by codes, not {key!r}.")


def head(account_id: UUID) -> tuple[int, str]:
    """(number, digest) of the newest record; (0, "") where there is none."""
    rows = Decision.objects.filter(account_id=account_id).order_by("-number")
    return rows.values_list("number", "digest").first() or (0, START)


def breaks(account_id: UUID, *, after: DecisionHead | None = None) -> Iterator[Break]:
    """What is wrong with an account's chain, one by one; nothing where it is whole.

    `after`: walk only from the record of this head on, which was verified when it was taken. The
    record itself is looked at again, and must still be the one that was vouched for.
    """
    first = after.number if after is not None else 1
    links = Decision.objects.filter(account_id=account_id)
    before = links.filter(number=first - 1).values_list("digest", "hash").first()
    digest, keyed = before or (START, START)
    heads = dict(
        DecisionHead.objects.filter(account_id=account_id, number__gte=first)
        .values_list("number", "digest")
    )  # fmt: skip
    expected = first
    for link in links.filter(number__gte=first).order_by("number").iterator(chunk_size=500):
        if link.number != expected:
            yield Break(expected, f"Records {expected} to {link.number - 1} are missing.")
        if why := _wrong_with(link, digest, keyed):
            yield Break(link.number, f"Record {link.number} {why}.")
        witnessed = heads.pop(link.number, link.digest)
        if witnessed != link.digest:
            yield Break(link.number, f"Record {link.number} is not the one whose head was mailed.")
        digest, keyed, expected = link.digest, link.hash, link.number + 1
    for number in sorted(heads):
        yield Break(number, f"Record {number}, whose head was mailed, is missing.")


def intact(decision: Decision) -> bool:
    """Whether this record is what was written, bound to the one stored before it."""
    before = (
        Decision.objects.filter(account_id=decision.account_id, number=decision.number - 1)
        .only("digest", "hash")
        .first()
    )
    if before is None and decision.number != 1:
        return False
    bound = (before.digest, before.hash) if before else (START, START)
    return not _wrong_with(decision, *bound)


def _wrong_with(link: Decision, digest: str, keyed: str) -> str:
    """What is wrong with one record; "" where nothing is."""
    key = decision_keys.verifying(link.key_id)
    if key is None:
        return f"is signed with the key {link.key_id}, which is not in DECISION_KEYS"
    if link.digest != plain_link(digest, link.payload):
        return "was changed, or the one before it was"
    if not hmac.compare_digest(link.hash, keyed_link(key, link.key_id, keyed, link.payload)):
        return "was not written by this server"
    if not _columns_agree(link):
        return "was changed beside its payload"
    return ""


def _columns_agree(link: Decision) -> bool:
    """The columns repeat the payload for queries; they must not tell another story."""
    said = json.loads(link.payload)
    agrees = (said["account"], said["number"], said["kind"]) == (
        str(link.account_id), link.number, link.kind,
    )  # fmt: skip
    if "id" in said:  # absent in records written before keys had ids
        agrees = agrees and said["id"] == str(link.pk)
        agrees = agrees and datetime.fromisoformat(said["at"]) == link.created_at
    return agrees


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise TypeError("A decision holds finite figures only.")
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, timedelta):
        return value // MICROSECOND
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"A decision holds ids and figures only, not {type(value).__name__}.")
