"""Bugs planted on purpose: each breaks one promise, and the tests named beside it must go red.

`python -m tests.planted [NAME …]` copies the checkout, plants one bug at a time and runs the tests
that should catch it. It ends with one JSON object and exits 1 if a bug got through. It needs the
servers of `bin/test`; `bin/test --full tests/test_planted.py` brings them along.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "var", "node_modules", "__pycache__", ".*_cache", ".hypothesis", "docs"
)


@dataclass(frozen=True)
class Bug:
    """`old` stands exactly once in `file`; with `new` in its place, `caught_by` must fail."""

    name: str
    file: str
    old: str
    new: str
    caught_by: tuple[str, ...]


BUGS = [
    Bug(
        "a wrong size",
        "risk/sizing.py",
        "quantity = max(min(steps.values()), ZERO)",
        "quantity = max(min(steps.values()), ZERO) * 2",
        ("tests/risk/test_sizing.py", "tests/trading/test_path.py"),
    ),
    Bug(
        "the fees left out of the size",
        "trading/plan_inputs.py",
        "        entry=maker if resting else taker,\n        exit=taker,",
        "        entry=taker * 0,\n        exit=taker * 0,",
        ("tests/trading/test_path.py",),
    ),
    Bug(
        "the stop skipped",
        "trading/exchange/binance.py",
        '        return self._send("post", f"orderList/{bracket.kind.lower()}", fields, signed_at)',
        "        return self.place_order(bracket.symbol, bracket.entry, signed_at=signed_at)",
        ("tests/trading/test_path.py",),
    ),
    Bug(
        "a lost stop not put back",
        "trading/decide.py",
        "    else:\n        yield Protect(quantity=it.missing, **on)",
        "    else:\n        return",
        ("tests/trading/test_unknown_outcomes.py",),
    ),
    Bug(
        "a pair placed before the exchange is asked",
        "trading/decide.py",
        "        return self.trade.naked_since is not None and self.trade.polled_at is not None",
        "        return True",
        ("tests/trading/test_unknown_outcomes.py",),
    ),
    Bug(
        "the resubscribe dropped",
        "trading/exchange/user_stream.py",
        "            number = await _subscribe(socket, keys)",
        "            number = 0\n"
        "            if url not in _seen:\n"
        "                _seen.add(url)\n"
        "                number = await _subscribe(socket, keys)",
        ("tests/flows/test_main_job.py",),
    ),
    Bug(
        "a fill booked twice",
        "trading/bookkeeping.py",
        "        exchange_trade_id=report.trade_id,\n        order=order,",
        "        exchange_trade_id=report.trade_id + 10**9 * (1 + Fill.objects.count()),\n"
        "        order=order,",
        ("tests/trading/test_path.py",),
    ),
    Bug(
        "an unanswered order sent again",
        "trading/submission.py",
        "                _mark_unknown(order, outcome, opens=opens)",
        "                Order.objects.filter(pk=order.pk).update(state=State.PLANNED)",
        ("tests/trading/test_unknown_outcomes.py",),
    ),
    Bug(
        "a second claim won",
        "trading/submission.py",
        ".filter(pk__in=order_ids, state=State.PLANNED)",
        ".filter(pk__in=order_ids)",
        ("tests/trading/test_unknown_outcomes.py",),
    ),
    Bug(
        "another's account let in",
        "trading/models/accounts.py",
        "        return self.filter(user=user, removed_at=None)",
        "        return self.filter(removed_at=None)",
        ("tests/trading/test_api.py",),
    ),
]


def is_caught(bug: Bug) -> tuple[bool, str]:
    """Plant it in a copy and run its tests. Returns whether they went red, and their last words."""
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        copy = Path(folder) / "checkout"
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        path = copy / bug.file
        text = path.read_text()
        if text.count(bug.old) != 1:
            raise LookupError(f"{bug.name}: its place is not once in {bug.file}; mend the bug.")
        path.write_text(text.replace(bug.old, bug.new))
        if bug.name == "the resubscribe dropped":
            path.write_text(path.read_text() + "\n\n_seen: set[str] = set()\n")
        for _ in range(2):
            done = _run_tests(copy, bug.caught_by)
            words = done.stdout.strip().splitlines() or [done.stderr[-200:]]
            if " error" not in words[-1]:
                break  # one in a fixture, as where a busy machine starts no server, says nothing
    return done.returncode == 1 and " failed" in words[-1], "\n".join(words[-4:])


def _run_tests(copy: Path, paths: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *paths]
    return subprocess.run(
        command, cwd=copy, env=os.environ, capture_output=True, text=True, timeout=400, check=False
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="which bugs; all if left out")
    parser.add_argument("--list", action="store_true", help="print their names and end")
    options = parser.parse_args()
    if options.list:
        print("\n".join(bug.name for bug in BUGS))
        return 0
    chosen = [bug for bug in BUGS if not options.names or bug.name in options.names]
    caught = {}
    for bug in chosen:
        caught[bug.name], last = is_caught(bug)
        print(f"{'caught' if caught[bug.name] else 'GOT THROUGH'}: {bug.name} ({last})", flush=True)
    ok = bool(caught) and all(caught.values())
    print(json.dumps({"name": "planted", "ok": ok, "caught": caught}))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
