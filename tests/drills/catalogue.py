"""Every fault of the reliability catalogue has a test named after it: `test_f07_…`.

Reads the test files themselves, so it needs no server. A name may carry several: `test_f02_f03_…`.
"""

from __future__ import annotations

import argparse
import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
NAMED = re.compile(r"(?<=_)f(\d\d)(?=_|$)")
OF_OTHERS = {  # faults that other work than the order path answers for
    "F41": "operations: restore to a moment",
    "F47": "billing: a webhook five times, shuffled",
    "F48": "billing: a subscription lapses with a position open",
    "F54": "the desk: a socket that nobody reads",
    "F55": "accounts: the master key is rotated",
}
FAULTS: dict[str, str] = {
    "F01": "die between commit and send",
    "F02": "die after send, before reply",
    "F03": "die after reply, before recording",
    "F04": "accepted, reply reset",
    "F05": "accepted, reply never",
    "F06": "5xx, accepted or not at random",
    "F07": "-1006 or -1007, visible after a while",
    "F08": "read lag: unknown though live",
    "F09": "reply truncated; wrong Content-Length",
    "F10": "instant fill, then the same id is free",
    "F11": "429 with Retry-After",
    "F12": "418, all processes restarted inside",
    "F13": "403, a firewall's page",
    "F14": "local clock off by five seconds",
    "F15": "clock stepped back an hour",
    "F16": "every report three times",
    "F17": "reports in random order",
    "F18": "a report ninety seconds late",
    "F19": "half-open socket: up, no frames",
    "F20": "reconnect, subscription lost silently",
    "F21": "an event between the subscribe's answer and the queue",
    "F22": "a burst of ten thousand events",
    "F23": "24 h disconnect, serverShutdown, eventStreamTerminated",
    "F24": "entry filled in part, then nothing",
    "F25": "entry fills, both legs refused",
    "F26": "stop triggers, price gaps past",
    "F27": "market stop expires part-filled",
    "F28": "the trader cancels the stop by hand",
    "F29": "the trader sells the coin by hand",
    "F30": "moving a pair: cancelled, and the new one refused",
    "F31": "stop fills while its replacement is in flight",
    "F32": "two workers get one task",
    "F33": "a worker stopped between claim and send",
    "F34": "fifty submissions, room for one",
    "F35": "same drag from two tabs, double click, retry",
    "F36": "same Idempotency-Key, other body",
    "F37": "Redis killed and empty, mid-trade",
    "F38": "Redis stalled for a minute",
    "F39": "postmaster killed under load",
    "F40": "COMMIT's answer lost",
    "F42": "disk full under WAL, then freed",
    "F43": "daphne killed, sockets open",
    "F44": "beat dead; two beats",
    "F45": "relay dies between publish and mark",
    "F46": "consumer dies after its effect, before the inbox",
    "F49": "API key revoked with a position",
    "F50": "symbol HALT or CANCEL_ONLY with a position",
    "F51": "kill switch during submissions in flight",
    "F52": "loss limit crossed by a fill while entries fly",
    "F53": "restart with a breaker open or half-open",
    "F56": "old and new workers during a migration",
}


def run(arguments: list[str]) -> dict[str, Any]:
    parser = argparse.ArgumentParser(prog="python -m tests.drills catalogue")
    parser.add_argument("--quick", action="store_true", help="the same")
    parser.parse_args(arguments)
    tests = named_tests()
    for fault, says in sorted((FAULTS | OF_OTHERS).items()):
        found = tests.get(fault, [])
        mark = "    " if found else ("them" if fault in OF_OTHERS else "NONE")
        print(f"{mark} {fault} {says}")
        for test in found:
            print(f"       {test}")
    missing = sorted(FAULTS.keys() - tests.keys())
    return {
        "ok": not missing,
        "faults": len(FAULTS),
        "tests": len({test for fault in FAULTS for test in tests.get(fault, [])}),
        "missing": missing,
        "of_others": sorted(OF_OTHERS),
        "unknown": sorted(tests.keys() - FAULTS.keys() - OF_OTHERS.keys()),
    }


def named_tests() -> dict[str, list[str]]:
    """Test ids by the fault in their name."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(ROOT.rglob("test_*.py")):
        for name in _functions(path):
            for number in NAMED.findall(name):
                found[f"F{number}"].append(f"tests/{path.relative_to(ROOT)}::{name}")
    return dict(found)


def _functions(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith(
            "test"
        ):
            yield node.name
