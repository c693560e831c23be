"""`python -m tests.drills NAME [--quick]`: run one drill; `--list` names them.

Exit code 1 where the promise was broken, 2 for a name that does not exist.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys

from tests.drills.servers import run_beside_servers

DRILLS = {
    "budget": "tests.drills.budget",
    "catalogue": "tests.drills.catalogue",
    "events": "tests.drills.events",
    "halt": "tests.drills.halt",
    "kill": "tests.drills.kill",
    "race": "tests.drills.race",
    "reconcile": "tests.drills.reconcile",
    "recover": "tests.drills.recover",
    "schedules": "tests.drills.schedules",
    "stack": "tests.drills.stack",
    "stream": "tests.drills.stream",
}

ALONE = frozenset({"catalogue"})  # need no server


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drills", add_help=False)
    parser.add_argument("name", nargs="?", help="which one")
    parser.add_argument("--list", action="store_true", help="name all and stop")
    parser.add_argument("--servers-run", action="store_true", help=argparse.SUPPRESS)
    options, rest = parser.parse_known_args(arguments)
    if options.list:
        print("\n".join(sorted(DRILLS)))
        return 0
    if options.name not in DRILLS:
        print(f"There is no drill {options.name!r}: choose from {', '.join(sorted(DRILLS))}.")
        return 2
    if not options.servers_run and options.name not in ALONE:
        return run_beside_servers(["tests.drills", "--servers-run", options.name, *rest])
    report = importlib.import_module(DRILLS[options.name]).run(rest)
    print(json.dumps({"name": options.name, **report}))
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
