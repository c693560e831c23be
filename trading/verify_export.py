#!/usr/bin/env python3
"""Verify an exported decision log. Needs Python 3.8 or newer and nothing else.

    python3 verify.py                 the files beside this script
    python3 verify.py FOLDER          the files of that folder
    python3 verify.py --head DIGEST   and that the log contains the head you were mailed

Each record is bound to the one before by SHA-256 over the previous digest, a bar, and the record's
own text. A record that was changed, dropped, added or moved breaks the chain from there on. Someone
who rewrote the whole log could bind it anew: therefore compare with a head you kept, the one in the
mail of any day. Exit code 0: everything holds. 1: it does not. 2: the files cannot be read.
"""

import argparse
import hashlib
import json
import pathlib
import sys


def link(before, payload):
    return hashlib.sha256((before + "|" + payload).encode("utf-8")).hexdigest()


def records(folder):
    with open(str(folder / "records.jsonl"), encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def problems(found, head, kept):
    """Everything that does not hold, a sentence each."""
    before, expected, digests = "", 1, set()
    account = None
    for record in found:
        number, payload = record["number"], record["payload"]
        said = json.loads(payload)
        if number != expected:
            yield f"Record {number} follows where {expected} should."
        if record["digest"] != link(before, payload):
            yield f"Record {number} was changed, or the one before it was."
        if said.get("number") != number or said.get("kind") != record["kind"]:
            yield f"Record {number} does not say what its line says."
        account = account or said.get("account")
        if said.get("account") != account:
            yield f"Record {number} is another account's."
        before, expected = record["digest"], number + 1
        digests.add(before)
    if head != f"{expected - 1} {before}".strip():
        yield "The log does not end with the head in head.txt: records are missing or were added."
    if kept and kept not in digests:
        yield "The head you kept is not in this log: it was rewritten, or it is another account's."


def main(arguments):
    parser = argparse.ArgumentParser(description="Verify an exported decision log.")
    parser.add_argument("folder", nargs="?", help="where records.jsonl is; default: beside this")
    parser.add_argument("--head", default="", help="a head you were mailed, to be found in the log")
    asked = parser.parse_args(arguments)
    folder = pathlib.Path(asked.folder or pathlib.Path(__file__).resolve().parent)
    try:
        found = list(records(folder))
        head = (folder / "head.txt").read_text(encoding="utf-8").strip()
        wrong = list(problems(found, head, asked.head.strip().lower()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        sys.stderr.write(f"This export cannot be read: {error!r}\n")
        return 2
    for sentence in wrong:
        sys.stdout.write(sentence + "\n")
    if not wrong:
        sys.stdout.write(f"{len(found)} records, every link holds. Head: {head}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
