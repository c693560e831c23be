"""`python -m tests.bench NAME [--quick]`: run one benchmark; `--list` names them.

People read the lines; the last line is JSON. Exit code 1 where a limit is missed, 2 for a name that
does not exist. Benchmarks reach nothing but this machine.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Callable

from tests.bench.measures import Measure

BENCHES = {
    "http": "tests.bench.http",
    "matching": "tests.bench.matching",
    "ooda": "tests.bench.ooda",
    "rules": "tests.bench.rules",
    "sizing": "tests.bench.sizing",
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("name", nargs="?", help="which one")
    parser.add_argument("--list", action="store_true", help="name all and stop")
    parser.add_argument("--quick", action="store_true", help="smaller numbers, the same limits")
    options = parser.parse_args(arguments)
    if options.list:
        print("\n".join(sorted(BENCHES)))
        return 0
    if options.name not in BENCHES:
        print(f"There is no benchmark {options.name!r}: choose from {', '.join(sorted(BENCHES))}.")
        return 2
    run: Callable[[bool], list[Measure]] = importlib.import_module(BENCHES[options.name]).run
    measures = run(options.quick)
    for one in measures:
        print(one.line())
    held = all(one.holds for one in measures)
    report = {
        "name": options.name,
        "ok": held,
        "quick": options.quick,
        **{one.name: round(one.value, 6) for one in measures},
        "missed": [one.name for one in measures if not one.holds],
    }
    print(json.dumps(report))
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
