"""An account's whole decision log as a zip that anyone can verify without us."""

import json
import tempfile
import zipfile
from pathlib import Path
from typing import IO
from uuid import UUID

from django.db import transaction

from testudo import clock
from trading import decisions
from trading.models import Decision

IN_MEMORY = 1024 * 1024  # bytes; a larger export goes through a file
README = """Decision log of the Testudo account {account}, exported {at:%Y-%m-%d %H:%M} UTC.

records.jsonl  one record a line: number, kind, payload (the text that was hashed, ids and figures
               only), digest (SHA-256 over the previous digest, "|" and the payload), hash and
               key_id (the same with a key that only the server holds)
head.txt       number and digest of the last record
verify.py      python3 verify.py checks every link; --head DIGEST also looks for a head that was
               mailed to you. It needs nothing but Python; read it first if you like.

A sentence someone wrote stands here only as its SHA-256 and its length.
"""


def export(account_id: UUID) -> IO[bytes]:
    """The zip as an open file, at its beginning. Close it."""
    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, transaction.atomic():
        number, digest = decisions.head(account_id)
        rows = Decision.objects.filter(account_id=account_id, number__lte=number)
        with archive.open("records.jsonl", "w") as lines:
            for row in rows.order_by("number").iterator(chunk_size=500):
                lines.write(_line(row).encode())
        archive.writestr("head.txt", f"{number} {digest}\n")
        archive.writestr("verify.py", verifier())
        archive.writestr("README.txt", README.format(account=account_id, at=clock.now()))
    file.seek(0)
    return file


def verifier() -> str:
    """The stand-alone script's own text."""
    return Path(__file__).with_name("verify_export.py").read_text(encoding="utf-8")


def _line(row: Decision) -> str:
    facts = {
        "number": row.number,
        "kind": row.kind,
        "payload": row.payload,
        "digest": row.digest,
        "hash": row.hash,
        "key_id": row.key_id,
    }
    return json.dumps(facts, sort_keys=True, separators=(",", ":")) + "\n"
