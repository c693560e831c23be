"""`python -m tests.paper_fuzz --n 50000 --seed 1`: bad input of every kind, a JSON report last."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "testudo.settings")


def main(arguments: Sequence[str]) -> int:
    from tests.paper_fuzz.run import run

    parser = argparse.ArgumentParser(prog="python -m tests.paper_fuzz")
    parser.add_argument("--n", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        report = run(Path(folder) / "state.sqlite3", given.n, given.seed)
    for one in report["wrong"]:
        print(one)
    print(json.dumps(report))
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
